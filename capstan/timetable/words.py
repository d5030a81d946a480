"""Words: a schedule as people say it, such as `every 15 minutes from 05:00 to 22:45, Monday to Friday`."""

from __future__ import annotations

from itertools import pairwise

from capstan.periods import write_duration
from capstan.timetable.cron import EVERY_WEEKDAY, Cron
from capstan.timetable.starts import Schedule

_DAYS = ("Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday")
_MONTHS = (
    *("January", "February", "March", "April", "May", "June", "July"),
    *("August", "September", "October", "November", "December"),
)
_FEW = 8
_A_DAY = 24 * 60


def say(schedule: Schedule) -> str:
    """A schedule in words, on the study's clock."""
    if schedule.every:
        return f"every {write_duration(schedule.every)}".replace("every 1 ", "every ")
    cron = Cron.parse(schedule.cron)
    return ", ".join(part for part in (_say_times(cron), _say_days(cron)) if part)


def _say_times(cron: Cron) -> str:
    times = sorted(60 * hour + minute for hour in cron.hours for minute in cron.minutes)
    gaps = {later - earlier for earlier, later in pairwise([*times, times[0] + _A_DAY])}
    if len(gaps) == 1 and len(times) > 1:
        return _every(gaps.pop(), minute=times[0])
    inner = {later - earlier for earlier, later in pairwise(times)}
    if len(times) > 2 and len(inner) == 1 and (len(times) > _FEW or inner == {60}):
        return f"{_every(inner.pop())} from {_clock(times[0])} to {_clock(times[-1])}"
    if len(times) > _FEW:
        minutes = ", ".join(f"{minute:02}" for minute in sorted(cron.minutes))
        hours = _ranges(sorted(cron.hours), [f"{hour:02}" for hour in range(24)])
        return f"at minutes {minutes} of the hours {hours}"
    return ", ".join(map(_clock, times))


def _every(minutes: int, *, minute: int = 0) -> str:
    """How often, and at which minute it begins where that is not the full hour."""
    size, unit = (minutes // 60, "hour") if minutes % 60 == 0 else (minutes, "minute")
    often = f"every {size} {unit}s" if size > 1 else f"every {unit}"
    return f"{often}, from minute {minute}" if minute else often


def _say_days(cron: Cron) -> str:
    said = []
    if cron.weekdays != EVERY_WEEKDAY:
        # Weeks begin on Monday.
        ordered = sorted(cron.weekdays, key=lambda day: (day - 1) % 7)
        said.append(_ranges([(day - 1) % 7 for day in ordered], [*_DAYS[1:], _DAYS[0]]))
    if not set(range(1, 32)) <= cron.days:
        said.append(f"on day {_ranges(sorted(cron.days), [str(day) for day in range(32)])}")
    if len(cron.months) < 12:
        said.append(f"in {_ranges([month - 1 for month in sorted(cron.months)], list(_MONTHS))}")
    return ", ".join(said)


def _ranges(values: list[int], names: list[str]) -> str:
    """Ascending values by their names, three or more in a row as `first to last`."""
    runs: list[list[int]] = []
    for value in values:
        if runs and value == runs[-1][-1] + 1:
            runs[-1].append(value)
        else:
            runs.append([value])
    said = []
    for run in runs:
        said += [f"{names[run[0]]} to {names[run[-1]]}"] if len(run) > 2 else [names[one] for one in run]
    return ", ".join(said)


def _clock(minutes: int) -> str:
    return f"{minutes // 60:02}:{minutes % 60:02}"
