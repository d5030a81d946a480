"""The running sandbox: store, clock, faults, triggers, messages, requests, and the lock around them."""

from __future__ import annotations

import json
import threading
from collections import deque
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from http import HTTPStatus
from itertools import islice
from pathlib import Path

from sandbox.call import Call
from sandbox.clock import Clock, Course
from sandbox.data.logs import FORM
from sandbox.data.places import Place, changed_places
from sandbox.delivery import Delivery, Post
from sandbox.dispatch import Redcap
from sandbox.faults import Faults
from sandbox.limits import RateLimit
from sandbox.people.rights import Member
from sandbox.project.model import Project
from sandbox.project.parts import RowKey
from sandbox.render import Answer
from sandbox.session import Session
from sandbox.storage import Store
from sandbox.triggers import read_trigger, trigger_fields
from sandbox.twilio import Exchange

DEFAULT_VERSION = "15.2.1"
_CLOCK = "clock"
MAX_REQUESTS = 10_000


@dataclass(frozen=True)
class Request:
    """One request as the control API lists it: no values, no token."""

    at: str
    method: str
    content: str
    action: str
    received_bytes: int
    sent_bytes: int
    status: int
    fault: str = ""


class State:
    """Everything that outlives a request; `base_url` is the server's address with its slash."""

    def __init__(
        self, state_dir: Path | None = None, version: str = DEFAULT_VERSION, *, strict_arrays: bool = False
    ) -> None:
        self.lock = threading.Lock()
        self.store = Store(state_dir)
        self.clock = Clock()
        if kept := self.store.meta(_CLOCK):
            self.clock.course = Course(*json.loads(kept))
        self.redcap = Redcap(self.store, self.clock, version=version)
        self.redcap.after_import = self._after_import
        self.strict_arrays = strict_arrays
        self.base_url = "http://127.0.0.1/"
        self.faults = Faults()
        self.limit = RateLimit()
        self.delivery = Delivery()
        self.mail_certificate = ""
        self.requests: deque[Request] = deque(maxlen=MAX_REQUESTS)
        self._twilio: Exchange | None = None

    @property
    def twilio(self) -> Exchange:
        """The messages, whose files are made when they are first asked for; raises `BadConfig`."""
        if self._twilio is None:
            folder = self.store.path.parent
            self._twilio = Exchange(
                folder, self.clock, site=lambda: self.base_url, advanced=self._keep_advanced_clock
            )
        return self._twilio

    @property
    def version(self) -> str:
        return ".".join(str(part) for part in self.redcap.version)

    @contextmanager
    def writing(self) -> Iterator[None]:
        """Make everything inside happen or nothing; triggers of what was saved go out afterwards."""
        with self.lock:
            try:
                with self.store.transaction():
                    yield
                self.delivery.send_prepared()
            finally:
                self.delivery.forget_prepared()

    def answer(self, call: Call) -> Answer:
        """Answer a request to the API."""
        with self.lock:
            try:
                answer = self.redcap.answer(call)
                if answer.status < HTTPStatus.BAD_REQUEST:
                    self.delivery.send_prepared()
            finally:
                self.delivery.forget_prepared()
        return answer

    def session(self, project: Project, username: str) -> Session:
        """Return a session of a person who may do everything."""
        member = Member(username)
        now = self.clock.now()
        return Session(self.store, project, member, Call({}), now, self.redcap.version, source=FORM)

    def prepare_trigger(self, session: Session, place: Place) -> None:
        """Let the project's data entry trigger go out for a form that was just saved."""
        trigger = read_trigger(self.store, session.project_id)
        if trigger.url and trigger.is_on:
            fields = trigger_fields(session, place, base_url=self.base_url)
            self.delivery.prepare(Post(session.stamp, session.project_id, trigger.url, fields))

    def set_clock(self, course: Course) -> None:
        """Set the clock, over a restart too; messages that are due then go their way."""
        before = self.clock.epoch()
        self.clock.course = course
        self._keep_clock()
        if self._twilio is not None:
            self._twilio.clock_was_set(self.clock.epoch() - before)

    def _keep_clock(self) -> None:
        self.store.set_meta(_CLOCK, json.dumps(self.clock.course))

    def _keep_advanced_clock(self) -> None:
        with self.writing():
            self._keep_clock()

    def _after_import(self, session: Session, changed: Mapping[RowKey, Mapping[str, str]]) -> None:
        """Let triggers go out after an import, where a project asks for what REDCap never does."""
        if not read_trigger(self.store, session.project_id).on_imports:
            return
        for place in islice(changed_places(session.project, changed), self.delivery.room()):
            self.prepare_trigger(session, place)

    def close(self) -> None:
        if self._twilio is not None:
            self._twilio.close()
        self.delivery.close()
        self.store.close()
