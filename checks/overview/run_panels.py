"""The panels of a run's page: what came of it, by field and event, what was stopped, and how long it took."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import pandas as pd

from capstan.overview import Panel
from checks.overview.run_stopped import stopped_panels
from checks.overview.run_story import RunStory
from checks.overview.run_tally import UNKNOWN

_CELLS = ("planned", "written", "unchanged", "stopped", "not written")


def run_panels(story: RunStory) -> tuple[Panel, ...]:
    """The panels of a run's page, those with something on them."""
    panels = (
        Panel("run", "What came of it", story.said, _pairs(story.facts, names=("what", "is"))),
        Panel("run_counts", "Counts", "What was counted.", _pairs(story.counts, names=("what", "count"))),
        _by_field(story),
        _by_event(story),
        *stopped_panels(story),
        _steps(story.about.get("steps", ())),
        _batches(story.batches),
        *_ran_with(story.about),
    )
    return tuple(panel for panel in panels if len(panel.table))


def _by_field(story: RunStory) -> Panel:
    cells = _tallied(story, part="fields", names=("field", "form"))
    said = f"The cells of {_many(len(cells), 'field')}: {_spoken(cells)}."
    return Panel("run_fields", "Cells by field", said, cells)


def _by_event(story: RunStory) -> Panel:
    cells = _tallied(story, part="events", names=("event",))
    # A project without events has one nameless place, of which nothing is to be told.
    cells = cells[cells["event"] != ""]
    said = f"The cells of {_many(len(cells), 'event')}: {_spoken(cells)}."
    return Panel("run_events", "Cells by event", said, cells)


def _tallied(story: RunStory, *, part: str, names: tuple[str, ...]) -> pd.DataFrame:
    """What was planned by name, and what became of it: `names` and `_CELLS`."""
    rows = story.about.get("cells", {}).get(part, ())
    table = pd.DataFrame(rows, columns=[*names, "planned", "unchanged", "stopped"])
    landed = story.outcomes[story.outcomes["outcome"] == "written"][names[0]]
    own = landed.where(landed.isin(table[names[0]]), landed.str.split("___").str[0])
    own = own.where(own.isin(table[names[0]]), UNKNOWN)
    table["written"] = table[names[0]].map(own.value_counts()).fillna(0).astype("int64")
    table["not written"] = (table["planned"] - table["written"]).clip(lower=0) * story.has_written
    return table[[*names, *_CELLS]]


def _spoken(cells: pd.DataFrame) -> str:
    counts = ((name, int(cells[name].sum())) for name in _CELLS)
    return ", ".join(f"{count:,} {name}" for name, count in counts if count) or "none"


def _steps(steps: Any) -> Panel:
    table = pd.DataFrame(list(steps), columns=["step", "times", "seconds"])
    said = f"The steps took {table['seconds'].sum():.1f} seconds together."
    return Panel("run_steps", "Time of each step", said, table)


def _batches(batches: pd.DataFrame) -> Panel:
    said = f"REDCap was changed in {_many(len(batches), 'step')}; each was journaled before, and read back."
    return Panel("run_batches", "What was sent to REDCap", said, batches)


def _ran_with(about: Mapping[str, Any]) -> Iterator[Panel]:
    """What makes the run repeatable: versions, and digests that change with what they are of."""
    parts = (
        ("run_versions", "Versions", "What the run ran with.", "version"),
        (
            "run_digests",
            "Digests",
            "What the run rested on; equal digests mean that nothing changed.",
            "digest",
        ),
    )
    for name, title, said, column in parts:
        told = about.get(name.removeprefix("run_"), {})
        yield Panel(name, title, said, _pairs(told, names=("of", column)))


def _pairs(told: Mapping[str, Any], *, names: tuple[str, str]) -> pd.DataFrame:
    return pd.DataFrame(list(told.items()), columns=list(names))


def _many(count: int, one: str) -> str:
    return f"{count:,} {one}" if count == 1 else f"{count:,} {one}s"
