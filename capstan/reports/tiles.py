"""Tiles: the key figures of a study, which its page says first."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import pandas as pd

from capstan.overview import NO_DATE, Overview


class Tile(NamedTuple):
    """A figure, what it is of, and a word on it; it leads to the panel that has more."""

    panel: str
    name: str
    figure: str
    about: str
    is_bad: bool = False


def tiles_of(overview: Overview) -> list[Tile]:
    """The key figures that the panels have."""
    tables = {panel.id: panel.table for panel in overview.panels}
    makers = (
        ("enrolment", _enrolled),
        ("calendar", _overdue),
        ("completeness", _complete),
        ("findings", _findings),
        ("runs", _last_run),
    )
    return [tile for name, maker in makers if name in tables for tile in maker(tables[name])]


def _enrolled(table: pd.DataFrame) -> Iterator[Tile]:
    targets = table["target"].dropna()
    undated = int(table.loc[table["week"] == NO_DATE, "enrolled"].sum())
    about = f"of {targets.max():,.0f} planned" if len(targets) else "participants"
    about += f", {undated:,} without a date" if undated and undated < table["enrolled"].sum() else ""
    yield Tile("enrolment", "Enrolled", f"{int(table['enrolled'].sum()):,}", about)


def _overdue(table: pd.DataFrame) -> Iterator[Tile]:
    late = table[table["status"] == "overdue"]
    count, sites = int(late["visits"].sum()), set(late.loc[late["visits"] > 0, "site"])
    where = f"at {len(sites):,} site{'' if len(sites) == 1 else 's'}" if any(sites) else "of all to come"
    about = where if count else "all visits are in time"
    yield Tile("calendar", "Visits overdue", f"{count:,}", about, is_bad=count > 0)


def _complete(table: pd.DataFrame) -> Iterator[Tile]:
    expected, complete = int(table["expected"].sum()), int(table["complete"].sum())
    if expected:
        share = min(100 * complete // expected, 100)
        yield Tile("completeness", "Forms complete", f"{share}%", f"of {expected:,} expected")


def _findings(table: pd.DataFrame) -> Iterator[Tile]:
    old = int(table.loc[table["age"] == "over 30 days", "open"].sum())
    about = f"{old:,} for over 30 days" if old else "none for over 30 days"
    yield Tile("findings", "Findings open", f"{int(table['open'].sum()):,}", about, is_bad=old > 0)


def _last_run(table: pd.DataFrame) -> Iterator[Tile]:
    if table.empty:
        return
    last = table.assign(begun=pd.to_datetime(table["started"], utc=True)).nlargest(1, "begun").iloc[0]
    about = f"{str(last['flow']).replace('_', ' ')}, {last['begun']:%d %b %H:%M}"
    yield Tile("runs", "Last run", str(last["outcome"]).replace("_", " "), about)
