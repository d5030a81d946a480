"""The sandbox's pages over HTTP: what they say of records, what they refuse, and what they never do."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from html import unescape
from types import SimpleNamespace

import pytest
import requests
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sandbox_clients import control, new_project, post, send

from sandbox.pages.moments import pattern, shown, typed
from sandbox.pages.paging import part_of
from sandbox.pages.routes import DONE, SHOWN
from sandbox.server import Running

MONTH_6 = {"redcap_event_name": "month_6_arm_1"}


@pytest.fixture(scope="module")
def token(server: Running) -> str:
    return new_project(server, longitudinal=True)


@pytest.fixture(scope="module")
def number(server: Running, token: str) -> int:
    return post(server, token, "project", format="json").json()["project_id"]


def get(server: Running, path: str, **query: str) -> requests.Response:
    return requests.get(server.control_url + path, params=query, timeout=9)


def submit(server: Running, path: str, values: dict[str, str], /, **query: str) -> requests.Response:
    return requests.post(
        server.control_url + path, data=values, params=query, timeout=9, allow_redirects=False
    )


def dots(page: requests.Response) -> list[str]:
    """Return what the dots of a record's grid say."""
    (grid,) = re.findall(r"<tbody>(.*?)</tbody>", page.text, re.DOTALL)
    return [unescape(one) for one in re.findall(r'role="img" aria-label="([^"]*)"', grid)]


def test_a_records_grid_has_a_dot_for_every_form_of_every_event(
    server: Running, token: str, number: int
) -> None:
    call = {"record_id": "1", **MONTH_6, "redcap_repeat_instrument": "call"}
    send(
        server,
        token,
        "record",
        [
            {"record_id": "1", **MONTH_6, "height": "1", "exam_complete": "2"},
            {**call, "redcap_repeat_instance": 1, "outcome": "1", "call_complete": "2"},
            {**call, "redcap_repeat_instance": 4, "outcome": "1", "call_complete": "1"},
        ],
    )

    page = get(server, f"project/{number}/record", id="1")

    assert dots(page) == [
        "Start, Baseline: never saved",
        "Exam, Month 6: Complete",
        "Call, Month 6: mixed, 2 instances",
        "Call, Month 6: instance 1, Complete",
        "Call, Month 6: instance 4, Unverified",
    ]
    assert "Call, Month 6: add instance 5" in page.text


def test_another_arm_of_a_record_has_a_grid_of_its_own(server: Running, token: str, number: int) -> None:
    send(server, token, "record", [{"record_id": "2", "redcap_event_name": "month_6_arm_2", "height": "1"}])

    own, other = (get(server, f"project/{number}/record", id="2", **arm) for arm in ({}, {"arm": "1"}))

    assert dots(own) == ["Exam, Month 6: Incomplete"]
    assert "Start, Baseline: never saved" in dots(other)


def test_the_list_of_records_shows_one_arm_at_a_time(server: Running) -> None:
    token = new_project(server, longitudinal=True)
    number = post(server, token, "project", format="json").json()["project_id"]
    rows = [{"record_id": "1", **MONTH_6}, {"record_id": "2", "redcap_event_name": "month_6_arm_2"}]
    send(server, token, "record", rows)

    found = [
        re.findall(r'id=(\w+)&amp;arm=\d">\1<', get(server, f"project/{number}", arm=arm).text)
        for arm in ("1", "2")
    ]

    assert found == [["1"], ["2"]]


def test_a_saved_form_is_logged_as_a_persons_work_and_recomputes(
    server: Running, token: str, number: int
) -> None:
    where = {"id": "9", "event": "month_6_arm_1", "form": "exam"}
    form = {"value-height": "2.5", "value-exam_complete": "1", "username": "mary", "then": "stay"}

    answer = submit(server, f"project/{number}/form", form, **where)

    assert answer.status_code == 303
    (row,) = post(server, token, "record", format="json", records="9").json()
    assert (row["height"], row["double"], row["exam_complete"]) == ("2.5", "5", "1")
    log = post(server, token, "log", format="json", record="9").json()
    assert ("mary", "Create record 9") in [(one["username"], one["action"]) for one in log]


def test_saving_erases_what_was_emptied_and_leaves_other_forms_alone(
    server: Running, token: str, number: int
) -> None:
    rows = [
        {"record_id": "10", "redcap_event_name": "baseline_arm_1", "first_name": "Ann", "likes____9": "1"},
        {"record_id": "10", **MONTH_6, "height": "3"},
    ]
    send(server, token, "record", rows)
    where = {"id": "10", "event": "baseline_arm_1", "form": "start"}

    submit(server, f"project/{number}/form", {"value-likes___1": "1"}, **where)

    first, second = post(server, token, "record", format="json", records="10").json()
    assert (first["first_name"], first["likes___1"], first["likes____9"]) == ("", "1", "0")
    assert second["height"] == "3"


