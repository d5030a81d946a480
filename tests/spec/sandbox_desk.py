"""A sandbox without a network for tests of rights: its own project, users with chosen rights, and raw calls."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import replace
from typing import Any

from sandbox.call import Upload, read_call
from sandbox.people.rights import FLAGS, member_from
from sandbox.project.field import Field
from sandbox.project.model import Project
from sandbox.project.parts import Arm, Event, Form, Group
from sandbox.render import Answer
from sandbox.setup.creation import add_token, create_project
from sandbox.state import State

FORMS = (Form("start", "Start"), Form("exam", "Exam"), Form("scan", "Scan"))
FIELDS = (
    Field("record_id", "start"),
    Field("name", "start", identifier="y"),
    Field("photo", "start", field_type="file", identifier="y"),
    Field("height", "exam", text_validation_type_or_show_slider_number="number"),
    Field("report", "exam", field_type="file"),
    Field("signed", "exam", field_type="file", text_validation_type_or_show_slider_number="signature"),
    Field("image", "scan", field_type="file"),
)


class Desk:
    """One small project with two access groups, and whoever a test lets in."""

    def __init__(self, version: str = "15.2.1", *, longitudinal: bool = False, **settings: str) -> None:
        self.state = State(version=version)
        self._answers: list[Answer] = []
        made = create_project(
            self.state.store, {"project_title": "Small", "purpose": "0"}, now="2024-01-01 08:00:00"
        )
        self.owner, self.project_id = made.token, made.project.project_id
        self.save(_filled(made.project, longitudinal=longitudinal, settings=settings))

    def close(self) -> None:
        for answer in self._answers:
            answer.close()
        self.state.close()

    @property
    def project(self) -> Project:
        project = self.state.store.projects.get(self.project_id)
        assert project is not None
        return project

    def save(self, project: Project) -> None:
        self.state.store.projects.save(project)

    def token(self, username: str, *, rights: tuple[str, ...] = FLAGS, group: str = "", **more: Any) -> str:
        """Let somebody in who has these rights and no others."""
        groups = {one.unique_name: one.group_id for one in self.project.groups}
        flags = {name: int(name in rights) for name in FLAGS}
        member = member_from(username, {"flags": flags, "group_id": groups.get(group), **more})
        return add_token(self.state.store, self.project, member=member)

    def ask(
        self, token: str, content: str, *, file: tuple[str, bytes] | None = None, **fields: Any
    ) -> Answer:
        """Make one request; a list is sent as indexed parameters, other values as they are."""
        pairs = [("token", token), ("content", content)]
        for name, value in fields.items():
            many = enumerate(value) if isinstance(value, list) else [("", value)]
            pairs += [(f"{name}[{index}]" if index != "" else name, str(one)) for index, one in many]
        upload = None if file is None else Upload(file[0], "", file[1])
        # Not every test reads the answer, and a streamed one holds a connection until it is closed.
        self._answers.append(self.state.redcap.answer(read_call(pairs, upload=upload)))
        return self._answers[-1]

    def json(self, token: str, content: str, **fields: Any) -> Any:
        answer = self.ask(token, content, format="json", **fields)
        assert answer.status == 200, answer.content
        return json.loads(answer.content)

    def send(self, token: str, content: str, rows: Any, **fields: Any) -> Answer:
        return self.ask(token, content, format="json", data=json.dumps(rows), **fields)

    def error(self, token: str, content: str, **fields: Any) -> tuple[int, str]:
        answer = self.ask(token, content, **{"returnFormat": "json", **fields})
        return answer.status, json.loads(answer.content)["error"] if answer.status != 200 else ""

    def dump(self) -> tuple[str, ...]:
        """Return everything that is stored."""
        return tuple(self.state.store._db.iterdump())


OpenDesk = Callable[..., Desk]


@contextmanager
def desks() -> Iterator[OpenDesk]:
    """Open desks, which close at the end."""
    with ExitStack() as stack:
        yield lambda *args, **settings: stack.enter_context(closing(Desk(*args, **settings)))


def _filled(project: Project, *, longitudinal: bool, settings: dict[str, str]) -> Project:
    forms = tuple(form.name for form in FORMS)
    labels = ("Event 1", "Event 2") if longitudinal else ("Event 1",)
    events = tuple(
        Event(100 + number, label, 1, f"event_{number}_arm_1", day_offset=number, forms=forms)
        for number, label in enumerate(labels, 1)
    )
    return replace(
        project,
        longitudinal=longitudinal,
        arms=(Arm(1, "Arm 1"),),
        events=events,
        forms=FORMS,
        fields=FIELDS,
        groups=(Group(11, "North", "north"), Group(12, "South", "south")),
        settings={**project.settings, **settings},
    )
