"""An audit: what the rules find in all that a project holds, counted by check and by REDCap's letter."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

import numpy as np
import pandas as pd

from capstan.dictionary import FieldType
from capstan.plan import KEYS
from capstan.study import Study
from capstan.verdict import Severity, collected
from checks import arms, forms, identity, logic, placement, rows, studyrules, values
from checks.case import Rules
from checks.columns import Rows
from checks.findings import Finding, as_verdicts
from checks.quality.acceptances import Accepting
from checks.quality.blanks import judge_blanks
from checks.quality.calculated import judge_stored
from checks.quality.custom import judge_conditions, judge_custom
from checks.quality.held import Held
from checks.quality.outliers import judge_outliers
from checks.quality.redcap_rules import count_letters

# All are counted; nobody looks through more of what is only noted.
LISTED_NOTES = 10_000


@dataclass(frozen=True, eq=False, repr=False)
class Audited:
    """What an audit found, as `VERDICT_COLUMNS` in study order: by row as exported, then by field.

    Of each check that only notes, about `LISTED_NOTES` findings are listed. `checks` and `letters` count all
    findings on rows, by check and by REDCap's rules A to I; `accepted` those that the study accepts, which
    are nowhere else. `rows_found` is how many rows have a finding that is more than a note. What could not
    be judged is told by verdicts without a record.
    """

    verdicts: pd.DataFrame
    checks: Mapping[str, int]
    letters: Mapping[str, int]
    rows_found: int
    accepted: int


def audit(export: pd.DataFrame, *, rules: Rules, now: datetime) -> Audited:
    """Judge a keyed export of all fields by every rule that needs no plan; `now` is in the study's zone."""
    held = Held.read(export, dictionary=rules.dictionary, grid=rules.grid, now=now)
    accepting = Accepting.on(
        rules.today, exceptions=rules.study.quality.exceptions, dictionary=rules.dictionary
    )
    findings = [each for each in _findings(held, rules=rules) if len(each.rows)]
    kept = [each for each in findings if not accepting.accepts(each.check, each.field)]
    told = collected(_verdicts(held, study=rules.study))
    is_accepted = accepting.among(told)
    counts = _counts(kept, told[~is_accepted])
    listed = as_verdicts(_shortened(kept), keys=held.sheet.key_columns)
    verdicts, row = _ordered(collected([told[~is_accepted], listed]), held=held)
    worth = (row >= 0) & (verdicts["severity"] != Severity.NOTE.value).to_numpy()
    return Audited(
        verdicts,
        checks=_by_check(counts),
        letters=count_letters(counts, dictionary=rules.dictionary),
        rows_found=len(np.unique(row[worth])),
        accepted=int(is_accepted.sum()) + _size(findings) - _size(kept),
    )


def _findings(held: Held, *, rules: Rules) -> Iterator[Finding]:
    """What is said of cells and keys by themselves."""
    sheet, grid, everywhere = held.sheet, held.grid, held.everywhere
    yield from rows.judge_events(sheet, asked=sheet.touched, grid=grid)
    yield from placement.judge_repeats(sheet, asked=sheet.touched, grid=grid)
    yield from rows.judge_gaps(sheet, asked=sheet.touched, present=held.keys.iloc[:0])
    yield from placement.judge_fields(sheet, alive=everywhere, dictionary=held.dictionary, grid=grid)
    yield from values.judge_values(sheet, alive=everywhere, rules=rules.values)
    yield from judge_blanks(held)
    yield from judge_outliers(held, limits=rules.study.quality.outliers)


def _verdicts(held: Held, *, study: Study) -> Iterator[pd.DataFrame]:
    """What is said of rows and participants as a whole, and of what cannot be judged."""
    data, record_field = held.table.data, held.dictionary.record_field
    yield logic.judge_rows(held)
    yield _of_statuses(forms.judge_forms(held), held=held)
    yield from judge_stored(held)
    yield from judge_conditions(held, rules=study.checks.rules)
    yield from judge_custom(held, rules=study.quality.rules)
    yield values.judge_knowledge(
        held.sheet.changed_columns, dictionary=held.dictionary, listed=study.checks.sql_choices
    )
    if study.arms.assigned_by or study.arms.shared:  # else a record may be in any arm where it has data
        allowed = arms.allowed_arms(
            study.arms, present=data, wanted=data.iloc[:0], record_field=record_field, grid=held.grid
        )
        yield arms.judge_arms(held.keys[held.sheet.touched], allowed=allowed, grid=held.grid)
    days = [visit.took_place for visit in study.visits if visit.took_place]
    assigning = [study.arms.assigned_by.field] if study.arms.assigned_by else []
    yield studyrules.judge_participants(held.with_cells([*days, *assigning]), study=study)
    persons = held.with_cells([*study.checks.unique, *study.checks.same_person])
    yield identity.judge_identities(persons.cells, present=None, checks=study.checks)


def _of_statuses(found: pd.DataFrame, *, held: Held) -> pd.DataFrame:
    """Leave out the required fields of finished forms: they are said as `required_blank` already."""
    names = [item.name for item in held.dictionary.fields if item.type is FieldType.FORM_STATUS]
    return found[found["field"].isin(names)]


def _size(findings: Iterable[Finding]) -> int:
    return sum(len(finding.rows) for finding in findings)


def _counts(findings: Iterable[Finding], told: pd.DataFrame) -> Counter[tuple[str, str]]:
    """How many findings on rows there are of each check at each column."""
    of_rows = told[told["record"] != ""]
    counts = Counter(zip(of_rows["check"], of_rows["field"], strict=True))
    for finding in findings:
        counts[finding.check, finding.field] += len(finding.rows)
    return counts


def _by_check(counts: Mapping[tuple[str, str], int]) -> dict[str, int]:
    found: Counter[str] = Counter()
    for (check, _), count in counts.items():
        found[check] += count
    return dict(sorted(found.items()))


def _shortened(findings: Sequence[Finding]) -> list[Finding]:
    """Keep of each check that only notes the findings of the first rows."""
    last: dict[str, int] = {}
    for check in {finding.check for finding in findings if finding.reach is Severity.NOTE}:
        every = np.concatenate([finding.rows for finding in findings if finding.check == check])
        if len(every) > LISTED_NOTES:
            last[check] = int(np.partition(every, LISTED_NOTES)[LISTED_NOTES])
    return [
        finding._replace(rows=finding.rows[finding.rows <= last[finding.check]])
        if finding.check in last
        else finding
        for finding in findings
    ]


def _ordered(verdicts: pd.DataFrame, *, held: Held) -> tuple[pd.DataFrame, Rows]:
    """Verdicts in study order, and the row of each, -1 for the project as a whole."""
    rank = {name: place for place, name in enumerate(held.dictionary.by_column)}
    rank |= {item.name: rank[item.columns[0]] for item in held.dictionary.fields if item.columns}
    field = verdicts["field"].map(rank).fillna(-1).to_numpy()
    # Ids that differ in untidy blanks alone are one and the same here.
    first = np.flatnonzero(~held.sheet.row_index.duplicated())
    places = held.sheet.row_index[first].get_indexer(pd.MultiIndex.from_frame(verdicts[list(KEYS)]))
    row = np.where(places < 0, -1, first[places] if len(first) else -1)
    order = np.lexsort((field, row))
    return verdicts.iloc[order].reset_index(drop=True), row[order]
