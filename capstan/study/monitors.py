"""The part `monitors` of the study file: what must follow what, and who is told when it does not."""

from __future__ import annotations

from datetime import timedelta
from typing import Any, Literal

from pydantic import Field

from capstan.notice import STAFF
from capstan.study.parts import NAME, DurationText, Part
from capstan.study.probes import Command, give_one
from capstan.study.triggers import Codes

# The flows of one study.
WatchedFlow = Literal[
    "poll_participants",
    "compute_visit_dates",
    "check_eligibility",
    "import_records",
    "apply_plan",
    "rejudge_quarantine",
    "complete_forms",
    "send_messages",
    "send_surveys",
    "check_deliveries",
    "check_replies",
    "check_partner_status",
    "ingest_triggers",
    "reconcile_triggers",
    "run_monitors",
    "load_sessions",
    "data_quality",
    "try_alarm",
    "revert_run",
]


class Start(Part):
    """What starts a wait: a form, any form of an event, a message that was sent, or a session's scan data.

    A form counts once its status is one of `completed`.
    """

    form: str = ""
    event: str = ""
    completed: Codes = ("2",)
    message: str = ""
    session: Literal["", "scans"] = ""

    def model_post_init(self, _context: Any) -> None:
        """Refuse none and several."""
        if self.message or self.session:
            give_one(self, "form", "event", "message", "session")
        elif not (self.form or self.event):
            raise ValueError("give one of form, event, message, session")


class Follow(Part):
    """What must follow: a form of the same record, scan data that a probe finds, or a reply to a message."""

    form: str = ""
    event: str = ""
    completed: Codes = ("2",)
    data: str = ""
    reply: str = ""

    def model_post_init(self, _context: Any) -> None:
        """Refuse none and several."""
        give_one(self, "form", "data", "reply")


class NoNew(Part):
    """An instrument into which somebody must enter or change something at least once `within` a time."""

    instrument: str
    within: DurationText


class JobRuns(Part):
    """A flow that must have ended well at least once `within` a time."""

    flow: WatchedFlow
    within: DurationText


class Escalation(Part):
    """Who is told too, and how long after the wait began."""

    after: DurationText
    to: tuple[str, ...] = Field(min_length=1)


class Download(Command):
    """A command that fetches scan data, tried again until they are there or its time is over."""

    every: DurationText = timedelta(hours=1)
    until: DurationText | None = None


class Monitor(Part):
    """Something that must happen, and who is told when it does not.

    Its kind is what it names: `then` must follow the start `of` (a trigger's `expects` where there is none)
    within `after`; `no_new` and `job` need no start. Times count from the start, or from when it was late.
    `afterwards` runs once for each session whose data came.
    """

    id: str = Field(pattern=NAME)
    of: Start | None = None
    then: Follow | None = None
    after: DurationText | None = None
    no_new: NoNew | None = None
    job: JobRuns | None = None
    notify: tuple[str, ...] = Field(default=(STAFF,), min_length=1)
    remind: DurationText | None = None
    escalate: Escalation | None = None
    give_up: DurationText = timedelta(days=14)
    download: Download | None = None
    afterwards: Command | None = None

    @property
    def patience(self) -> timedelta:
        """How long after a wait began staff are told first."""
        return self.after or timedelta()

    @property
    def download_for(self) -> timedelta:
        """How long after a wait began a download is tried."""
        until = self.download.until if self.download else None
        return self.patience if until is None else until

    def model_post_init(self, _context: Any) -> None:
        """Refuse kinds that contradict each other, and times that come in the wrong order."""
        give_one(self, "then", "no_new", "job")
        if (self.then is None) != (self.after is None):
            raise ValueError("give after together with then, and nowhere else")
        if self.of and not self.then:
            raise ValueError("of says what starts a wait; give then, what must follow")
        if (self.download or self.afterwards) and not (self.then and self.then.data):
            raise ValueError("download and afterwards belong to scan data; give then.data")
        self._check_times()

    def _check_times(self) -> None:
        if self.remind is not None and not self.remind:
            raise ValueError("remind must be longer than nothing")
        if self.give_up <= self.patience:
            raise ValueError("give_up must be later than after")
        if self.escalate and not self.patience < self.escalate.after < self.give_up:
            raise ValueError("escalate.after must be between after and give_up")
        if self.download_for > self.patience:
            # Else a download would end without a word.
            raise ValueError("download.until must not be later than after, when staff are told")
