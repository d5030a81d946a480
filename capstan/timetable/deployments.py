"""Deployments: what a study's timetable is, the default one with what its study file says otherwise."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from capstan.timetable.cron import Cron
from capstan.timetable.starts import ANCHOR, Schedule
from capstan.timetable.table import TIMETABLE, DefaultTimes, Row

if TYPE_CHECKING:
    from capstan.study import Study
    from capstan.study.schedules import Times


@dataclass(frozen=True)
class Deployment:
    """One flow for one study; without schedules it is started on demand."""

    row: Row
    study: str
    schedules: tuple[Schedule, ...]

    @property
    def name(self) -> str:
        """Its whole name at Prefect, such as `compute-visit-dates/demo`."""
        return f"{flow_name(self.row.flow)}/{self.study}"

    def starts(self, begin: datetime, *, end: datetime) -> list[datetime]:
        """Every start from `begin` to before `end`, in UTC and in order."""
        return sorted({one for schedule in self.schedules for one in schedule.starts(begin, end=end)})


def flow_name(flow: str) -> str:
    """What Prefect calls a flow: `check_replies` is `check-replies`."""
    return flow.replace("_", "-")


def deployments_of(study: Study) -> tuple[Deployment, ...]:
    """The deployments that a study needs or asks for, in the order of the timetable."""
    return tuple(
        Deployment(row, study.study, tuple(_schedules(row, study)))
        for row in TIMETABLE
        if row.is_needed(study) or study.schedules.of(row.flow)
    )


def _schedules(row: Row, study: Study) -> Iterator[Schedule]:
    for slug, times, parameters in _times(row, study):
        shift = study.schedules.shift_minutes
        if times.every:
            anchor = ANCHOR + timedelta(minutes=shift)
            yield Schedule(slug, study.timezone, "", times.every, anchor, parameters)
            continue
        # Without a shift as it was written, which people find again.
        crons = [str(cron) for cron in Cron.parse(times.cron).moved(shift)] if shift else [times.cron]
        for position, cron in enumerate(crons, start=1):
            whole = slug if position == 1 else f"{slug}-{position}"
            yield Schedule(whole, study.timezone, cron, parameters=parameters)


def _times(row: Row, study: Study) -> Iterator[tuple[str, DefaultTimes | Times, dict[str, object]]]:
    """The slug, the times and the parameters of each schedule."""
    asked = study.schedules.of(row.flow)
    if asked is not None:
        for position, times in enumerate(asked, start=1):
            yield f"own-{position}", times, _plain(times.parameters)
        return
    parameters = _without_surveys(study) if row.flow == "send_messages" else {}
    if parameters != {"messages": []}:
        yield from ((one.slug, one, parameters) for one in row.times)


def _without_surveys(study: Study) -> dict[str, object]:
    """Which messages are left to `send_messages`, where surveys have times of their own."""
    surveys = {message.id for message in study.messages if message.survey}
    if not surveys or study.schedules.of("send_surveys") == ():
        return {}
    return {"messages": [message.id for message in study.messages if message.id not in surveys]}


def _plain(parameters: dict[str, Any]) -> dict[str, object]:
    return {name: list(one) if isinstance(one, tuple) else one for name, one in parameters.items()}
