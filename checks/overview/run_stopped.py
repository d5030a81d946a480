"""What a run stopped or warned of: by check, with examples that name nobody unless they may."""

from __future__ import annotations

from collections.abc import Iterator

import pandas as pd

from capstan.overview import Panel
from capstan.plan import KEYS
from capstan.verdict import Severity, stopping
from checks.catalogue import CATALOGUE
from checks.overview.run_story import ProjectNames, RunStory
from checks.overview.run_tally import UNKNOWN

EXAMPLES, MOST_EXAMPLES = 5, 100
# REDCap's own words may quote a value.
_REDCAPS_WORDS = frozenset({"row_refused", "locked"})
_ORDER = {severity.value: number for number, severity in enumerate(Severity)}


def stopped_panels(story: RunStory) -> Iterator[Panel]:
    """Verdicts by check, and some places of each."""
    found = story.verdicts
    rows = found.drop_duplicates([*KEYS, "check", "severity"])
    yield Panel("run_checks", "What the checks found", _said(found), _by_check(rows))
    said = f"Up to {EXAMPLES} places of each check. {_who(story)}"
    yield Panel("run_examples", "Examples", said, _examples(story))


def examples_of(verdicts: pd.DataFrame) -> pd.DataFrame:
    """The verdicts that a page shows: the first of each check, the gravest first."""
    first = verdicts.drop_duplicates([*KEYS, "field", "check"])
    first = first[first.groupby("check").cumcount() < EXAMPLES]
    order = first["severity"].map(_ORDER).sort_values(kind="stable").index
    return first.loc[order].head(MOST_EXAMPLES).reset_index(drop=True)


def _said(found: pd.DataFrame) -> str:
    named = [found[found["record"] != ""], stopping(found[found["record"] != ""])]
    spoken, stopped = (len(part.drop_duplicates(list(KEYS))) for part in named)
    ending = f", and stopped {stopped:,} of them." if stopped else "."
    return f"Checks found something in {spoken:,} rows{ending}"


def _by_check(rows: pd.DataFrame) -> pd.DataFrame:
    counts = rows.groupby(["check", "severity"], sort=False).size().rename("rows").reset_index()
    counts["means"] = counts["check"].map(lambda check: _said_of(check, "meaning"))
    counts["remedy"] = counts["check"].map(lambda check: _said_of(check, "remedy"))
    order = counts["severity"].map(_ORDER)
    return counts.assign(order=order).sort_values(
        ["order", "rows", "check"], ascending=[True, False, True], ignore_index=True
    )[["check", "severity", "rows", "means", "remedy"]]


def _examples(story: RunStory) -> pd.DataFrame:
    found = _without_strange_words(story.examples, names=story.names)
    who = "record" if story.names_records else "participant"
    places = [name for name in (*KEYS[1:], "field") if (found[name] != "").any()]
    return found[["check", "record", *places, "reason", "link"]].rename(columns={"record": who})


def _without_strange_words(found: pd.DataFrame, *, names: ProjectNames) -> pd.DataFrame:
    """Leave only words that the project has; a reason may quote the names that a row came with."""
    known = {"event": names.events, "instrument": names.forms, "field": names.fields}
    is_strange = {name: (found[name] != "") & ~found[name].isin(words) for name, words in known.items()}
    is_strange["instance"] = ~found["instance"].str.fullmatch("[0-9]*|new")
    hidden = {name: found[name].mask(strange, UNKNOWN) for name, strange in is_strange.items()}
    quotes = pd.DataFrame(is_strange).any(axis=1) | found["check"].isin(_REDCAPS_WORDS)
    meanings = found["check"].map(lambda check: _said_of(check, "meaning"))
    return found.assign(**hidden, reason=found["reason"].mask(quotes, meanings))


def _who(story: RunStory) -> str:
    if story.names_records:
        return "This page names records."
    return "Participants stand by references, which `capstan records whose` explains."


def _said_of(check: str, part: str) -> str:
    return str(getattr(CATALOGUE[check], part)) if check in CATALOGUE else ""
