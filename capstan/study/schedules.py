"""The part `schedules` of the study file: which flows run at other times than by default, or not at all."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BeforeValidator, Field

from capstan.study.parts import DurationText, Part
from capstan.timetable.cron import Cron

ScheduledFlow = Literal[
    "poll_participants",
    "compute_visit_dates",
    "check_eligibility",
    "check_partner_status",
    "import_records",
    "complete_forms",
    "send_messages",
    "send_surveys",
    "check_deliveries",
    "check_replies",
    "ingest_triggers",
    "reconcile_triggers",
    "load_sessions",
    "run_monitors",
    "data_quality",
    "try_alarm",
    "rejudge_quarantine",
]
_DAY, _HOUR = timedelta(days=1), timedelta(hours=1)


def _is_cron(value: str) -> str:
    if value:
        Cron.parse(value)
    return value


CronText = Annotated[str, AfterValidator(_is_cron)]


class Times(Part):
    """When a flow starts: by `cron`, on the study's clock, or `every` so often; exactly one of the two.

    `parameters` are the flow's own, without the study and without anything about a participant.
    """

    cron: CronText = ""
    every: DurationText | None = None
    parameters: dict[str, bool | int | float | str | tuple[str, ...]] = Field(default={})

    def model_post_init(self, _context: Any) -> None:
        """Refuse none and both, and what would be another time of day after the clocks change."""
        if bool(self.cron) == (self.every is not None):
            raise ValueError("give cron or every, one of the two")
        if self.every is not None and not timedelta(minutes=1) <= self.every < _DAY:
            raise ValueError(
                "every must be from 1 minute to less than 1 day; longer ones are written as cron"
            )
        if "study" in self.parameters:
            raise ValueError("parameters must not name a study: each study has deployments of its own")


def _as_times(value: object) -> object:
    """Let a study write `off`, one entry, or a list of entries."""
    if value in ("off", False):
        return ()
    return (value,) if isinstance(value, dict | Times) else value


class Schedules(Part):
    """Where a study's times differ from the default ones.

    `flows` are whole: what stands there takes the place of all default times of a flow, and `off` leaves it
    to be started on demand. By `shift` all its times are later, so that studies do not start at once.
    """

    shift: DurationText = timedelta()
    flows: dict[
        ScheduledFlow,
        Annotated[
            tuple[Times, ...],
            BeforeValidator(_as_times, json_schema_input_type=list[Times] | Times | Literal["off"]),
        ],
    ] = Field(default={})

    def model_post_init(self, _context: Any) -> None:
        """Refuse a shift that a time cannot follow."""
        if not timedelta() <= self.shift < _HOUR:
            raise ValueError("shift must be less than 1 hour")
        for times in (one for listed in self.flows.values() for one in listed if one.cron):
            Cron.parse(times.cron).moved(self.shift_minutes)

    def of(self, flow: str) -> tuple[Times, ...] | None:
        """What the study says of a flow: nothing at all (None), or its whole times; empty is `off`."""
        return next((times for name, times in self.flows.items() if name == flow), None)

    @property
    def shift_minutes(self) -> int:
        """By how many minutes the study's times are later."""
        return self.shift // timedelta(minutes=1)
