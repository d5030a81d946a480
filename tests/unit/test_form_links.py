"""Links into REDCap: every record id, version and kind of project."""

from __future__ import annotations

from urllib.parse import parse_qs, urlsplit

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from capstan.dictionary import Dictionary, Field, FieldType
from capstan.events import Event, EventGrid
from capstan.form_links import FormLinks, with_links
from capstan.triggers import Place
from capstan.verdict import Severity, project_verdict, verdicts

ROOT = "https://redcap.example.org/redcap/"
EVENTS = (Event("base_arm_1", "Base", "1", "0", "40"), Event("late_arm_2", "Late", "2", "9", "41"))
DICTIONARY = Dictionary(
    (
        Field(name="record_id", form="base", type=FieldType.TEXT, label=""),
        Field(
            name="toes", form="feet", type=FieldType.CHECKBOX, label="", choices={"1": "Big", "-2": "Small"}
        ),
    ),
    {"base": "Base", "feet": "Feet"},
)


def grid(*events: Event, places: tuple[tuple[str, str], ...] = ()) -> EventGrid:
    return EventGrid(events, {"1": "One", "2": "Two"}, frozenset(places), frozenset())


def links(*events: Event, url: str = f"{ROOT}api/", version: str = "15.2.1") -> FormLinks:
    return FormLinks.of(url, version=version, project_id=14, grid=grid(*events))


def test_a_link_names_project_record_event_instance_and_page() -> None:
    made = links(*EVENTS).link(Place("7", "late_arm_2", "feet", "3"))

    assert made == f"{ROOT}redcap_v15.2.1/DataEntry/index.php?pid=14&id=7&event_id=41&instance=3&page=feet"


def test_a_classic_project_has_no_events_to_name() -> None:
    made = links().link(Place("7", "", "feet", ""))

    assert made == f"{ROOT}redcap_v15.2.1/DataEntry/index.php?pid=14&id=7&page=feet"


@pytest.mark.parametrize(
    ("events", "place", "query"),
    [
        pytest.param(
            (Event("base_arm_1", "Base", "1"),),
            Place("7", "base_arm_1", "feet", ""),
            "pid=14&id=7&arm=1",
            id="the server told no event id",
        ),
        pytest.param(
            EVENTS, Place("7", "gone_arm_1", "feet", ""), "pid=14&id=7", id="an event that is not there"
        ),
        pytest.param(EVENTS, Place("7", "late_arm_2", "", ""), "pid=14&id=7&arm=2", id="no form is named"),
        pytest.param(EVENTS, Place("7", "", "", ""), "pid=14&id=7", id="only a record is named"),
    ],
)
def test_where_the_form_is_not_known_the_record_s_home_page_is_linked(
    events: tuple[Event, ...], place: Place, query: str
) -> None:
    assert links(*events).link(place) == f"{ROOT}redcap_v15.2.1/DataEntry/record_home.php?{query}"


@pytest.mark.parametrize(
    "url",
    [ROOT, ROOT.rstrip("/"), f"{ROOT}api/", f"{ROOT}api", f"{ROOT}API//", f" {ROOT}redcap_v14.0.2/API/ "],
)
def test_every_way_to_write_the_server_s_address_gives_the_same_link(url: str) -> None:
    place = Place("7", "late_arm_2", "feet", "")

    assert links(*EVENTS, url=url).link(place) == links(*EVENTS).link(place)


def test_a_server_at_the_top_of_its_host_keeps_its_slash() -> None:
    made = links(url="http://127.0.0.1:8080/api/", version="13.7.3\n").link(Place("7", "", "feet", ""))

    assert made.startswith("http://127.0.0.1:8080/redcap_v13.7.3/DataEntry/index.php?")


@given(st.text(st.characters(codec="utf-8"), min_size=1, max_size=30))
def test_any_record_id_arrives_as_it_is_and_brings_nothing_else_along(record: str) -> None:
    made = links(*EVENTS).link(Place(record, "base_arm_1", "base", ""))
    parts = urlsplit(made)

    assert parse_qs(parts.query, strict_parsing=True)["id"] == [record]
    assert len(parts.query.split("&")) == 4
    assert (parts.netloc, parts.path, parts.fragment) == (
        "redcap.example.org",
        "/redcap/redcap_v15.2.1/DataEntry/index.php",
        "",
    )
    assert made.isascii()
    assert made.isprintable()


@pytest.mark.parametrize("instance", ["new", "1&page=x", "-1", " ", "٣"])
def test_an_instance_that_is_no_number_is_left_out(instance: str) -> None:
    assert "instance" not in links(*EVENTS).link(Place("7", "base_arm_1", "base", instance))


def test_a_run_as_a_whole_has_no_link() -> None:
    assert links(*EVENTS).link(Place("", "", "", "")) == ""


def test_links_are_the_same_after_they_were_kept_as_text() -> None:
    assert FormLinks.from_text(links(*EVENTS).to_text()) == links(*EVENTS)


def test_a_verdict_s_link_leads_to_the_form_of_its_field_where_the_event_has_it() -> None:
    places = pd.DataFrame(
        [
            ("7", "base_arm_1", "", "", "toes____2"),
            ("7", "late_arm_2", "", "", "toes____2"),
            ("7", "late_arm_2", "feet", "2", "feet_complete"),
            ("8", "base_arm_1", "", "", "no_such_field"),
        ],
        columns=["record", "event", "instrument", "instance", "field"],
    )
    said = verdicts(places, check="c", severity=Severity.ERROR, reason="r")
    said = pd.concat([said, project_verdict("c", severity=Severity.HOLD, reason="r")], ignore_index=True)
    here = grid(*EVENTS, places=(("base_arm_1", "feet"), ("base_arm_1", "base")))

    found = with_links(said, links=links(*EVENTS), dictionary=DICTIONARY, grid=here)["link"].tolist()

    assert [link.rpartition("/")[2] for link in found] == [
        "index.php?pid=14&id=7&event_id=40&page=feet",
        "record_home.php?pid=14&id=7&arm=2",
        "record_home.php?pid=14&id=7&arm=2",
        "record_home.php?pid=14&id=8&arm=1",
        "",
    ]


def test_no_verdicts_get_no_links() -> None:
    said = verdicts(pd.DataFrame(columns=["record"]), check="c", severity=Severity.ERROR, reason="r")

    assert with_links(said, links=links(), dictionary=DICTIONARY, grid=grid()).columns[-1] == "link"
