"""Judging: holds a project against what is expected of it, and puts the pages of that on the shelf."""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import pandas as pd

from capstan.dictionary import Dictionary
from capstan.expectations.assets import Sorted, sort_data, sort_measures
from capstan.expectations.shelf import Shelf
from capstan.quality.expected import Expected
from capstan.quality.outcome import Outcome


@dataclass(frozen=True, eq=False)
class Project:
    """What is judged: measures (`measure, form, field, event, site, value, count`), and an export as text."""

    study: str
    measures: pd.DataFrame
    export: pd.DataFrame
    dictionary: Dictionary


def validate(
    project: Project, expected: Sequence[Expected], *, home: Path, at: datetime, values: bool = False
) -> list[Outcome]:
    """Judge each expectation by Great Expectations and write Data Docs to `home`/quality/STUDY/data_docs.

    The pages hold counts, shares and means of at least five rows, no values of people. With `values`, for a
    person at a terminal, codes are shown as they are, in the folder `values` beside the other, which nobody
    is served. `at` is aware and in the zone that the pages tell it in.

    Raises ExpectationRaised where the judgement of one went wrong (the pages are written all the same), and
    StoreError where the pages cannot be written.
    """
    # Great Expectations costs a process five seconds; whoever only imports this module does not pay them.
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # of its own, which nobody here can mend
        from capstan.expectations import drawing, results
        from capstan.expectations.context import OPEN, SAFE, judge_assets

    place = home / "quality" / project.study
    shelf = Shelf(place / "values" if values else place)
    known = list(_each_once(expected))
    parts = _sort(project, known, values=values)
    with shelf.draft() as draft:
        context = draft / "gx"
        context.mkdir()
        assets = [asset for part in parts for asset in part.assets]
        judged, broken = judge_assets(
            assets, folder=context, at=at.astimezone(UTC), result_format=OPEN if values else SAFE
        )
        unasked = [outcome for part in parts for outcome in part.unasked]
        outcomes = [*results.outcomes_of(judged), *broken, *unasked]
        drawn = drawing.Run(project.study, at, shelf.free_name(at.astimezone(UTC)), known, outcomes)
        shelf.publish(draft, pages=drawn.pages(judged), note=drawn.note(), index=drawn.index)
        shelf.keep_suites(context)
    return results.require_judged(_in_order(outcomes, expected=known))


def _sort(project: Project, expected: Sequence[Expected], *, values: bool) -> tuple[Sorted, Sorted]:
    of_measures = [one for one in expected if one.asset == "measures"]
    of_data = [one for one in expected if one.asset == "data"]
    return (
        sort_measures(of_measures, measures=project.measures),
        sort_data(of_data, export=project.export, dictionary=project.dictionary, values=values),
    )


def _each_once(expected: Sequence[Expected]) -> Iterator[Expected]:
    return iter({one.id: one for one in expected}.values())


def _in_order(outcomes: Sequence[Outcome], *, expected: Sequence[Expected]) -> list[Outcome]:
    by_id = {outcome.id: outcome for outcome in outcomes}
    return [by_id[one.id] for one in expected]
