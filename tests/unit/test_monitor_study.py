"""What a study file says of monitors: read strictly, and compared with the project."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from capstan.study import Study
from capstan.study.check import check_study
from capstan.study.monitors import Monitor
from capstan.study.probes import Probe
from tests.unit.demo_project import demo_dictionary, demo_grid, demo_study

ARCHIVE = {"id": "archive", "root": "/archive", "folder": "{site}/{session}/*.dcm"}
DATA = {"id": "scan_data", "of": {"form": "exam"}, "then": {"data": "archive"}, "after": "48 hours"}
CALL = {
    "id": "call",
    "of": {"form": "exam", "event": "6_month"},
    "then": {"form": "phone_follow_up"},
    "after": "10 days",
}
ANSWER = {
    "id": "answer",
    "of": {"message": "six_month_reminder"},
    "then": {"reply": "six_month_reminder"},
    "after": "3 days",
}
QUIET = {"id": "quiet", "no_new": {"instrument": "exam", "within": "13 days"}}
JOB = {"id": "job", "job": {"flow": "compute_visit_dates", "within": "26 hours"}}
ALL = (DATA, CALL, ANSWER, QUIET, JOB)


def study_with(*monitors: dict[str, Any], **parts: Any) -> Study:
    alone = {"triggers": [], "sessions": None, "notify": {}}
    return demo_study(**{**alone, "monitors": list(monitors), "probes": [ARCHIVE], **parts})


def problems_of(study: Study) -> list[tuple[str, str]]:
    found = check_study(study, demo_dictionary(), grid=demo_grid())
    return [(problem.place, problem.text) for problem in found if "[" in problem.place]


def test_monitors_of_every_kind_that_fit_the_project_have_no_problem() -> None:
    assert problems_of(study_with(*ALL)) == []


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"then": None, "after": None, "of": None}, "give exactly one of then, no_new, job"),
        ({"job": JOB["job"]}, "give exactly one of then, no_new, job"),
        ({"after": None}, "give after together with then"),
        ({"then": {}}, "give exactly one of form, data, reply"),
        ({"then": {"form": "exam", "data": "archive"}}, "give exactly one of form, data, reply"),
        ({"of": {}}, "give one of form, event, message, session"),
        ({"of": {"form": "exam", "message": "x"}}, "give exactly one of form, event, message, session"),
        ({"remind": "0 hours"}, "remind must be longer than nothing"),
        ({"give_up": "48 hours"}, "give_up must be later than after"),
        ({"escalate": {"after": "48 hours", "to": ["pi"]}}, "escalate.after must be between"),
        ({"escalate": {"after": "14 days", "to": ["pi"]}}, "escalate.after must be between"),
        (
            {"download": {"command": ["x"], "until": "49 hours"}},
            "download.until must not be later than after",
        ),
        ({"then": {"form": "exam"}, "afterwards": {"command": ["x"]}}, "give then.data"),
        ({"download": {"command": ["{session}"]}}, "must begin with the program"),
        ({"download": {"command": ["x", "--of={session}"]}}, "as whole words"),
        ({"download": {"command": ["x"], "environment": ["NOT A NAME"]}}, "name of an environment variable"),
        ({"notify": []}, "at least 1 item"),
    ],
)
def test_a_monitor_that_contradicts_itself_is_refused(changes: dict[str, Any], said: str) -> None:
    raw = {name: value for name, value in (DATA | changes).items() if value is not None}

    with pytest.raises(ValidationError, match=said):
        Monitor.model_validate(raw)


@pytest.mark.parametrize(
    ("probe", "said"),
    [
        ({}, "give exactly one of folder, url, sql, command"),
        ({"folder": "x"}, "give root together with folder"),
        ({"root": "/a", "folder": "../{session}"}, "a pattern below root"),
        ({"root": "/a", "folder": "/{session}"}, "a pattern below root"),
        ({"root": "/a", "folder": "{session}/**.dcm"}, "a pattern below root"),
        ({"url": "http://xnat.example.org/{session}"}, "url must begin with https"),
        ({"url": "https://{site}.example.org/"}, "a host that is written out"),
        ({"url": "https://xnat.example.org{site}/"}, "a host that is written out"),
        ({"url": "https://user@{site}/"}, "a host that is written out"),
        ({"sql": "SELECT 1"}, "together with sql"),
        ({"command": ["x", "a{session}"]}, "as whole words"),
    ],
)
def test_a_probe_that_could_look_elsewhere_is_refused(probe: dict[str, Any], said: str) -> None:
    with pytest.raises(ValidationError, match=said):
        Probe.model_validate({"id": "archive", **probe})


@pytest.mark.parametrize(
    "url", ["https://xnat.example.org/{session}", "http://127.0.0.1:80/x/{session}?a={site}"]
)
def test_addresses_with_a_host_of_their_own_are_read(url: str) -> None:
    assert Probe.model_validate({"id": "archive", "url": url}).url == url


@pytest.mark.parametrize(
    ("monitor", "place", "said"),
    [
        (
            DATA | {"then": {"data": "archiv"}},
            "monitors[0].then.data",
            "no probe 'archiv' under probes; did you mean",
        ),
        (DATA | {"notify": ["imagin"]}, "monitors[0].notify", "no role 'imagin'"),
        (DATA | {"escalate": {"after": "5 days", "to": ["pi"]}}, "monitors[0].escalate.to", "no role 'pi'"),
        (
            CALL | {"of": {"form": "exams"}},
            "monitors[0].of.form",
            "no instrument 'exams'; did you mean 'exam'",
        ),
        (CALL | {"of": {"event": "7_month"}}, "monitors[0].of.event", "no event '7_month'"),
        (
            CALL | {"of": {"form": "exam", "event": "baseline_arm_1"}},
            "monitors[0].of.form",
            "exam is not designated for baseline_arm_1",
        ),
        (CALL | {"then": {"form": "phone"}}, "monitors[0].then.form", "no instrument 'phone'"),
        (ANSWER | {"of": {"message": "six"}}, "monitors[0].of.message", "no message 'six'"),
        (
            ANSWER | {"then": {"reply": "six_month_letter"}},
            "monitors[0].then.reply",
            "replies to emails are not read here",
        ),
        (CALL | {"of": {"session": "scans"}}, "monitors[0].of.session", "the study has no sessions"),
        (
            QUIET | {"no_new": {"instrument": "x", "within": "1 day"}},
            "monitors[0].no_new.instrument",
            "no instrument",
        ),
        (
            DATA | {"download": {"command": ["fetch", "{sesion}"]}},
            "monitors[0].download.command",
            "there is no part {sesion}",
        ),
        (
            {name: part for name, part in DATA.items() if name != "of"},
            "monitors[0]",
            "nothing starts it; say after what with of, or name it in a trigger: `expects: scan_data`.",
        ),
    ],
)
def test_what_a_monitor_names_must_be_there(monitor: dict[str, Any], place: str, said: str) -> None:
    ((found, text),) = problems_of(study_with(monitor))

    assert found == place
    assert said in text


def test_a_monitor_that_a_trigger_expects_needs_no_start() -> None:
    alone = {name: part for name, part in DATA.items() if name != "of"}
    rules = [{"instrument": "exam", "expects": "scan_data"}]

    assert problems_of(study_with(alone, triggers=rules)) == []


def test_names_are_given_once_and_staff_is_no_name_for_a_role() -> None:
    roles = {"staff": {}, "roles": [{"name": "staff"}]}

    places = [
        place for place, _ in problems_of(study_with(DATA, DATA, probes=[ARCHIVE, ARCHIVE], notify=roles))
    ]

    assert sorted(places) == ["monitors[1].id", "notify.roles[0].name", "probes[1].id"]


def test_a_probe_names_only_parts_that_there_are() -> None:
    probe = ARCHIVE | {"folder": "{site}/{visit}/*"}

    ((place, said),) = problems_of(study_with(DATA, probes=[probe]))

    assert place == "probes[0].folder"
    assert said.startswith("there is no part {visit}; the parts are session, timepoint,")


def test_every_flow_of_a_study_can_be_watched() -> None:
    from cli.calling import FLOWS

    flows = Monitor.model_json_schema()["$defs"]["JobRuns"]["properties"]["flow"]["enum"]

    assert set(flows) == set(FLOWS) - {"send_heartbeat", "run_studies", "audit_projects"}
