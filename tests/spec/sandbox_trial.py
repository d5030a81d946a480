"""What tests of imports, deletions and the log share: one trial with events, repeats, groups and equations."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import replace
from typing import Any

from sandbox_desk import Desk

from sandbox.project.field import Field
from sandbox.project.model import Project
from sandbox.project.parts import Arm, Event, Form, Repeat
from sandbox.render import Answer

FORMS = (Form("start", "Start"), Form("exam", "Exam"), Form("call", "Call"), Form("diary", "Diary"))


def field(name: str, form: str, kind: str = "text", choices: str = "", **more: str) -> Field:
    """Make a field; `check` is its validation type and `note` its annotation."""
    return Field(
        name,
        form,
        field_type=kind,
        field_label=name.title(),
        select_choices_or_calculations=choices,
        text_validation_type_or_show_slider_number=more.get("check", ""),
        text_validation_min=more.get("low", ""),
        text_validation_max=more.get("high", ""),
        field_annotation=more.get("note", ""),
    )


FIELDS = (
    field("record_id", "start"),
    field("name", "start"),
    field("code", "start"),
    field("born", "start", check="date_dmy"),
    field("seen", "start", check="datetime_mdy"),
    field("sex", "start", "radio", "0, Female | 1, Male | 01, Other"),
    field("likes", "start", "checkbox", "1, Milk | 2, Tea | -9, None"),
    field("adult", "start", "yesno"),
    field("city", "start", "sql", "select 1"),
    field("story", "start", "notes"),
    field("weight", "exam", check="number"),
    field("double", "exam", "calc", "[weight] * 2"),
    field("fourfold", "exam", "calc", "[double] * 2"),
    field("words", "exam", note="@CALCTEXT(if([weight] > 50, 'heavy, (very)', 'light'))"),
    field("due", "exam", check="date_ymd", note="@CALCDATE([baseline_arm_1][born], 7, 'd')"),
    field("change", "exam", "calc", "[weight] - [baseline_arm_1][weight]"),
    field("pain", "exam", "slider", "no | some | much"),
    field("mood", "exam", "slider", "", low="-5", high="5"),
    field("scan", "exam", "file"),
    field("outcome", "call", "dropdown", "1, Reached | 2, Not reached"),
    field("calls", "call", "calc", "[outcome] + 10"),
    field("day", "diary", check="integer"),
)
EVENTS = (
    Event(101, "Baseline", 1, "baseline_arm_1", 1, forms=("start", "exam")),
    Event(102, "Month 6", 1, "month_6_arm_1", 2, forms=("exam", "call")),
    Event(103, "Weekly", 1, "weekly_arm_1", 3, forms=("diary",)),
    Event(104, "Baseline", 2, "baseline_arm_2", 1, forms=("start", "exam")),
)
REPEATS = (Repeat(102, "call"), Repeat(103))
MONTH_6 = {"redcap_event_name": "month_6_arm_1"}
CALL = {**MONTH_6, "redcap_repeat_instrument": "call"}
WEEKLY = {"redcap_event_name": "weekly_arm_1"}
Rows = list[dict[str, Any]]


class Trial(Desk):
    """A longitudinal project with everything, or a classic one with the same forms."""

    def __init__(self, version: str = "15.2.1", *, classic: bool = False, **settings: str) -> None:
        super().__init__(version, **settings)
        self.save(_classic(self.project) if classic else _longitudinal(self.project))

    def post(self, rows: Any, **fields: Any) -> Answer:
        """Import rows; text is sent as it is."""
        data = rows if isinstance(rows, str) else json.dumps(rows)
        return self.ask(
            fields.pop("token", self.owner), "record", **{"format": "json", "data": data, **fields}
        )

    def load(self, rows: Any, **fields: Any) -> str:
        """Import rows that are to be taken; returns the answer."""
        answer = self.post(rows, **fields)
        assert answer.status == 200, answer.content
        return answer.content.decode()

    def refusal(self, rows: Any, **fields: Any) -> str:
        """Import rows that are to be refused; returns the text."""
        answer = self.post(rows, **{"returnFormat": "json", **fields})
        assert answer.status == 400, answer.content
        return json.loads(answer.content)["error"]

    def rows(self, **fields: Any) -> Rows:
        return self.json(self.owner, "record", **fields)

    def value(self, name: str, record: str = "1", **where: Any) -> str:
        """Return one exported value of the row that is there."""
        found = [
            row for row in self.rows(records=[record]) if all(row[key] == one for key, one in where.items())
        ]
        assert len(found) == 1, found
        return found[0][name]

    def log(self, **fields: Any) -> Rows:
        return self.json(self.owner, "log", **fields)


def error(record: str, name: str, value: str, message: str) -> str:
    """Return one line of the error block."""
    return ",".join('"' + cell.replace('"', '""') + '"' for cell in (record, name, value, message))


OpenTrial = Callable[..., Trial]


@contextmanager
def trials() -> Iterator[OpenTrial]:
    """Open trials, which close at the end."""
    with ExitStack() as stack:
        yield lambda *args, **settings: stack.enter_context(closing(Trial(*args, **settings)))


def _longitudinal(project: Project) -> Project:
    arms = (Arm(1, "Drug"), Arm(2, "Placebo"))
    return replace(
        project, longitudinal=True, arms=arms, events=EVENTS, forms=FORMS, fields=FIELDS, repeats=REPEATS
    )


def _classic(project: Project) -> Project:
    event = replace(EVENTS[0], unique_name="event_1_arm_1", forms=tuple(form.name for form in FORMS))
    return replace(
        project,
        longitudinal=False,
        events=(event,),
        forms=FORMS,
        fields=FIELDS,
        repeats=(Repeat(101, "call"),),
    )
