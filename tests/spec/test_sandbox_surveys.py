"""Links, codes and participants of surveys (protocol section B.18)."""

from __future__ import annotations

import re

import pytest
from redcap import Project
from sandbox_recordings import create, load
from sandbox_studies import Study, new_study

from sandbox.imports.responses import complete, place_of, read_stamp, start
from sandbox.server import Running

LINK = re.compile(r"http://127\.0\.0\.1:\d+/surveys/\?s=[A-Za-z0-9]{6,16}")
PARTICIPANT = [
    "email",
    "email_occurrence",
    "identifier",
    "record",
    "invitation_sent_status",
    "invitation_send_time",
    "response_status",
    "survey_access_code",
    "survey_link",
]


@pytest.fixture(scope="module")
def classic(server: Running) -> Study:
    study = new_study(server)
    study.control("surveys", {"instrument": "contact"})
    study.send("record", [{"record_id": "1", "name": "Ann"}, {"record_id": "2"}])
    return study


@pytest.fixture(scope="module")
def longitudinal(server: Running) -> Study:
    study = new_study(server, longitudinal=True)
    for instrument in ("contact", "call"):
        study.control("surveys", {"instrument": instrument})
    rows = [
        {"record_id": "1", "redcap_event_name": "baseline_arm_1"},
        {"record_id": "1", "redcap_event_name": "month_6_arm_1"},
        {"record_id": "7", "redcap_event_name": "start_arm_2"},
    ]
    call = {"redcap_repeat_instrument": "call", "redcap_repeat_instance": 2, "reached": "1"}
    study.send("record", [*rows, {**rows[1], **call}])
    return study


def hash_of(link: str) -> str:
    return link.partition("?s=")[2]


def participants(study: Study, **fields: str) -> list[dict]:
    return study.api.json("participantList", **{"instrument": "contact", **fields})


def test_a_survey_link_is_on_the_server_that_was_asked(classic: Study) -> None:
    link = classic.api.text("surveyLink", record="1", instrument="contact", returnFormat="csv")

    assert LINK.fullmatch(link)
    assert classic.api.url.startswith(link.partition("surveys")[0])


@pytest.mark.parametrize(
    ("content", "shape"),
    [
        ("surveyAccessCode", r"[A-Z0-9]{9}"),
        ("surveyReturnCode", r"[A-Z0-9]{8}"),
        ("surveyQueueLink", r"http://127\.0\.0\.1:\d+/surveys/\?sq=[A-Za-z0-9]{6,16}"),
    ],
)
def test_codes_are_plain_text_of_fixed_length_and_stay_the_same(
    classic: Study, content: str, shape: str
) -> None:
    response = classic.api.post(content, record="1", instrument="contact")
    again = classic.api.text(content, record="1", instrument="contact")

    assert re.fullmatch(shape, response.text)
    assert response.headers["Content-Type"] == "text/plain; charset=utf-8"
    assert again == response.text


def test_each_record_event_and_instance_has_its_own_link(longitudinal: Study) -> None:
    places = [
        {"record": "1", "instrument": "contact", "event": "baseline_arm_1"},
        {"record": "7", "instrument": "contact", "event": "start_arm_2"},
        {"record": "1", "instrument": "call", "event": "month_6_arm_1"},
        {"record": "1", "instrument": "call", "event": "month_6_arm_1", "repeat_instance": "2"},
    ]
    links = {longitudinal.api.text("surveyLink", **place) for place in places}

    assert len(links) == 4


def test_an_instance_does_not_count_where_nothing_repeats(classic: Study) -> None:
    first = classic.api.text("surveyLink", record="1", instrument="contact")
    third = classic.api.text("surveyLink", record="1", instrument="contact", repeat_instance="3")

    assert third == first


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"record": "-1"}, 'The record "-1" does not exist'),
        ({"record": ""}, 'The record "" does not exist'),
        ({"instrument": "exam"}, 'The instrument "exam" is not enabled as a survey'),
        (
            {"instrument": "nope"},
            "The following values in the parameter \"instrument\" are not valid: 'nope'",
        ),
        ({"event": ""}, "invalid event"),
        ({"event": "nope"}, "invalid event"),
        (
            {"event": "month_6_arm_1"},
            'The instrument "contact" is not designated for the event "month_6_arm_1"',
        ),
        (
            {"instrument": "call", "event": "month_6_arm_1", "repeat_instance": "x"},
            "The following values in the parameter \"repeat_instance\" are not valid: 'x'",
        ),
    ],
)
@pytest.mark.parametrize("content", ["surveyLink", "surveyAccessCode", "surveyReturnCode"])
def test_a_place_without_a_survey_is_refused(
    longitudinal: Study, content: str, fields: dict[str, str], message: str
) -> None:
    good = {"record": "1", "instrument": "contact", "event": "baseline_arm_1"}

    assert longitudinal.error(content, **{**good, **fields}) == (400, message)


