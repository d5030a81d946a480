"""Our pages around Great Expectations' own: all runs, and of one run what failed first."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import NamedTuple

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from capstan.quality.expected import Expected
from capstan.quality.outcome import Outcome, Result

_FOLDER = Path(__file__).with_name("templates")
_STYLE = (_FOLDER / "style.css").read_text(encoding="utf-8")
_DIGEST = base64.b64encode(hashlib.sha256(_STYLE.encode()).digest()).decode()
_environment = Environment(
    loader=FileSystemLoader(_FOLDER), autoescape=True, undefined=StrictUndefined, trim_blocks=True
)
_environment.globals["style"] = Markup(_STYLE)
_environment.globals["policy"] = f"default-src 'none'; style-src 'sha256-{_DIGEST}'"

_STATES: Mapping[Result, str] = {
    "failed": "failed",
    "raised": "not judged",
    "passed": "passed",
    "waiting": "waiting",
}
_SEVERITIES = ("critical", "warning", "info")
COUNTED = ("failed critical", "failed warning", "failed info", "not judged", "passed", "waiting")


class Said(NamedTuple):
    """An expectation with what became of it, and the address of its place in Great Expectations' page."""

    expected: Expected
    outcome: Outcome
    address: str = ""


@dataclass(frozen=True)
class RunNote:
    """What the page of all runs says of one: the name of its folder, when it was, its counts."""

    name: str
    at: str
    counts: Mapping[str, int]

    @property
    def state(self) -> str:
        """What the run comes to: the worst of it."""
        if any(self.counts[name] for name in COUNTED[:3]):
            return "failed"
        return next((name for name in COUNTED[3:] if self.counts[name]), "waiting")


def note_of(said: Iterable[Said], *, name: str, at: datetime) -> RunNote:
    """Count what became of the expectations."""
    counts = dict.fromkeys(COUNTED, 0)
    for expected, outcome, _ in said:
        state = _STATES[outcome.result]
        counts[f"{state} {expected.severity}" if state == "failed" else state] += 1
    return RunNote(name, _moment(at), counts)


def run_page(study: str, *, at: datetime, said: Iterable[Said], ways: Iterable[tuple[str, str]]) -> str:
    """Draw the page of a run: what failed, what could not be judged, and the rest folded, by kind."""
    groups: dict[tuple[str, bool], list[dict[str, str]]] = {}
    for one in sorted(said, key=_order):
        state = _STATES[one.outcome.result]
        is_open = state in ("failed", "not judged")
        title = state.capitalize() if is_open else f"{state.capitalize()}, {one.expected.kind}"
        groups.setdefault((title, is_open), []).append(_row(one, state=state))
    return _environment.get_template("run.html").render(
        title=f"{study}: expectations of {_moment(at)}",
        says="What failed comes first. Counts, shares and means only: no value of a person.",
        ways=[("All runs", "../../index.html"), *ways],
        groups=[
            {"title": title, "is_open": is_open, "rows": rows} for (title, is_open), rows in groups.items()
        ],
    )


def index_page(study: str, *, runs: list[RunNote]) -> str:
    """Draw the page of all runs, the newest first."""
    return _environment.get_template("index.html").render(
        title=f"{study}: data quality",
        says=f"The last {len(runs):,} times that this project was held against what is expected of it.",
        ways=[],
        runs=sorted(runs, key=lambda run: run.name, reverse=True),
        counted=COUNTED,
    )


def asset_page(title: str, *, says: str, body: Markup, ways: Iterable[tuple[str, str]]) -> str:
    """Put a cleaned page of Great Expectations into our shell."""
    template = _environment.get_template("page.html")
    return template.render(title=title, says=says, body=body, ways=[("All runs", "../../index.html"), *ways])


def _order(one: Said) -> tuple[int, str, int, str]:
    state = list(_STATES).index(one.outcome.result)
    severity = _SEVERITIES.index(one.expected.severity)
    by_kind = one.outcome.result in ("passed", "waiting")
    return state, one.expected.kind if by_kind else "", severity, one.expected.id


def _row(one: Said, *, state: str) -> dict[str, str]:
    expected, outcome, address = one
    names = (expected.form, expected.field, expected.event, expected.site)
    return {
        "state": state,
        "severity": expected.severity,
        "sentence": expected.sentence,
        "where": ", ".join(name for name in names if name),
        "observed": "" if outcome.observed is None else f"{outcome.observed:,.4g}",
        "bounds": _bounds(expected),
        "address": address,
        "why": outcome.why,
    }


def _bounds(expected: Expected) -> str:
    lower, upper = (f"{one:,.4g}" if one is not None else "" for one in (expected.lower, expected.upper))
    if lower and upper:
        return lower if lower == upper else f"{lower} to {upper}"
    return f"at least {lower}" if lower else f"at most {upper}" if upper else ""


def _moment(at: datetime) -> str:
    return f"{at:%Y-%m-%d %H:%M} {at.tzname() or ''}".strip()