def test_a_form_saved_as_it_is_changes_nothing(server: Running, token: str, number: int) -> None:
    send(server, token, "record", [{"record_id": "11", **MONTH_6, "height": "3", "exam_complete": "0"}])
    before = post(server, token, "log", format="json", record="11").json()
    form = {"value-height": "3", "value-exam_complete": "0"}

    submit(server, f"project/{number}/form", form, id="11", event="month_6_arm_1", form="exam")

    assert post(server, token, "log", format="json", record="11").json() == before


def test_a_locked_form_can_be_read_and_not_saved(server: Running, token: str, number: int) -> None:
    send(server, token, "record", [{"record_id": "12", **MONTH_6, "height": "3"}])
    where = {"id": "12", "event": "month_6_arm_1", "form": "exam"}

    submit(server, f"project/{number}/lock", {"lock": "1"}, **where)
    page = get(server, f"project/{number}/form", **where)
    answer = submit(server, f"project/{number}/form", {"value-height": "4"}, **where)

    assert "This form is locked" in page.text
    assert answer.status_code == 400
    assert post(server, token, "record", format="json", records="12").json()[0]["height"] == "3"
    assert "Exam, Month 6: Incomplete, locked" in dots(get(server, f"project/{number}/record", id="12"))


def test_an_unlocked_form_can_be_saved_again(server: Running, token: str, number: int) -> None:
    where = {"form": "exam", "event": "month_6_arm_1", "record": "13"}
    control(server, f"projects/{number}/forms", {**where, "values": {"height": "3"}})
    control(server, f"projects/{number}/locks", where)
    path = f"{server.control_url}projects/{number}/forms"
    refused = requests.post(path, json={**where, "values": {"height": "4"}}, timeout=9)
    control(server, f"projects/{number}/locks", {**where, "is_locked": False})

    saved = control(server, f"projects/{number}/forms", {**where, "values": {"height": "4"}})

    assert refused.status_code == 400
    assert "locked" in refused.json()["error"]
    # The height, and what is computed from it.
    assert saved == {"record": "13", "changed": 2}


def test_values_outside_their_range_and_required_blanks_are_remarked_on(server: Running) -> None:
    token = new_project(server)
    number = post(server, token, "project", format="json").json()["project_id"]
    rows = [
        {"field_name": "record_id", "form_name": "a", "field_type": "text", "field_label": "Id"},
        {
            "field_name": "age",
            "form_name": "a",
            "field_type": "text",
            "field_label": "Age",
            "text_validation_type_or_show_slider_number": "integer",
            "text_validation_min": "3",
            "text_validation_max": "6",
        },
        {
            "field_name": "name",
            "form_name": "a",
            "field_type": "text",
            "field_label": "Name",
            "required_field": "y",
        },
    ]
    send(server, token, "metadata", rows)
    submit(server, f"project/{number}/form", {"value-age": "30"}, id="1", form="a")

    page = unescape(get(server, f"project/{number}/form", id="1", form="a").text)

    assert (
        "Age: The value you provided is outside the suggested range (3 - 6). This value is admissible" in page
    )
    assert "Name: a value is required." in page


def test_missing_data_codes_are_offered_and_kept(server: Running) -> None:
    token = new_project(server)
    xml = post(server, token, "project_xml").text
    codes = "<redcap:MissingDataCodes>NI, No information</redcap:MissingDataCodes>"
    xml = re.sub(r"<redcap:MissingDataCodes>.*?</redcap:MissingDataCodes>", codes, xml)
    made = control(server, "projects", {"xml": xml})
    where = {"id": "1", "form": "call"}

    submit(server, f"project/{made['project_id']}/form", {"value-outcome": "NI"}, **where)

    page = get(server, f"project/{made['project_id']}/form", **where).text
    assert re.search(r'value="NI" checked>\s*No information \(NI\)', page)


@pytest.mark.parametrize(
    "query",
    [
        {"id": "1", "form": "nonsense"},
        {"id": "1", "form": "exam", "event": "nonsense"},
        {"id": "1", "form": "exam", "event": "baseline_arm_1"},
        {"id": "", "form": "start"},
        {"id": "x" * 101, "form": "start"},
    ],
)
def test_a_place_that_is_none_is_refused(server: Running, number: int, query: dict[str, str]) -> None:
    response = get(server, f"project/{number}/form", **query)

    assert response.status_code in (400, 404)
    assert "That is not possible" in response.text