def test_there_are_no_participants_where_the_survey_is_not_filled_in(longitudinal: Study) -> None:
    assert longitudinal.error("participantList", instrument="contact", event="month_6_arm_1") == (
        400,
        'The instrument "contact" is not designated for the event "month_6_arm_1"',
    )


def test_a_project_without_surveys_has_no_queue(server: Running) -> None:
    study = new_study(server)
    study.send("record", [{"record_id": "1"}])

    assert study.error("surveyQueueLink", record="1") == (
        400,
        "The Survey Queue has not been enabled in this project",
    )


@pytest.mark.parametrize("right", ["manage_survey_participants", "api_export"])
def test_survey_methods_need_two_rights(classic: Study, right: str) -> None:
    api = classic.as_user(rights={right: 0})

    assert api.post("surveyLink", record="1", instrument="contact").status_code == 403


def test_a_user_sees_no_participants_of_other_access_groups(server: Running) -> None:
    study = new_study(server)
    study.control("surveys", {"instrument": "contact"})
    names = [{"data_access_group_name": "North", "unique_group_name": ""}]
    study.send("dag", names, action="import")
    study.send("record", [{"record_id": "1", "redcap_data_access_group": "north"}, {"record_id": "2"}])
    api = study.as_user(data_access_group="north")

    assert [row["record"] for row in api.json("participantList", instrument="contact")] == ["1"]
    assert api.post("surveyLink", record="2", instrument="contact").status_code == 400


def test_every_record_of_the_arm_is_a_participant(longitudinal: Study) -> None:
    first = participants(longitudinal, event="baseline_arm_1")
    calls = participants(longitudinal, instrument="call", event="month_6_arm_1")

    assert [row["record"] for row in first] == ["1"]
    assert [row["record"] for row in calls] == ["1", "1"]
    assert len({row["survey_link"] for row in calls}) == 2


def test_a_participant_has_the_link_and_the_code_that_the_other_methods_give(classic: Study) -> None:
    row = participants(classic)[0]

    assert list(row) == PARTICIPANT
    assert row["survey_link"] == classic.api.text("surveyLink", record="1", instrument="contact")
    assert row["survey_access_code"] == classic.api.text("surveyAccessCode", record="1", instrument="contact")
    assert (row["email_occurrence"], row["invitation_sent_status"], row["response_status"]) == (1, 0, 0)


def test_a_participant_who_was_invited_by_email_has_a_link_and_no_record(server: Running) -> None:
    study = new_study(server)
    study.control("surveys", {"instrument": "contact"})
    invited = [
        study.control("participants", {"instrument": "contact", "email": "a@example.org", "identifier": name})
        for name in ("", "Ann")
    ]
    rows = participants(study)

    assert [row["email_occurrence"] for row in rows] == [1, 2]
    assert [row["survey_link"] for row in rows] == [one["survey_link"] for one in invited]
    assert [row["record"] for row in rows] == ["", ""]


def test_the_email_comes_from_the_designated_field(server: Running) -> None:
    rows = load(server, "survey").json("participantList", instrument="prescreening_survey")

    assert [row["email"] for row in rows] == ["aaa@bbb.com", "ccc@ddd.com"]


def test_participants_come_in_csv_and_xml_too(classic: Study) -> None:
    csv = classic.api.text("participantList", instrument="contact", format="csv")
    xml = classic.api.text("participantList", instrument="contact", format="xml")

    assert csv.splitlines()[0] == ",".join(PARTICIPANT)
    assert xml.count("<item>") == 2


def answering(server: Running, study: Study, link: str):
    state = server.state
    place = place_of(state.store, hash_of(link))
    project = state.store.projects.get(study.project_id)
    return state.session(project, "[survey respondent]"), place


