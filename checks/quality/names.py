"""Names of checks that a study file mentions: each must be in the catalogue, or a rule of its own."""

from __future__ import annotations

from typing import TYPE_CHECKING

from capstan.project_names import Problem, nearest
from capstan.quality.expected import Kind
from checks.catalogue import CATALOGUE

if TYPE_CHECKING:
    from capstan.study import Study

# Rules of expectations, alone or with a place behind them; the modules that ask them cost every run time.
_RULES = frozenset(
    {"complete", "doubles", "growth", "kept", "needed", "places", "quiet", "reference_shares", "silence"}
)
_RULES_OF_MEASURES = ("never_", "recent_", "site_")


def misspelt_checks(study: Study) -> list[Problem]:
    """What `quality.queries.checks` and `quality.exceptions` name and nothing is called.

    Expectations become queries too, by kind, rule or id; which places there are only a look knows.
    The study check says itself which of the study's own rules an exception names wrongly.
    """
    quality = study.quality
    known = {*CATALOGUE, *(f"custom_{rule.id}" for rule in quality.rules)}
    named = [
        ("quality.queries.checks", check) for check in quality.queries.checks if not is_expectation(check)
    ]
    named += [
        (f"quality.exceptions[{number}].check", one.check)
        for number, one in enumerate(quality.exceptions)
        if not one.check.startswith("custom_")
    ]
    return [
        Problem(place, f"there is no check {check!r}; {nearest(check, known)}.")
        for place, check in named
        if check not in known
    ]


def is_expectation(name: str) -> bool:
    """Whether a name is that of expectations: their kind, their rule, or the id of one."""
    rule = name.partition("/")[0]
    return name in set(Kind) or rule in _RULES or rule.startswith(_RULES_OF_MEASURES)