def test_redcaps_own_addresses_lead_to_the_pages(server: Running, token: str, number: int) -> None:
    event_id = post(server, token, "event", format="json").json()[1]["event_id"]
    base = f"{server.base_url}redcap_v15.2.1/"
    form = {"pid": number, "id": "1", "event_id": event_id, "page": "exam", "instance": "1"}

    pages = [
        requests.get(base + "index.php", params={"pid": number}, timeout=9),
        requests.get(base + "DataEntry/record_home.php", params={"pid": number, "id": "1"}, timeout=9),
        requests.get(base + "DataEntry/index.php", params=form, timeout=9),
    ]

    assert [re.findall(r"<title>(.*) · SANDBOX", page.text) for page in pages] == [
        ["Small"],
        ["Record 1"],
        ["Exam, record 1"],
    ]


def test_pages_load_nothing_from_elsewhere_and_run_no_script(server: Running, number: int) -> None:
    for path in SHOWN:
        page = get(server, path.replace("{project_id:number}", str(number)), id="1", form="start")
        policy = page.headers["Content-Security-Policy"]

        assert "default-src 'none'" in policy
        assert "script-src" not in policy
        assert "<script" not in page.text
        assert not re.search(r'(?:src|href|action)="(?:https?:)?//', page.text)


def test_a_survey_link_that_leads_nowhere_is_not_found(server: Running) -> None:
    answers = [requests.get(f"{server.base_url}surveys/?{query}", timeout=9) for query in ("s=x", "sq=x", "")]

    assert [one.status_code for one in answers] == [404, 404, 404]


@pytest.fixture
def survey(server: Running) -> SimpleNamespace:
    """A record with a survey that nobody has answered."""
    token = new_project(server)
    number = post(server, token, "project", format="json").json()["project_id"]
    control(server, f"projects/{number}/surveys", {"instrument": "start"})
    send(server, token, "record", [{"record_id": "7", "height": "1"}])
    link = post(server, token, "surveyLink", record="7", instrument="start").text
    return SimpleNamespace(token=token, link=link)


def answers_of(server: Running, survey: SimpleNamespace) -> dict[str, str]:
    return post(server, survey.token, "record", format="json", exportSurveyFields="true").json()[0]


def test_a_survey_can_be_left_and_finished_later(server: Running, survey: SimpleNamespace) -> None:
    requests.post(survey.link, data={"value-first_name": "Ann", "then": "later"}, timeout=9)
    partial, page = answers_of(server, survey), requests.get(survey.link, timeout=9).text
    requests.post(survey.link, data={"value-first_name": "Eve"}, timeout=9)
    done = answers_of(server, survey)
    again = requests.post(survey.link, data={"value-first_name": "Bob"}, timeout=9)

    assert (partial["start_timestamp"], partial["start_complete"]) == ("[not completed]", "0")
    assert 'value="Ann"' in page
    assert (done["first_name"], done["start_complete"]) == ("Eve", "2")
    assert again.status_code == 400
    assert answers_of(server, survey) == done
    log = post(server, survey.token, "log", format="json", user="[survey respondent]").json()
    assert {row["action"] for row in log} == {"Update record 7"}


def test_a_queue_lists_a_records_surveys_until_they_are_done(
    server: Running, survey: SimpleNamespace
) -> None:
    queue = post(server, survey.token, "surveyQueueLink", record="7").text
    before = requests.get(queue, timeout=9).text
    requests.post(survey.link, data={}, timeout=9)

    after = requests.get(queue, timeout=9).text

    assert survey.link.partition("?")[2] in before
    assert "completed" not in before
    assert "completed" in after


def test_another_site_cannot_save_a_form(server: Running, number: int) -> None:
    response = requests.post(
        f"{server.control_url}project/{number}/form",
        data={"value-height": "1"},
        params={"id": "666", "event": "month_6_arm_1", "form": "exam"},
        headers={"Origin": "http://evil.example", "Sec-Fetch-Site": "cross-site"},
        timeout=9,
    )

    assert response.status_code == 403


WORDS = st.text(max_size=12) | st.sampled_from(["1", "form_1", "event_1_arm_1", "0", "-1", "9" * 30])
NAMES = (
    "id form event instance event_id page arm search kind user record told url sure name status version now"
)
QUERIES = st.dictionaries(
    st.sampled_from([*NAMES.split(), "value-height", "seconds", "count", "title"]), WORDS
)
HARMLESS = [path for path in (*SHOWN, *DONE) if not path.endswith("/delete")]


@pytest.fixture(scope="module")
def spare() -> Iterator[str]:
    """The address of a sandbox of its own: its clock, faults and rights may become anything."""
    with Running() as running:
        control(running, "projects", {"title": "Spare"})
        yield running.control_url


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(path=st.sampled_from(HARMLESS), query=QUERIES, form=st.none() | QUERIES)
def test_no_page_ever_fails_by_itself(
    spare: str, path: str, query: dict[str, str], form: dict[str, str] | None
) -> None:
    url = spare + path.replace("{project_id:number}", "1")
    if form is None:
        response = requests.get(url, params=_encodable(query), timeout=9, allow_redirects=False)
    else:
        response = requests.post(
            url, params=_encodable(query), data=_encodable(form), timeout=9, allow_redirects=False
        )

    assert response.status_code in (200, 303, 400, 404, 405), response.text