def test_answers_begin_and_complete_a_response(server: Running) -> None:
    study = new_study(server)
    study.control("surveys", {"instrument": "contact"})
    study.send("record", [{"record_id": "1"}])
    session, place = answering(server, study, study.api.text("surveyLink", record="1", instrument="contact"))

    statuses, stamps = [], []
    for save, values in ((start, {"name": "Ann"}), (complete, {"sex": "1"})):
        with server.state.writing():
            save(session, place, values=values)
            stamps.append(read_stamp(session.store, session.project, place=place))
        row = study.api.json("record", exportSurveyFields="true")[0]
        statuses.append((participants(study)[0]["response_status"], row["contact_complete"]))
        assert row["contact_timestamp"] == stamps[-1]

    assert statuses == [(1, "0"), (2, "2")]
    assert stamps == ["[not completed]", session.now.strftime("%Y-%m-%d %H:%M:%S")]
    assert (row["name"], row["sex"]) == ("Ann", "1")


def test_a_participant_without_a_record_gets_the_next_one_by_answering(server: Running) -> None:
    study = new_study(server)
    study.control("surveys", {"instrument": "contact"})
    study.send("record", [{"record_id": "4"}])
    body = {"instrument": "contact", "email": "a@example.org", "identifier": "Ann"}
    session, place = answering(server, study, study.control("participants", body)["survey_link"])
    with server.state.writing():
        place = complete(session, place)
    rows = study.api.json("record", exportSurveyFields="true")

    assert place.record == "5"
    assert [(row["record_id"], row["redcap_survey_identifier"]) for row in rows] == [("4", ""), ("5", "Ann")]
    assert [(row["record"], row["email"]) for row in participants(study)] == [
        ("4", ""),
        ("5", "a@example.org"),
    ]


def test_answers_without_an_identifier_stay_anonymous(server: Running) -> None:
    study = new_study(server)
    study.control("surveys", {"instrument": "contact"})
    body = {"instrument": "contact", "email": "a@example.org"}
    session, place = answering(server, study, study.control("participants", body)["survey_link"])
    with server.state.writing():
        complete(session, place)

    assert [(row["record"], row["response_status"]) for row in participants(study)] == [("", 2)]


def test_a_link_leads_to_nothing_once_its_record_is_deleted(server: Running) -> None:
    study = new_study(server)
    study.control("surveys", {"instrument": "contact"})
    study.send("record", [{"record_id": "1"}, {"record_id": "2"}])
    link = study.api.text("surveyLink", record="1", instrument="contact")
    study.api.text("record", action="delete", records="1")

    assert place_of(server.state.store, hash_of(link)) is None
    assert place_of(server.state.store, "never") is None


def test_a_link_follows_its_record_to_another_name(server: Running) -> None:
    study = new_study(server)
    study.control("surveys", {"instrument": "contact"})
    study.send("record", [{"record_id": "1"}])
    link = study.api.text("surveyLink", record="1", instrument="contact")
    study.api.text("record", action="rename", record="1", new_record_name="9")

    assert study.api.text("surveyLink", record="9", instrument="contact") == link


def test_a_survey_survives_a_round_trip_through_project_xml(server: Running) -> None:
    study = new_study(server)
    study.control("surveys", {"instrument": "contact"})
    study.send("record", [{"record_id": "1"}])
    again = create(server, study.api.text("project_xml"))

    assert LINK.fullmatch(again.text("surveyLink", record="1", instrument="contact"))


def test_pycap_reads_links_codes_and_participants(longitudinal: Study) -> None:
    project = Project(longitudinal.api.url, longitudinal.api.token)
    place = {"record": "1", "instrument": "contact", "event": "baseline_arm_1"}
    people = project.export_survey_participant_list(instrument="contact", event="baseline_arm_1")
    frame = project.export_survey_participant_list("contact", format_type="df", event="baseline_arm_1")

    assert LINK.fullmatch(project.export_survey_link(**place))
    assert "/surveys/?sq=" in project.export_survey_queue_link(record="1")
    assert len(project.export_survey_access_code(**place)) == 9
    assert len(project.export_survey_return_code(**place)) == 8
    assert people[0]["survey_access_code"] == project.export_survey_access_code(**place)
    assert next(iter(frame.columns)) == "email"
