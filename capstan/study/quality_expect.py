"""The part `quality.expect` of the study file: thresholds that people set instead of learned ones."""

from __future__ import annotations

from datetime import date
from typing import Annotated

from pydantic import Field

from capstan.study.parts import DurationText, Part

Share = Annotated[float, Field(ge=0, le=1)]


class Needs(Part):
    """A form that makes sense only where a record has another one."""

    form: str
    needs: str


class Expect(Part):
    """What is expected of the project, where it is not to be learned from the days before.

    `freshness` is how long a site may enter nothing, `completeness` the least share of a form's rows that are
    complete. From the day `ended` on nobody enters any more. `off` has ids of expectations, or their kinds.
    """

    freshness: DurationText | None = None
    completeness: dict[str, Share] = Field(default={})
    needs: tuple[Needs, ...] = ()
    ended: date | None = None
    off: tuple[str, ...] = ()
