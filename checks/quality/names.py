"""Names of checks that a study file mentions: each must be in the catalogue, or a rule of its own."""

from __future__ import annotations

from typing import TYPE_CHECKING

from capstan.project_names import Problem, nearest
from checks.catalogue import CATALOGUE

if TYPE_CHECKING:
    from capstan.study import Study


def misspelt_checks(study: Study) -> list[Problem]:
    """What `quality.queries.checks` and `quality.exceptions` name and nothing is called.

    The study check says itself which of the study's own rules an exception names wrongly.
    """
    quality = study.quality
    known = {*CATALOGUE, *(f"custom_{rule.id}" for rule in quality.rules)}
    named = [("quality.queries.checks", check) for check in quality.queries.checks]
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