def _encodable(words: dict[str, str]) -> dict[str, bytes]:
    return {name: text.encode("utf-8", "replace") for name, text in words.items()}


@pytest.mark.parametrize(
    ("validation", "stored", "seen", "asked"),
    [
        ("date_mdy", "1999-12-31", "12-31-1999", "M-D-Y"),
        ("date_dmy", "1999-12-31", "31-12-1999", "D-M-Y"),
        ("date_ymd", "1999-12-31", "1999-12-31", "Y-M-D"),
        ("datetime_mdy", "1999-12-31 08:09", "12-31-1999 08:09", "M-D-Y H:M"),
        ("datetime_seconds_dmy", "1999-12-31 08:09:10", "31-12-1999 08:09:10", "D-M-Y H:M:S"),
        ("time", "08:09", "08:09", ""),
        ("", "1999-12-31", "1999-12-31", ""),
        ("date_mdy", "NI", "NI", "M-D-Y"),
    ],
)
def test_dates_are_shown_in_their_fields_order_and_read_back(
    validation: str, stored: str, seen: str, asked: str
) -> None:
    assert shown(validation, stored) == seen
    assert typed(validation, seen) == stored
    assert pattern(validation) == asked


@pytest.mark.parametrize(
    ("validation", "text", "stored"),
    [
        ("date_dmy", "1/2/2003", "2003-02-01"),
        ("date_mdy", " 1.2.2003 ", "2003-01-02"),
        ("date_mdy", "2003-01-02", "2003-01-02"),
        ("date_mdy", "31-31-1999", "1999-31-31"),
        ("date_mdy", "soon", "soon"),
    ],
)
def test_dates_may_be_typed_in_several_ways(validation: str, text: str, stored: str) -> None:
    assert typed(validation, text) == stored


def test_a_page_beyond_the_last_is_the_last() -> None:
    part = part_of(101, 99, per_page=50)

    assert (part.of(range(101)), part.number, part.numbers) == ([100], 3, [1, 2, 3])


def test_a_long_list_offers_its_ends_and_the_neighbours() -> None:
    assert part_of(100_000, 1000, per_page=50).numbers == [1, 0, 998, 999, 1000, 1001, 1002, 0, 2000]


def test_the_log_page_is_filtered(server: Running, token: str, number: int) -> None:
    send(server, token, "record", [{"record_id": "only-me", **MONTH_6, "height": "1"}])

    page = get(server, f"project/{number}/log", kind="record_add", record="only-me").text

    assert "Create record (API) only-me" in page
    assert page.count("<tr>") == 2


def test_what_was_asked_of_the_api_is_listed_without_values(server: Running, token: str) -> None:
    post(
        server, token, "record", format="json", data=json.dumps([{"record_id": "1", "first_name": "Marked"}])
    )

    page = get(server, "made").text

    assert "<td>record</td><td>import</td>" in page
    assert "Marked" not in page
    assert token not in page


def test_refused_answers_of_a_new_participant_make_no_record(server: Running) -> None:
    token = new_project(server)
    number = control(server, "projects", method="GET")[-1]["project_id"]
    control(server, f"projects/{number}/surveys", {"instrument": "start"})
    invited = {"instrument": "start", "email": "a@example.org"}
    first, second = (
        control(server, f"projects/{number}/participants", invited)["survey_link"] for _ in range(2)
    )

    statuses = [
        requests.post(link, data={"value-born": born}, timeout=9).status_code
        for link, born in ((first, "long ago"), (second, "2020-01-01"), (first, "2020-01-02"))
    ]

    assert statuses == [400, 200, 200]
    assert [row["born"] for row in post(server, token, "record", format="json").json()] == [
        "2020-01-01",
        "2020-01-02",
    ]


def test_a_form_opens_at_any_instance_that_an_import_made(server: Running) -> None:
    token = new_project(server)
    number = control(server, "projects", method="GET")[-1]["project_id"]
    send(server, token, "repeatingFormsEvents", [{"form_name": "call", "custom_form_label": ""}])
    where = {"record_id": "1", "redcap_repeat_instrument": "call", "redcap_repeat_instance": "40000"}
    send(server, token, "record", [{**where, "outcome": "2"}])

    requests.post(
        f"{server.control_url}project/{number}/form",
        params={"id": "1", "form": "call", "instance": "40000"},
        data={"value-outcome": "1"},
        timeout=9,
    )

    rows = post(server, token, "record", format="json").json()
    assert [(row["redcap_repeat_instance"], row["outcome"]) for row in rows] == [(40000, "1")]
