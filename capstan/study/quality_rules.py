"""The parts of `quality` on single rows: outliers, a study's own rules, and findings that it accepts."""

from __future__ import annotations

from datetime import date
from typing import Literal

from pydantic import Field

from capstan.study.parts import NAME, NeededLogic, Part

CUSTOM = "custom_"


class Outliers(Part):
    """How far from the others a number is an outlier (REDCap's rule E: more than 2 SD from the mean).

    `around` says from what: the mean, in standard deviations, or the median, in median deviations, which a
    few wild values do not move. Fields with fewer than `at_least` numbers are not judged.
    """

    deviations: float = Field(default=2, gt=0, allow_inf_nan=False)
    at_least: int = Field(default=20, ge=3)
    around: Literal["mean", "median"] = "mean"


class QualityRule(Part):
    """A rule in REDCap's logic, as REDCap's own custom rules: where `finds` is true is a finding.

    `event` (a unique name or its part before `_arm_N`) limits it, and `field` is what the finding is said of;
    blank for the row as a whole.
    """

    id: str = Field(pattern=NAME)
    finds: NeededLogic
    text: str = Field(min_length=1)
    severity: Literal["error", "warning", "note"] = "warning"
    event: str = ""
    field: str = ""

    @property
    def check(self) -> str:
        """The id under which its findings are told."""
        return CUSTOM + self.id


class Acceptance(Part):
    """Findings of one check, at one field (any if blank), that the study accepts through the day `until`."""

    check: str = Field(min_length=1)
    field: str = ""
    reason: str = Field(min_length=1)
    until: date
