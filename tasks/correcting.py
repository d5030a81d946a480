"""Correcting: a file with what was evidently meant put in, for a person to look at; nothing is imported."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

import pandas as pd
from pydantic import ValidationError

from capstan.errors import Refused, UsageError
from capstan.study import Limits
from capstan.verdict import Severity, of_severity, rows_by_check
from checks.judgement import Judgement
from checks.suggestions import suggested
from tasks.connections import open_project
from tasks.files import read_table
from tasks.judging import judge_plan
from tasks.present import read_present
from tasks.private_files import write_privately


class Corrected(NamedTuple):
    """What was corrected, in counts: cells by column, rows stopped before and after, by check."""

    file: str
    cells: Mapping[str, int]
    stopped_before: Mapping[str, int]
    stopped_after: Mapping[str, int]


def correct_file(study: str, *, file: str, target: Path, limits: Mapping[str, str]) -> Corrected:
    """Judge a file and write it with all suggestions put in; imports nothing.

    `limits` are the run's own, by their name in the study's limits. Raises UsageError where the target is
    there already, and Refused where the file's columns do not let any row be judged.
    """
    if target.exists():
        raise UsageError(f"{target}: is there already; name another file with -o, or move it away.")
    table = read_table(file).frame
    live = open_project(study)
    try:
        present = read_present(live, table)
        now = datetime.now(UTC)
        chosen = _chosen(live.study.writes.limits, given=limits)

        def judged(frame: pd.DataFrame) -> Judgement:
            return judge_plan(live, wanted=frame, present=present, limits=chosen, now=now)

        before = judged(table)
        _refuse_header(before)
        corrected = suggested(table, before)
        after = judged(corrected)
    finally:
        live.close()
    write_privately(target, _as_csv(corrected), option="-o")
    counts = before.suggestions["column"].value_counts(sort=False)
    cells = {str(column): int(count) for column, count in counts.items()}
    return Corrected(str(target), cells, _stopped(before), _stopped(after))


def _chosen(limits: Limits, *, given: Mapping[str, str]) -> Limits:
    try:
        return Limits.model_validate({**limits.model_dump(), **given})
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
    raise UsageError(f"max_{first['loc'][0]}: {first['msg']}; correct it.")


def _refuse_header(judgement: Judgement) -> None:
    whole = of_severity(judgement.verdicts, Severity.FATAL)
    columns = whole[whole["field"] != ""]
    if len(columns):
        first = columns.iloc[0]
        raise Refused(f"Nothing was corrected: {first['field']}: {first['reason']}")


def _stopped(judgement: Judgement) -> Mapping[str, int]:
    return rows_by_check(of_severity(judgement.verdicts, Severity.ERROR))


def _as_csv(frame: pd.DataFrame) -> bytes:
    text = io.StringIO(newline="")
    rows = csv.writer(text, lineterminator="\n")
    rows.writerow(frame.columns)
    rows.writerows(frame.itertuples(index=False, name=None))
    return text.getvalue().encode()
