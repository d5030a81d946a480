"""The limits on a whole plan: one text to one address, gaps, caps, and the budget."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pandas as pd

from capstan.contact import OpenHours, next_open
from capstan.contact.strike import strike
from capstan.delivery import Channel
from capstan.message import NEVER_SENT, History, read_time, write_time

if TYPE_CHECKING:
    from capstan.study import Study

_DAY, _WEEK = timedelta(days=1), timedelta(days=7)
# Two participants may share a phone, and its owner counts what arrives.
_WHOSE = ("record", "address")

_Last = dict[tuple[str, str], datetime]
"""When each record and each address was contacted last."""


@dataclass(frozen=True, eq=False, repr=False)
class ContactLimits:
    """Judges a plan (`PLANNED_COLUMNS` and the bool `lacks_link`) as a whole, in the order of its rows.

    `now` is in the study's zone. Days and weeks of a participant are the last 24 and 168 hours; the
    study's day and month are those of its calendar.
    """

    study: Study
    history: History
    hours: OpenHours
    now: datetime

    def judge(self, planned: pd.DataFrame) -> pd.DataFrame:
        """Remove what is above a limit, and move what would follow another message too soon."""
        judged = self._judge_repeats(planned)
        judged = self._judge_participants(judged)
        judged = self._judge_volume(judged)
        return self._judge_gaps(judged)

    def _judge_repeats(self, planned: pd.DataFrame) -> pd.DataFrame:
        # Texts that still lack their links only look the same.
        open_ones = planned[(planned["rule"] == "") & ~planned["lacks_link"]]
        again = open_ones.duplicated(["channel", "address", "text"])
        return strike(planned, again.reindex(planned.index, fill_value=False), rule="duplicate_address")

    def _judge_participants(self, planned: pd.DataFrame) -> pd.DataFrame:
        limits = self.study.messaging.limits
        caps = (
            ("cap_day_participant", _DAY, limits.participant_per_day),
            ("cap_week_participant", _WEEK, limits.participant_per_week),
        )
        for rule, span, most in caps:
            for whose in _WHOSE:
                sent = self._since(self.now.astimezone(UTC) - span)[whose].value_counts()
                before = sent.reindex(planned[whose], fill_value=0).to_numpy()
                here = _is_open(planned).groupby(planned[whose]).cumsum()
                planned = strike(planned, before + here > most, rule=rule)
        return planned

    def _judge_gaps(self, planned: pd.DataFrame) -> pd.DataFrame:
        """Move messages to one person apart; only who gets several, or had one just now, is looked at."""
        gap = timedelta(minutes=self.study.messaging.limits.minutes_between)
        last = self._last_contacts(gap)
        open_ones = planned[planned["rule"] == ""]
        crowded = pd.Series(False, index=open_ones.index)
        for whose in _WHOSE:
            recent = [name for kind, name in last if kind == whose]
            crowded |= open_ones[whose].duplicated(keep=False) | open_ones[whose].isin(recent)
        times, late = {}, []
        for place, row in open_ones[crowded].iterrows():
            opened = self._after_gap(row, last=last, gap=gap)
            if opened:
                times[place] = write_time(opened)
                last.update({(whose, row[whose]): opened for whose in _WHOSE})
            else:
                late.append(place)
        moved = pd.Series(times, dtype="str").reindex(planned.index)
        judged = planned.assign(not_before=moved.fillna(planned["not_before"]))
        return strike(judged, planned.index.isin(late), rule="closed_hours")

    def _after_gap(self, row: pd.Series[str], *, last: _Last, gap: timedelta) -> datetime | None:
        """When a message may follow the last one to the same person; None if that is too late."""
        free = [last[whose, row[whose]] + gap for whose in _WHOSE if (whose, row[whose]) in last]
        start = max([read_time(row["not_before"]), *free])
        opened = next_open(start, zones=row["zones"].split(), hours=self.hours)
        return opened if opened and opened <= read_time(row["not_after"]) else None

    def _last_contacts(self, gap: timedelta) -> _Last:
        recent = self._since(self.now.astimezone(UTC) - gap)
        found: _Last = {}
        for whose in _WHOSE:
            latest = recent.groupby(whose)["at"].max()
            found.update({(whose, str(name)): read_time(at) for name, at in latest.items()})
        return found

    def _judge_volume(self, planned: pd.DataFrame) -> pd.DataFrame:
        policy = self.study.messaging
        limits = policy.limits
        midnight = self.now.replace(hour=0, minute=0, second=0, microsecond=0)
        planned = strike(planned, _is_open(planned).cumsum() > limits.per_run, rule="cap_run")
        today = len(self._since(midnight))
        planned = strike(planned, today + _is_open(planned).cumsum() > limits.per_day, rule="cap_day")
        if not limits.budget_per_month or policy.sms is None:
            return planned
        month = self._since(midnight.replace(day=1))
        spent = month.loc[month["channel"] == Channel.SMS, "segments"].astype("int64").sum()
        wanted = planned["segments"].astype("int64") * _is_open(planned)
        cost = (spent + wanted.cumsum()) * policy.sms.price_per_segment
        is_text = planned["channel"] == Channel.SMS
        return strike(planned, is_text & (cost > limits.budget_per_month), rule="budget")

    def _since(self, moment: datetime) -> pd.DataFrame:
        """Earlier messages from a moment on, without those that nobody got."""
        told = self.history.messages
        return told[(told["at"] >= write_time(moment)) & ~told["state"].isin(NEVER_SENT)]


def _is_open(planned: pd.DataFrame) -> pd.Series[int]:
    return (planned["rule"] == "").astype("int64")
