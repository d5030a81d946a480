"""What the pages of a study show: whom it means to enrol, how participants go through it; its calendars."""

from __future__ import annotations

from datetime import date as Day  # a key of the study file is called date
from itertools import pairwise
from typing import Annotated, Self

from pydantic import AfterValidator, Field, model_validator

from capstan.study.calendars import Calendars
from capstan.study.parts import Part

Point = tuple[Day, Annotated[int, Field(ge=0)]]


def _rise(points: tuple[Point, ...]) -> tuple[Point, ...]:
    if any(later[0] <= earlier[0] or later[1] < earlier[1] for earlier, later in pairwise(points)):
        raise ValueError("must be in the order of their days, and no number may be below the one before")
    return points


class Enrolment(Part):
    """Who counts as enrolled, since when, and how many are to be by when.

    Logic is computed on `event`. The target grows evenly from `begins` to `ends`, or through `points`;
    `sites` are targets of data access groups.
    """

    event: str = ""
    enrolled_when: str = ""
    date: str = ""
    target: int | None = Field(default=None, ge=1)
    begins: Day | None = None
    ends: Day | None = None
    points: Annotated[tuple[Point, ...], AfterValidator(_rise)] = ()
    sites: dict[str, Annotated[int, Field(ge=1)]] = Field(default={})

    @model_validator(mode="after")
    def _has_one_way_to_grow(self) -> Self:
        if self.points and (self.begins or self.ends):
            raise ValueError("give either points, or begins and ends")
        if (self.begins is None) != (self.ends is None):
            raise ValueError("begins and ends belong together")
        if self.begins and self.ends and self.begins >= self.ends:
            raise ValueError("ends must be after begins")
        if self.begins and self.target is None:
            raise ValueError("begins and ends need a target")
        return self


class ExclusionReason(Part):
    """Why a participant went no further: the first whose logic holds counts."""

    when: str
    reason: str


class Consort(Part):
    """How participants go through the study, as logic on `event`; what is blank follows from the study file.

    Excluded is who was screened and is not eligible, for the first of `excluded` that holds, and
    `not_randomized` says why eligible ones were not. `arms` names arms by number.
    """

    event: str = ""
    screened_when: str = ""
    eligible_when: str = ""
    excluded: tuple[ExclusionReason, ...] = ()
    not_randomized: tuple[ExclusionReason, ...] = ()
    randomized_when: str = ""
    arms: dict[int, str] = Field(default={})


class StudyPage(Part):
    """Whether pages name records; enrolment and flow; calendars of visits due, which a study must ask for."""

    records: bool = False
    enrolment: Enrolment = Enrolment()
    consort: Consort = Consort()
    calendars: Calendars | None = None
