"""The design of a project through the API: dictionary, arms, events, mapping, repeats, settings (B.3 to B.9, B.13)."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sandbox_caller import Caller

from sandbox.state import State


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Caller]:
    state = State()
    yield Caller(state)
    state.close()


@pytest.fixture
def classic(sandbox: Caller) -> Caller:
    desk = sandbox.new()
    desk.send("metadata", DICTIONARY)
    return desk


@pytest.fixture
def visits(sandbox: Caller) -> Caller:
    desk = sandbox.new(is_longitudinal="1")
    desk.send("metadata", DICTIONARY)
    desk.send("event", [{"event_name": "Start"}, {"event_name": "End"}], action="import", override="1")
    places = [("start_arm_1", "about"), ("end_arm_1", "exam"), ("end_arm_1", "about")]
    desk.send(
        "formEventMapping",
        [{"arm_num": 1, "unique_event_name": event, "form": form} for event, form in places],
    )
    return desk


def field(name: str, form: str, kind: str = "text", choices: str = "", **more: str) -> dict[str, str]:
    return {
        "field_name": name,
        "form_name": form,
        "field_type": kind,
        "field_label": name.title(),
        "select_choices_or_calculations": choices,
        **more,
    }


DICTIONARY = [
    field("record_id", "about"),
    field("pets", "about", "checkbox", "1, Cat | -9, None | Ab, Dog"),
    field("height", "exam", text_validation_type_or_show_slider_number="number"),
    field("double", "exam", "calc", "[height]*2"),
    field("photo", "exam", "file"),
    field("hint", "exam", "descriptive"),
]

# Dictionary


def test_a_dictionary_answers_how_many_fields_it_has_and_comes_back_as_sent(classic: Caller) -> None:
    rows = classic.json("metadata")

    assert classic.send("metadata", rows) == "6"
    assert classic.json("metadata") == rows
    assert rows[1]["select_choices_or_calculations"] == "1, Cat | -9, None | Ab, Dog"
    assert len(rows[0]) == 18


@pytest.mark.parametrize("fmt", ["csv", "xml"])
def test_a_dictionary_can_be_sent_as_it_was_exported_in_other_formats(classic: Caller, fmt: str) -> None:
    exported = classic.text("metadata", format=fmt)

    assert classic.text("metadata", format=fmt, data=exported) == "6"
    assert classic.text("metadata", format=fmt) == exported


@pytest.mark.parametrize(
    ("asked", "names"),
    [
        ({"fields": "height"}, ["height"]),
        ({"forms[0]": "about"}, ["record_id", "pets"]),
        ({"forms": "about", "fields[0]": "photo"}, ["record_id", "pets", "photo"]),
        ({"fields": ""}, ["record_id", "pets", "height", "double", "photo", "hint"]),
    ],
)
def test_the_dictionary_is_filtered_by_the_union_of_fields_and_forms(
    classic: Caller, asked: dict[str, str], names: list[str]
) -> None:
    assert [row["field_name"] for row in classic.json("metadata", **asked)] == names


def test_fields_that_a_new_dictionary_leaves_out_vanish_with_their_data_until_they_are_back(
    classic: Caller,
) -> None:
    classic.send("record", [{"record_id": "1", "height": "2"}])
    classic.send("metadata", DICTIONARY[:2])
    without = classic.json("record")

    classic.send("metadata", DICTIONARY)

    assert "height" not in without[0]
    assert classic.json("record")[0]["height"] == "2"


def test_names_types_and_flags_are_read_whatever_their_case_and_age(classic: Caller) -> None:
    old = field("Notes_1", "About", "textarea", identifier="Y", text_validation_type_or_show_slider_number="")
    number = field("n", "About", text_validation_type_or_show_slider_number="float")
    classic.send("metadata", [field("record_id", "About"), old, number])

    rows = classic.json("metadata")

    assert [(row["field_name"], row["form_name"], row["field_type"]) for row in rows[1:]] == [
        ("notes_1", "about", "notes"),
        ("n", "about", "text"),
    ]
    assert rows[1]["identifier"] == "y"
    assert rows[2]["text_validation_type_or_show_slider_number"] == "number"


MISTAKES = {
    "duplicates": (
        [field("a", "f"), field("b", "f"), field("b", "f")],
        "The following variable/field names were duplicated. Please rename these field names so that they only "
        "appear once.b (A3)b (A4)",
    ),
    "no form": (
        [field("a", ""), field("b", "f"), field("c", "")],
        "Each row MUST have a form name, but the following cells have a form name missing: B2, B4.",
    ),
    "scattered forms": (
        [field("a", "f"), field("b", "g"), field("c", "f")],
        "Form names must be sequential and cannot repeat again after being used for another form. The following form "
        "names are not sequential: f.",
    ),
    "no name": ([field("a", "f"), field("", "f")], "Each row MUST have a variable/field name"),
    "a name with a blank": (
        [field("a", "f"), field("b c", "f")],
        "The following cells have a name that is not valid: A3.",
    ),
    "a reserved name": ([field("a", "f"), field("redcap_event_name", "f")], "a name that is not valid: A3."),
    "the name of a status": ([field("a", "f"), field("f_complete", "f")], "a name that is not valid: A3."),
    "no such type": ([field("a", "f"), field("b", "f", "hologram")], "a field type that is not valid: D3."),
    "an id that is no text": ([field("a", "f", "notes")], "must be a text field: D2."),
    "no choices": ([field("a", "f"), field("b", "f", "radio")], "which their field type needs: F3."),
    "an open bracket": ([field("a", "f"), field("b", "f", branching_logic="[a = 1")], "left open: L3."),
    "more options than any checkbox has": (
        [field("a", "f"), field("b", "f", "checkbox", "|".join(map(str, range(1001))))],
        "options for a checkbox: F3.",
    ),
    "nothing": ([], "The data dictionary has no fields."),
}


@pytest.mark.parametrize("name", MISTAKES)
def test_mistakes_are_told_with_their_cells_and_change_nothing(classic: Caller, name: str) -> None:
    rows, expected = MISTAKES[name]

    told = classic.refusal("metadata", rows)

    assert expected in told
    assert len(classic.json("metadata")) == 6


def test_several_kinds_of_mistakes_are_told_in_lines(classic: Caller) -> None:
    told = classic.refusal("metadata", [field("a", ""), field("a", "g")])

    assert [line[:20] for line in told.splitlines()] == ["The following variab", "Each row MUST have a"]


def test_export_names_have_calculations_and_statuses_but_no_files_and_no_descriptions(
    classic: Caller,
) -> None:
    rows = [list(row.values()) for row in classic.json("exportFieldNames")]

    assert rows == [
        ["record_id", "", "record_id"],
        ["pets", "1", "pets___1"],
        ["pets", "-9", "pets____9"],
        ["pets", "Ab", "pets___ab"],
        ["about_complete", "", "about_complete"],
        ["height", "", "height"],
        ["double", "", "double"],
        ["exam_complete", "", "exam_complete"],
    ]


def test_one_fields_export_names_can_be_asked_for(classic: Caller) -> None:
    assert len(classic.json("exportFieldNames", field="pets")) == 3
    assert "are not valid: 'none'" in classic.refusal("exportFieldNames", field="none")


def test_new_forms_get_a_label_from_their_name_and_old_ones_keep_theirs(classic: Caller) -> None:
    classic.send("metadata", [*DICTIONARY, field("x", "phone_call")])

    assert classic.text("instrument", format="csv").splitlines() == [
        "instrument_name,instrument_label",
        "about,About",
        "exam,Exam",
        'phone_call,"Phone Call"',
    ]


# Arms and events


@pytest.mark.parametrize(
    ("content", "what"), [("arm", "arms"), ("event", "events"), ("formEventMapping", "form/event mappings")]
)
def test_classic_projects_have_no_arms_events_and_mappings_to_export(
    classic: Caller, content: str, what: str
) -> None:
    assert classic.refusal(content) == f"You cannot export {what} for classic projects"


def test_a_project_is_longitudinal_once_it_may_be_and_has_two_events(classic: Caller) -> None:
    def is_longitudinal() -> int:
        return int(classic.json("project")["is_longitudinal"])

    steps = [is_longitudinal()]
    classic.send("project_settings", {"is_longitudinal": "1"})
    steps.append(is_longitudinal())
    classic.send("event", [{"event_name": "Second", "arm_num": "1"}], action="import")
    steps.append(is_longitudinal())
    classic.text("event", action="delete", **{"events[0]": "second_arm_1"})
    steps.append(is_longitudinal())

    assert steps == [0, 0, 1, 0]
    assert classic.refusal("event") == "You cannot export events for classic projects"


def test_events_imported_into_a_classic_project_hide_until_it_is_longitudinal(classic: Caller) -> None:
    classic.send("record", [{"record_id": "1", "height": "1"}])
    classic.send("event", [{"event_name": "Second"}], action="import")
    before = classic.json("record")

    classic.send("project_settings", {"is_longitudinal": 1})

    assert [row["height"] for row in before] == ["1"]
    assert [row["redcap_event_name"] for row in classic.json("record")] == ["event_1_arm_1"]


def test_lists_of_arms_events_and_mappings_end_without_a_line_break(visits: Caller) -> None:
    assert visits.text("arm", format="csv") == 'arm_num,name\n1,"Arm 1"'
    assert visits.text("event", format="csv").splitlines()[0] == (
        "event_name,arm_num,unique_event_name,custom_event_label,event_id"
    )
    assert visits.text("formEventMapping", format="csv") == (
        "arm_num,unique_event_name,form\n1,start_arm_1,about\n1,end_arm_1,about\n1,end_arm_1,exam"
    )


def test_numbers_of_arms_and_events_are_numbers_in_json(visits: Caller) -> None:
    visits.send("project_settings", {"scheduling_enabled": "1"})

    event = visits.json("event")[1]

    assert list(event) == [
        "event_name",
        "arm_num",
        "day_offset",
        "offset_min",
        "offset_max",
        "unique_event_name",
        "custom_event_label",
        "event_id",
    ]
    assert [type(value) for value in event.values()] == [str, int, int, int, int, str, str, int]
    assert visits.json("arm") == [{"arm_num": 1, "name": "Arm 1"}]
    assert visits.json("formEventMapping")[0]["arm_num"] == 1


def test_an_exported_list_of_events_is_accepted_as_it_is(visits: Caller) -> None:
    before = visits.json("event")

    assert visits.send("event", before, action="import") == "2"
    assert visits.json("event") == before


@pytest.mark.parametrize(
    ("label", "name"),
    [
        ("Deadline to opt out of study", "deadline_to_opt_ou_arm_1"),
        ("Deadline to return feedback", "deadline_to_return_arm_1"),
        ("Week  1 - (A)", "week_1_a_arm_1"),
        ("END", "end_arm_1b"),
    ],
)
def test_unique_names_come_from_labels(visits: Caller, label: str, name: str) -> None:
    visits.send("event", [{"event_name": label}], action="import")

    assert visits.json("event")[-1]["unique_event_name"] == name


def test_a_relabelled_event_has_another_unique_name_and_keeps_its_data(visits: Caller) -> None:
    visits.send("record", [{"record_id": "1", "redcap_event_name": "end_arm_1", "height": "3"}])

    visits.send("event", [{"event_name": "Last", "unique_event_name": "end_arm_1"}], action="import")

    assert [(row["redcap_event_name"], row["height"]) for row in visits.json("record")] == [
        ("last_arm_1", "3")
    ]


def test_a_namesake_of_a_deleted_event_loses_its_letter(visits: Caller) -> None:
    visits.send("event", [{"event_name": "END"}, {"event_name": "Later"}], action="import")

    assert visits.text("event", action="delete", events="end_arm_1") == "1"
    assert [one["unique_event_name"] for one in visits.json("event")][1:] == ["end_arm_1", "later_arm_1"]


def test_events_are_ordered_by_arm_and_day_and_numbered_on_where_no_day_is_given(visits: Caller) -> None:
    rows = [
        {"event_name": "Other arm", "arm_num": 2},
        {"event_name": "Early", "day_offset": "-3"},
        {"event_name": "Late", "day_offset": "10.5"},
        {"event_name": "Later"},
    ]
    visits.send("project_settings", {"scheduling_enabled": "1"})

    visits.send("event", rows, action="import")

    assert [(row["event_name"], row["day_offset"]) for row in visits.json("event")] == [
        ("Early", -3),
        ("Start", 1),
        ("End", 2),
        ("Late", "10.5"),
        ("Later", "11.5"),
        ("Other arm", 1),
    ]
    assert [row["name"] for row in visits.json("arm")] == ["Arm 1", "Arm 2"]


@pytest.mark.parametrize(
    ("content", "row"),
    [
        ("event", {"event_name": ""}),
        ("event", {"event_name": "A", "arm_num": "first"}),
        ("event", {"event_name": "A", "day_offset": "1e400"}),
        ("event", {"event_name": "A", "offset_min": "soon"}),
        ("arm", {"arm_num": "1", "name": ""}),
        ("arm", {"arm_num": "0", "name": "A"}),
        ("arm", {"name": "A"}),
        ("formEventMapping", {"arm_num": "1", "unique_event_name": "none", "form": "exam"}),
        ("repeatingFormsEvents", {"event_name": "end_arm_1", "form_name": "none"}),
    ],
)
def test_rows_that_make_no_sense_are_refused(visits: Caller, content: str, row: dict[str, str]) -> None:
    before = [visits.json("arm"), visits.json("event"), visits.json("formEventMapping")]

    visits.refusal(content, [row], action="import", override="1")

    assert [visits.json("arm"), visits.json("event"), visits.json("formEventMapping")] == before


def test_more_events_than_any_study_has_are_refused_at_once(visits: Caller) -> None:
    told = visits.refusal("event", [{"event_name": f"{number}"} for number in range(2000)], action="import")

    assert told == "A project can have 2000 events at most."


def test_arms_are_renamed_added_and_shown_once_they_have_an_event(visits: Caller) -> None:
    answer = visits.send(
        "arm", [{"arm_num": 1, "name": "One"}, {"arm_num": "3", "name": "Three"}], action="import"
    )
    before = visits.json("arm")

    visits.send("event", [{"event_name": "Only", "arm_num": "3"}], action="import")

    assert answer == "2"
    assert before == [{"arm_num": 1, "name": "One"}]
    assert visits.json("arm", arms="3") == [{"arm_num": 3, "name": "Three"}]


def test_arms_with_override_take_events_mappings_and_data_away(visits: Caller) -> None:
    visits.send("record", [{"record_id": "1", "redcap_event_name": "end_arm_1", "height": "3"}])

    answer = visits.send("arm", [{"arm_num": 1, "name": "New"}], action="import", override="1")

    assert answer == "1"
    assert visits.refusal("arm") == "You cannot export arms for classic projects"
    assert visits.json("record") == []
    visits.refusal("record", [{"record_id": "2", "height": "4"}])


def test_a_deleted_arm_takes_its_events_and_their_data_along(visits: Caller) -> None:
    visits.send("event", [{"event_name": "Start", "arm_num": "2"}], action="import")
    visits.send("record", [{"record_id": "1", "redcap_event_name": "start_arm_2"}])

    assert visits.text("arm", action="delete", arms="2") == "1"
    assert visits.json("record") == []
    assert len(visits.json("event")) == 2


def test_mappings_are_replaced_whole_and_hide_data_of_forms_that_an_event_loses(visits: Caller) -> None:
    visits.send("record", [{"record_id": "1", "redcap_event_name": "end_arm_1", "height": "3"}])
    mapping = visits.json("formEventMapping")

    answer = visits.send("formEventMapping", mapping[:1])
    hidden = visits.json("record")[0]["height"]

    assert answer == "1"
    assert hidden == ""
    assert visits.send("formEventMapping", mapping) == "3"
    assert visits.json("record")[0]["height"] == "3"


# Repeats


def test_repeats_are_listed_without_quotes_and_replaced_whole(visits: Caller) -> None:
    rows = [
        {"event_name": "end_arm_1", "form_name": "exam", "custom_form_label": "[height] cm, at most"},
        {"event_name": "start_arm_1", "form_name": "", "custom_form_label": ""},
    ]

    assert visits.send("repeatingFormsEvents", rows) == "2"
    assert visits.text("repeatingFormsEvents", format="csv") == (
        "event_name,form_name,custom_form_label\nstart_arm_1,,\nend_arm_1,exam,[height] cm, at most\n"
    )
    assert visits.json("project")["has_repeating_instruments_or_events"] == 1
    assert visits.send("repeatingFormsEvents", []) == "0"
    assert "does not contain any repeating" in visits.refusal("repeatingFormsEvents")


def test_a_repeating_form_of_a_classic_project_needs_no_event(classic: Caller) -> None:
    classic.send("repeatingFormsEvents", [{"form_name": "exam", "custom_form_label": "x"}])

    assert classic.json("repeatingFormsEvents") == [{"form_name": "exam", "custom_form_label": "x"}]


def test_repeats_of_an_event_that_is_not_there_are_refused_by_its_name(visits: Caller) -> None:
    told = visits.refusal("repeatingFormsEvents", [{"event_name": "event_1_arm_1", "form_name": "exam"}])

    assert "event 'event_1_arm_1' is not available in project" in told


# Projects


def test_project_info_is_an_object_in_json_and_one_row_in_csv(classic: Caller) -> None:
    info = classic.json("project")
    rows = list(csv.DictReader(io.StringIO(classic.text("project", format="csv"))))

    assert [str(value) for value in info.values()] == list(rows[0].values())
    assert list(rows[0]) == list(info)
    flags = ("project_id", "in_production", "purpose", "is_longitudinal", "surveys_enabled", "ddp_enabled")
    assert {type(info[name]) for name in flags} == {int}


def test_settings_count_what_was_accepted_and_pass_over_what_is_not_known(classic: Caller) -> None:
    given = {
        "project_title": "Other",
        "surveys_enabled": 1,
        "purpose": "9",
        "in_production": 1,
        "nothing": "x",
    }

    answer = classic.send("project_settings", given)

    info = classic.json("project")
    assert answer == "2"
    assert (info["project_title"], info["surveys_enabled"], info["purpose"], info["in_production"]) == (
        "Other",
        1,
        0,
        0,
    )


def test_settings_come_as_an_object_a_list_or_csv(classic: Caller) -> None:
    assert classic.send("project_settings", [{"project_notes": "a"}]) == "1"
    assert classic.text("project_settings", format="csv", data="project_title,purpose\nC,4\n") == "2"
    xml = "<items><item><project_title>X</project_title></item></items>"
    assert classic.text("project_settings", format="xml", data=xml) == "1"
    assert classic.json("project")["project_title"] == "X"


def test_all_settings_that_clients_send_are_accepted_even_unchanged(classic: Caller) -> None:
    info = classic.json("project")
    own = (
        "project_id",
        "creation_time",
        "production_time",
        "in_production",
        "ddp_enabled",
        "missing_data_codes",
    )
    derived = ("has_repeating_instruments_or_events", "external_modules")
    given = {name: value for name, value in info.items() if name not in own + derived}

    assert classic.send("project_settings", given) == "18"


@pytest.mark.parametrize(
    ("attributes", "told"),
    [
        (
            {"purpose": "1"},
            "You must provide some text for 'purpose_other' since you specified 'purpose' as '1' (Other).",
        ),
        ({"project_title": " "}, "You must provide some text for 'project_title'."),
        ({"purpose": "many"}, "The value of 'purpose' must be a whole number from 0 to 4."),
    ],
)
def test_projects_that_lack_something_are_not_made(
    sandbox: Caller, attributes: dict[str, str], told: str
) -> None:
    before = sandbox.state.store.projects.ids()

    assert sandbox.create(**attributes) == (400, f"ERROR: {told}")
    assert sandbox.state.store.projects.ids() == before


def test_a_new_project_has_the_attributes_that_were_given(sandbox: Caller) -> None:
    desk = sandbox.new(
        purpose="1",
        purpose_other="Play",
        project_notes="n",
        surveys_enabled="1",
        record_autonumbering_enabled="0",
    )

    info = desk.json("project")

    names = ("purpose", "purpose_other", "project_notes", "surveys_enabled", "record_autonumbering_enabled")
    assert [info[name] for name in names] == [1, "Play", "n", 1, 0]


@pytest.mark.parametrize(
    ("fmt", "data"),
    [
        ("csv", "project_title,purpose\nNew,4\n"),
        ("json", '{"project_title": "New", "purpose": 4}'),
        ("xml", "<item><project_title>New</project_title><purpose>4</purpose></item>"),
    ],
)
def test_a_project_is_made_from_any_format(sandbox: Caller, fmt: str, data: str) -> None:
    creator = replace(sandbox, token=sandbox.state.store.projects.super_token())

    made = replace(sandbox, token=creator.text("project", format=fmt, data=data))

    assert made.json("project")["purpose"] == 4


def test_in_production_the_design_cannot_be_changed_but_be_read(visits: Caller) -> None:
    store = visits.state.store.projects
    store.save(replace(visits.project, in_production=True))

    statuses = {
        content: visits.ask(content, action="import", format="json", data="[]")[0]
        for content in ("metadata", "arm", "event", "formEventMapping")
    }

    assert set(statuses.values()) == {403}
    assert len(visits.json("event")) == 2


def test_a_deleted_project_says_so(classic: Caller) -> None:
    classic.state.store.projects.delete(classic.project.project_id)

    assert classic.refusal("metadata") == "The REDCap project no longer exists because it was deleted."


# Whatever changes under stored data

KINDS = [
    ("text", ""),
    ("checkbox", "1, A|2, B"),
    ("radio", "1, A"),
    ("calc", "[record_id]+1"),
    ("notes", ""),
    ("descriptive", ""),
]
STEPS = st.one_of(
    st.tuples(
        st.just("metadata"),
        st.lists(
            st.tuples(st.sampled_from("abcd"), st.sampled_from("fgh"), st.sampled_from(KINDS)), max_size=4
        ),
    ),
    st.tuples(
        st.just("event"),
        st.lists(st.tuples(st.sampled_from(["A", "B", "a", "?"]), st.integers(1, 2)), max_size=3),
    ),
    st.tuples(st.just("arm"), st.integers(1, 3)),
    st.tuples(st.just("delete"), st.integers(1, 3)),
    st.tuples(
        st.just("formEventMapping"),
        st.lists(st.tuples(st.integers(0, 5), st.sampled_from("fgh")), max_size=5),
    ),
    st.tuples(
        st.just("repeatingFormsEvents"),
        st.lists(st.tuples(st.integers(0, 5), st.sampled_from(["", "f", "g"])), max_size=3),
    ),
    st.tuples(st.just("project_settings"), st.sampled_from("01")),
    st.tuples(st.just("record"), st.tuples(st.integers(0, 5), st.sampled_from("abcd"), st.integers(1, 3))),
)
READS = ["record", "metadata", "exportFieldNames", "instrument", "project", "log", "project_xml"]


@settings(max_examples=60, deadline=None)
@given(st.lists(STEPS, max_size=12))
def test_nothing_breaks_when_the_design_changes_under_stored_data(
    sandbox: Caller, steps: list[tuple[str, Any]]
) -> None:
    desk = sandbox.new(is_longitudinal="1")

    for name, what in steps:
        assert _take(desk, name, what) in (200, 400)

    for content in READS:
        desk.text(content, format="csv")
    for content in ("arm", "event", "formEventMapping", "repeatingFormsEvents"):
        assert desk.ask(content, format="csv")[0] in (200, 400)
    desk.text("record", format="json", type="eav")
    assert desk.text("project_xml").endswith("</ODM>")


def _take(desk: Caller, name: str, what: Any) -> int:
    """Make one change, sensible or not; returns the status."""
    status, events = desk.ask("event", format="json")
    names = [row["unique_event_name"] for row in json.loads(events)] if status == 200 else []

    def event(index: int) -> str:
        return names[index] if index < len(names) else "none"

    fields: dict[str, str] = {"format": "json", "action": "import", "override": "0"}
    rows: Any = []
    match name:
        case "metadata":
            rows = [field("record_id", "f")] + [
                field(one, form, *kind) for one, form, kind in sorted(what, key=lambda one: one[1])
            ]
        case "event":
            rows, fields["override"] = (
                [{"event_name": label, "arm_num": arm} for label, arm in what],
                str(len(what) % 2),
            )
        case "arm":
            rows, fields["override"] = [{"arm_num": what, "name": "N"}], str(what % 2)
        case "delete":
            return desk.ask("arm", action="delete", arms=str(what))[0]
        case "formEventMapping":
            rows = [{"arm_num": 1, "unique_event_name": event(index), "form": form} for index, form in what]
        case "repeatingFormsEvents":
            rows = [{"event_name": event(index), "form_name": form} for index, form in what]
        case "project_settings":
            rows = {"is_longitudinal": what}
        case _:
            index, cell, instance = what
            rows = [
                {"record_id": "1", "redcap_event_name": names[index] if index < len(names) else "", cell: "1"}
            ]
            rows += [{**rows[0], "redcap_repeat_instance": instance}]
    return desk.ask(name, data=json.dumps(rows), **fields)[0]
