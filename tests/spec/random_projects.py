"""Random projects with data, for tests that write and load them."""

from __future__ import annotations

import re

from hypothesis import strategies as st

from sandbox.project.field import Field
from sandbox.project.model import Project
from sandbox.project.parts import Arm, Event, Form, Group, Repeat, RowKey
from sandbox.storage.values import StoredRow

NAMES = st.from_regex(r"[a-z][a-z0-9_]{0,6}[a-z0-9]", fullmatch=True).filter(lambda name: "___" not in name)
TEXTS = st.text(
    st.one_of(st.sampled_from("<>&\"'\n\t |,[]"), st.characters(codec="utf-8", exclude_categories=["C"])),
    max_size=12,
)
LABELS = TEXTS.map(lambda text: re.sub(r"[|\n\t\x85\u2028\u2029]", " ", text).strip() or "label")
KINDS = [
    "text",
    "notes",
    "dropdown",
    "radio",
    "checkbox",
    "calc",
    "yesno",
    "truefalse",
    "slider",
    "descriptive",
]
CODES = st.one_of(
    st.from_regex(r"-?[0-9]{1,2}", fullmatch=True), st.from_regex(r"[A-Za-z][a-z0-9.]{0,3}", fullmatch=True)
)
VALIDATIONS = ["", "integer", "number", "date_mdy", "datetime_ymd", "datetime_seconds_dmy", "time", "email"]


@st.composite
def fields(draw: st.DrawFn, name: str, form: str) -> Field:
    kind = draw(st.sampled_from(KINDS))
    codes = draw(st.lists(CODES, min_size=1, max_size=4, unique_by=str.lower).filter(_have_own_columns))
    choices = "|".join(f"{code}, {draw(LABELS)}" for code in codes)
    spelled = {"calc": "[record_id]+1", "slider": "low | | high", "yesno": "", "truefalse": ""}
    validation = draw(st.sampled_from(VALIDATIONS)) if kind == "text" else ""
    limit = "1" if validation in ("integer", "number") and draw(st.booleans()) else ""
    flag = st.sampled_from(["", "y"])
    return Field(
        name,
        form,
        section_header=draw(TEXTS) if draw(flag) else "",
        field_type=kind,
        field_label=draw(TEXTS),
        select_choices_or_calculations=choices
        if kind in ("dropdown", "radio", "checkbox")
        else spelled.get(kind, ""),
        field_note=draw(TEXTS),
        text_validation_type_or_show_slider_number=validation,
        text_validation_min=limit,
        text_validation_max=limit and "9",
        identifier=draw(flag),
        branching_logic=draw(st.sampled_from(["", "[record_id] <> '' and \"1\" > 0"])),
        required_field=draw(flag),
        custom_alignment=draw(st.sampled_from(["", "RH"])),
        question_number=draw(st.sampled_from(["", "1a"])),
        matrix_group_name=draw(st.sampled_from(["", "grid"])),
        matrix_ranking=draw(flag),
        field_annotation=draw(TEXTS),
        attachment=("a.png", "image/png", "AAAA") if kind == "descriptive" and draw(flag) else (),
    )


def _have_own_columns(codes: list[str]) -> bool:
    return len({re.sub(r"[^a-z0-9_]", "_", code.lower()) for code in codes}) == len(codes)


@st.composite
def projects(draw: st.DrawFn) -> Project:
    names = draw(st.lists(NAMES, min_size=1, max_size=3, unique=True))
    forms = tuple(Form(f"{name}_form", draw(LABELS)) for name in names)
    found = [Field("record_id", forms[0].name)]
    for form in forms:
        own = draw(st.lists(NAMES, max_size=3, unique=True))
        found += [draw(fields(f"{form.name}_{name}_x", form.name)) for name in own]
    events = _events(draw, forms)
    groups = tuple(
        Group(90 + index, name, name)
        for index, name in enumerate(draw(st.lists(NAMES, max_size=2, unique=True)))
    )
    return Project(
        project_id=0,
        title="Test",
        longitudinal=len(events) > 1,
        arms=tuple(
            Arm(number, f"Arm {number}{'<&>' * (len(events) > 1)}")
            for number in sorted({one.arm_num for one in events})
        ),
        events=events,
        forms=forms,
        fields=tuple(found),
        repeats=_repeats(draw, events),
        groups=groups,
        settings={"MissingDataCodes": draw(st.sampled_from(["", "NI, No information\nUNK, Unknown"]))},
        extra_xml=draw(
            st.sampled_from([(), ('<redcap:OddGroup><redcap:Odd a="&lt;&#039;\n"/></redcap:OddGroup>',)])
        ),
    )


def _events(draw: st.DrawFn, forms: tuple[Form, ...]) -> tuple[Event, ...]:
    names = tuple(form.name for form in forms)
    count = draw(st.integers(1, 4))
    if count == 1:
        return (Event(1, "Event 1", 1, "event_1_arm_1", forms=names),)
    arms = draw(st.lists(st.integers(1, 3), min_size=count, max_size=count).map(sorted))
    return tuple(
        Event(
            index,
            draw(LABELS),
            arm,
            f"event_{index}_arm_{arm}",
            day_offset=index,
            custom_label=draw(TEXTS),
            # The first event has the record id; others may have no form at all.
            forms=names if index == 1 else tuple(name for name in names if draw(st.booleans())),
        )
        for index, arm in enumerate(arms, 1)
    )


def _repeats(draw: st.DrawFn, events: tuple[Event, ...]) -> tuple[Repeat, ...]:
    found: list[Repeat] = []
    for event in events[1:] if len(events) > 1 else events:
        match draw(st.sampled_from(["", "event", "forms"])):
            case "event" if len(events) > 1:
                found.append(Repeat(event.event_id))
            case "forms":
                # Without its first form a base row has a place to show the record id.
                found += [Repeat(event.event_id, name, draw(TEXTS)) for name in event.forms[1:]]
    return tuple(found)


@st.composite
def filled(draw: st.DrawFn) -> tuple[Project, list[StoredRow]]:
    project = draw(projects())
    rows: list[StoredRow] = []
    for record in draw(st.lists(LABELS, max_size=3, unique=True)):
        key = RowKey(record, project.events[0].event_id, "", 0)
        rows.append(StoredRow(key, _cells(draw, project, key=key), {}))
        for repeat in project.repeats:
            key = RowKey(record, repeat.event_id, repeat.form, draw(st.integers(1, 12)))
            rows.append(StoredRow(key, _cells(draw, project, key=key), {}))
    return project, rows


def _cells(draw: st.DrawFn, project: Project, *, key: RowKey) -> dict[str, str]:
    cells = {"record_id": key.record}
    for column in project.columns[1:]:
        one = column.field
        if not project.is_applicable(key, one.form_name) or draw(st.booleans()):
            continue
        if column.code:
            cells[f"{one.field_name}\x1f{column.code}"] = "1"
        elif one.choices:
            cells[one.field_name] = draw(st.sampled_from(sorted(one.choices)))
        elif one.validation.startswith("datetime"):
            cells[one.field_name] = "2024-01-02 03:04"
        else:
            cells[one.field_name] = draw(TEXTS.filter(bool))
    return cells
