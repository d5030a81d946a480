"""A rehearsal: the flows on a copy, in counts, and nothing of it in REDCap or in our own store."""

from __future__ import annotations

import json
import os
import shutil
import stat
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
import requests
from command_line import CommandLine
from live_study import LiveStudy, make_study
from pandas.testing import assert_frame_equal
from trial_study import TODAY, edit, held, rows_file

from capstan.errors import Refused
from capstan.redcap import Redcap
from capstan.study import Study, read_study
from studies.demo.generate import project_xml
from tasks.connections import open_project
from tasks.rehearsal import rehearsal

SECRET = "Walburga Zyx"
DEMO = Path(__file__).resolve().parents[2] / "studies" / "demo" / "study.yaml"
# The demo study's own rules, behind the head that names a project of the test.
RULES = "arms:" + DEMO.read_text(encoding="utf-8").partition("\narms:")[2]
ON = TODAY.isoformat()
MESSAGING = """messaging:
  sms: {account: {env: SID}, token: {env: AUTH}, sender: "+12065550100"}
  email: {host: localhost, port: 25, user: team, password: {env: MAIL}, sender: team@study.test}
"""
MARKS = (SECRET, "19450217", "415-867-5309", "zyx@clinic.test", "1887-02-28")
TELLING = {
    "part_first_name": SECRET,
    "part_guardian_name": SECRET,
    "part_withdraw_reason": SECRET,
    "part_mobile_number": "(415) 867-5309",
    "part_email": "zyx@clinic.test",
    "part_birth_date": "2021-02-28",
}


@pytest.fixture(scope="module")
def live(tmp_path_factory: pytest.TempPathFactory, addresses: dict[str, Any]) -> LiveStudy:
    """A study with visits, criteria and a planted name; the rehearsals of this module leave it as it is."""
    folder = tmp_path_factory.mktemp("live")
    xml = project_xml(TODAY, participants=20)
    made = make_study(folder, name="trial", addresses=addresses, xml=xml, title="Trial", body=RULES)
    for field in TELLING:
        edit(addresses, made, "1", field, TELLING[field])
    made.call(
        content="dag", action="import", format="csv", data="data_access_group_name,unique_group_name\nNorth,"
    )
    users = "username,email,forms,data_access_group\nann,ann@zyx.test,exam:1,north"
    assert made.call(content="user", format="csv", data=users).text == "1"
    groups = "record_id,redcap_event_name,redcap_data_access_group\n2,baseline_arm_1,north"
    assert made.call(content="record", format="csv", data=groups).ok
    return made


@pytest.fixture
def capstan(
    live: LiveStudy, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> CommandLine:
    for name, value in live.environment.items():
        monkeypatch.setenv(name, value)
    monkeypatch.delenv("PREFECT_API_URL", raising=False)
    return CommandLine(monkeypatch, capsys)


def test_it_says_what_would_be_written_and_writes_nothing(live: LiveStudy, capstan: CommandLine) -> None:
    before = (live.export(), live.log(), _surroundings(live))

    said = capstan("rehearse", "trial", "--on", ON, "--json")

    report = json.loads(said.out)
    visits, eligibility = report["flows"]
    assert said.code == 0
    assert (report["on"], report["records"], report["users"]) == (ON, 20, 2)
    assert visits["flow"] == "compute_visit_dates"
    assert visits["written"]["by_field"]["vt_due"] > 10
    assert visits["found"]["visits"]["missed"] > 0
    assert sum(visits["written"]["by_field"].values()) == visits["written"]["cells"]
    assert eligibility["written"]["by_field"] == {"elig_reasons": 20, "elig_status": 20}
    assert (live.export(), live.log(), _surroundings(live)) == before
    # What it asked of the server counts as any request does.
    assert [path.name for path in live.home.iterdir()] == ["budget"]


def test_the_messages_of_a_study_are_rehearsed_too_and_none_goes_out(
    capstan: CommandLine, monkeypatch: pytest.MonkeyPatch, addresses: dict[str, Any], tmp_path: Path
) -> None:
    xml = project_xml(TODAY, participants=10)
    body = "messaging:" + DEMO.read_text(encoding="utf-8").partition("\nmessaging:")[2]
    sms, mail = ({"TWILIO_URL": addresses["twilio_url"]}, {"SMTP_PORT": addresses["smtp"].rpartition(":")[2]})
    secrets = {"TWILIO_ACCOUNT_SID": "AC0", "TWILIO_AUTH_TOKEN": SECRET}
    made = make_study(tmp_path, name="trial", addresses=addresses, xml=xml, title="Contact", body=body)
    shutil.copytree(DEMO.parent / "templates", made.folder / "templates")
    for name, value in {**made.environment, **sms, **mail, **secrets}.items():
        monkeypatch.setenv(name, value)

    said = capstan("rehearse", "trial", "--on", ON, "-p", "max_share=1", "--json")

    flows = {flow["flow"]: flow for flow in json.loads(said.out)["flows"]}
    assert list(flows) == ["compute_visit_dates", "check_eligibility", "send_messages"]
    assert sum(flows["send_messages"]["found"]["messages planned"].values()) > 0
    assert flows["send_messages"]["found"]["attempts"] == {}


def test_another_day_gives_another_outcome(capstan: CommandLine) -> None:
    said = capstan("rehearse", "trial", "--flow", "compute-visit-dates", "--on", "2020-01-01", "--json")

    (flow,) = json.loads(said.out)["flows"]
    assert flow["written"]["by_field"]["vt_due"] > 10
    assert not set(flow["found"]["visits"]) & {"due", "overdue", "missed"}


def test_the_day_holds_for_flows_that_take_none(capstan: CommandLine, tmp_path: Path) -> None:
    head = "record_id,redcap_event_name,part_consent_date\n"
    file = rows_file(tmp_path, f"1,{ON}", head=head)
    words = ("--flow", "import_records", "-p", f"file={file}", "--json")

    early, late = (capstan("rehearse", "trial", *words, "--on", day) for day in ("2020-01-01", "2030-01-01"))

    assert json.loads(early.out)["flows"][0]["rows_stopped"]["future_date"] == 1
    assert "future_date" not in json.loads(late.out)["flows"][0]["rows_stopped"]


def test_a_plan_above_the_limit_is_told_as_held(capstan: CommandLine) -> None:
    words = ("--flow", "poll_participants", "--flow", "check_eligibility", "-p", "max_records=1")

    said = capstan("rehearse", "trial", *words, "--json")

    flows = json.loads(said.out)["flows"]
    assert said.code == 3
    assert [flow["outcome"] for flow in flows] == ["held", "held"]
    assert flows[1]["held"]["by_field"] == {"elig_reasons": 20, "elig_status": 20}
    assert flows[1]["run_stopped"]["mass_change"] == 1
    assert flows[1]["written"]["cells"] == 0


def test_an_import_is_rehearsed_with_the_rows_that_would_be_stopped(
    live: LiveStudy, capstan: CommandLine, tmp_path: Path
) -> None:
    file = rows_file(tmp_path, "1,Ann,4", "2,Bea,four")

    said = capstan("rehearse", "trial", "--flow", "import_records", "-p", f"file={file}", "--json")

    (flow,) = json.loads(said.out)["flows"]
    assert said.code == 4
    assert flow["written"]["by_field"] == {"part_age": 1, "part_first_name": 1}
    assert flow["rows_stopped"] == {"type_mismatch": 1}
    assert held(live, "1", "part_first_name") == SECRET


def test_the_page_is_whole_private_and_without_values(capstan: CommandLine, tmp_path: Path) -> None:
    page = tmp_path / "rehearsal.html"

    said = capstan("rehearse", "trial", "--de-identified", "--on", ON, "--page", str(page))

    text = page.read_text(encoding="utf-8")
    assert stat.S_IMODE(page.stat().st_mode) == 0o600
    assert "elig_status" in text
    assert not [mark for mark in ("http", "src=", "<script", SECRET) if mark in text]
    assert SECRET not in said.all
    assert "de-identified copy of 20 records, as if it were 2026-06-01" in said.out


def test_a_flow_that_refuses_is_told_and_the_next_one_has_its_turn(
    capstan: CommandLine, monkeypatch: pytest.MonkeyPatch, addresses: dict[str, Any], tmp_path: Path
) -> None:
    xml = project_xml(TODAY, participants=0)
    made = make_study(tmp_path, name="trial", addresses=addresses, xml=xml, title="Empty", body=RULES)
    for name, value in made.environment.items():
        monkeypatch.setenv(name, value)

    said = capstan("rehearse", "trial", "--json")

    flows = json.loads(said.out)["flows"]
    assert said.code == 3
    assert [flow["flow"] for flow in flows] == ["compute_visit_dates", "check_eligibility"]
    assert [flow["outcome"] for flow in flows] == ["refused", "refused"]
    assert all("no records" in flow["said"] for flow in flows)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--flow", "revert_run"), "goes on from an earlier run"),
        (("--flow", "nothing"), "no flow 'nothing'"),
        (("-p", "colour=red"), "none of compute_visit_dates, check_eligibility has this parameter"),
        (("-p", "study=other"), "a rehearsal has the study that it names"),
        (("--values",), "needs a terminal"),
        (("--page", "/"), "is there already"),
        (("--page", "absent/page.html"), "no such folder"),
    ],
)
def test_a_mistake_is_told_before_anything_is_read(
    words: tuple[str, ...], said: str, capstan: CommandLine, addresses: dict[str, Any]
) -> None:
    requests.delete(f"{addresses['control_url']}requests", timeout=30)

    ended = capstan("rehearse", "trial", *words)

    assert ended.code == 2
    assert said in ended.sentence
    assert requests.get(f"{addresses['control_url']}requests", timeout=30).json() == []


def test_a_study_in_production_is_rehearsed_before_runs_may_write_there(
    capstan: CommandLine, monkeypatch: pytest.MonkeyPatch, addresses: dict[str, Any], tmp_path: Path
) -> None:
    made = make_study(
        tmp_path,
        name="trial",
        addresses=addresses,
        xml=project_xml(TODAY, participants=4),
        title="Live",
        body=RULES,
    )
    url = f"{addresses['control_url']}projects/{made.project_id}/status"
    assert requests.post(url, json={"status": "production"}, timeout=30).ok
    file = made.folder / "study.yaml"
    file.write_text(file.read_text(encoding="utf-8").replace("status: development", "status: production"))
    for name, value in made.environment.items():
        monkeypatch.setenv(name, value)

    said = capstan("rehearse", "trial", "--flow", "check_eligibility", "--json")

    assert json.loads(said.out)["flows"][0]["outcome"] == "done"


def test_a_token_that_opens_another_project_is_refused(
    live: LiveStudy, capstan: CommandLine, monkeypatch: pytest.MonkeyPatch, addresses: dict[str, Any]
) -> None:
    other = requests.post(f"{addresses['control_url']}projects", json={"title": "Other"}, timeout=30).json()
    monkeypatch.setenv("TOKEN_TRIAL", other["token"])

    said = capstan("rehearse", "trial", "--json")

    assert said.code == 3
    assert "opens a project whose" in said.sentence


def test_the_copy_holds_what_the_live_project_holds(live: LiveStudy, capstan: CommandLine) -> None:
    project, study = Redcap(live.url, live.token), read_study(live.folder)

    with rehearsal(study, live.folder, on=None, de_identified=False):
        copy = open_project("trial")
        told = (copy.redcap.records(access_groups=True), copy.redcap.metadata(), copy.redcap.users())
        copy.close()

    records, fields, users = told
    assert_frame_equal(records, project.records(access_groups=True))
    assert_frame_equal(fields, project.metadata())
    there = project.users().set_index("username")
    assert_frame_equal(users.set_index("username").loc[there.index], there)
    assert set(records["redcap_data_access_group"]) >= {"north", ""}


def test_a_disguised_copy_shares_no_text_and_keeps_every_interval(
    live: LiveStudy, capstan: CommandLine
) -> None:
    project, study = Redcap(live.url, live.token), read_study(live.folder)

    with rehearsal(study, live.folder, on=None, de_identified=True):
        copy = open_project("trial")
        disguised = copy.redcap.records()
        copy.close()

    real = project.records()
    keys = ["record_id", "redcap_event_name", "redcap_repeat_instrument", "redcap_repeat_instance"]
    assert_frame_equal(disguised[keys], real[keys])
    assert_frame_equal(_intervals(disguised), _intervals(real))
    text = disguised.to_csv()
    # A date of birth is moved, so that another one's may land on it by chance: only its own place tells.
    assert not [value for field, value in TELLING.items() if field != "part_birth_date" and value in text]
    assert TELLING["part_birth_date"] not in set(disguised["part_birth_date"][disguised["record_id"] == "1"])
    dated = real["rand_date"] != ""
    assert (disguised["rand_date"][dated] < real["rand_date"][dated]).all()
    assert set(disguised["exam_remarks"]) == {""}
    assert (disguised["rand_color"] == real["rand_color"]).all()


def test_a_disguised_copy_holds_nothing_of_what_people_wrote_anywhere(
    capstan: CommandLine, monkeypatch: pytest.MonkeyPatch, addresses: dict[str, Any], tmp_path: Path
) -> None:
    xml = project_xml(TODAY, participants=2)
    made = make_study(tmp_path, name="trial", addresses=addresses, xml=xml, title="Planted", body=RULES)
    for name, value in made.environment.items():
        monkeypatch.setenv(name, value)
    _plant_everywhere(addresses, made)

    with rehearsal(read_study(made.folder), made.folder, on=None, de_identified=True):
        copy = open_project("trial")
        kept = copy.redcap.project_xml(access_groups=True)
        copy.close()
        files = [path.read_bytes() for path in Path(os.environ["CAPSTAN_HOME"]).rglob("*") if path.is_file()]
    said = capstan("rehearse", "trial", "--de-identified", "--page", str(tmp_path / "page.html"), "--json")

    places = [kept, *files, (tmp_path / "page.html").read_bytes(), said.all.encode()]
    assert len(files) > 2
    assert SECRET in made.export().decode()
    assert not [mark for mark in MARKS for place in places if mark.encode() in place]


def _plant_everywhere(addresses: dict[str, Any], study: LiveStudy) -> None:
    """Put marked values into every field, unchecked, on records whose ids tell something too."""
    columns = [
        row["export_field_name"] for row in study.call(content="exportFieldNames", format="json").json()
    ]
    for record, mark in zip((SECRET, "19450217", "867-5309", "1", "2"), MARKS, strict=True):
        for column in columns:
            edit(addresses, study, record, column, mark)


@pytest.mark.parametrize("pages", ["_sandbox/", "_sandbox/projects", "_sandbox/requests", "surveys/"])
def test_a_copy_has_no_pages_that_others_on_this_computer_could_read(
    pages: str, live: LiveStudy, capstan: CommandLine
) -> None:
    with rehearsal(read_study(live.folder), live.folder, on=None, de_identified=False):
        url = read_study(Path(os.environ["CAPSTAN_STUDIES"]) / "trial").redcap.url
        answers = [requests.request(way, url.replace("api/", pages), timeout=30) for way in ("GET", "POST")]

    assert [answer.status_code for answer in answers] == [404, 404]


def test_nothing_but_the_copy_can_be_opened_within(live: LiveStudy, capstan: CommandLine) -> None:
    other = live.folder.parent / "other"
    other.mkdir()
    text = (live.folder / "study.yaml").read_text(encoding="utf-8").replace("study: trial", "study: other")
    (other / "study.yaml").write_text(text.replace("TOKEN_TRIAL", "TOKEN_OTHER"), encoding="utf-8")

    with rehearsal(read_study(live.folder), live.folder, on=None, de_identified=False):
        told = _refusal_of_a_live_study(live)
    opened = open_project("trial")
    opened.close()

    assert "nothing but its copy can be opened" in told
    assert opened.study.redcap.url == live.url


def _refusal_of_a_live_study(live: LiveStudy) -> str:
    """What somebody is told who opens a live study in the middle of a rehearsal."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("CAPSTAN_STUDIES", str(live.folder.parent))
        patch.setenv("TOKEN_OTHER", live.token)
        with pytest.raises(Refused) as refusal:
            open_project("other")
    return str(refusal.value)


def test_texts_and_mails_of_a_rehearsal_stay_in_its_sandbox(
    capstan: CommandLine, monkeypatch: pytest.MonkeyPatch, addresses: dict[str, Any], tmp_path: Path
) -> None:
    xml = project_xml(TODAY, participants=2)
    made = make_study(tmp_path, name="trial", addresses=addresses, xml=xml, title="Texts", body=MESSAGING)
    for name, value in {**made.environment, "SID": "AC0", "AUTH": SECRET, "MAIL": SECRET}.items():
        monkeypatch.setenv(name, value)

    with rehearsal(read_study(made.folder), made.folder, on=None, de_identified=False):
        study = read_study(Path(os.environ["CAPSTAN_STUDIES"]) / "trial")
        secrets = [os.environ[name] for name in ("SID", "AUTH", "MAIL")]

    sms, email = study.messaging.sms, study.messaging.email
    assert sms
    assert email
    assert study.redcap.url == f"{sms.url}/api/"
    assert (email.host, email.security, email.user, email.password) == ("127.0.0.1", "none", "", None)
    assert (sms.sender, email.sender) == ("+12065550100", "team@study.test")
    assert secrets == ["", "", ""]


def test_the_live_project_sees_reads_alone(
    live: LiveStudy, capstan: CommandLine, addresses: dict[str, Any]
) -> None:
    requests.delete(f"{addresses['control_url']}requests", timeout=30)

    capstan("rehearse", "trial", "--on", ON, "--flow", "poll_participants", "-p", "max_share=1", "--json")

    sent = requests.get(f"{addresses['control_url']}requests", timeout=30).json()
    assert {call["content"] for call in sent} == {"project", "project_xml", "user", "version"}
    assert {call["action"] for call in sent} <= {"", "export"}


def test_an_error_within_leaves_nothing_behind(live: LiveStudy, capstan: CommandLine) -> None:
    before, study = _surroundings(live), read_study(live.folder)
    homes: list[Path] = []

    with pytest.raises(KeyboardInterrupt):
        _interrupt(study, live, homes)

    assert not homes[0].exists()
    assert _surroundings(live) == before


def _interrupt(study: Study, live: LiveStudy, homes: list[Path]) -> None:
    with rehearsal(study, live.folder, on=None, de_identified=False):
        homes.append(Path(os.environ["CAPSTAN_HOME"]))
        assert stat.S_IMODE(homes[0].stat().st_mode) == 0o700
        assert os.environ["TOKEN_TRIAL"] == ""
        raise KeyboardInterrupt


def _intervals(rows: pd.DataFrame) -> pd.DataFrame:
    """Days between two dates of each row that has both."""
    days = [pd.to_datetime(rows[name].replace("", None)) for name in ("part_consent_date", "rand_date")]
    return (days[1] - days[0]).to_frame("days")


def _surroundings(live: LiveStudy) -> dict[str, str]:
    """What of this process's environment says where it works."""
    names = ("CAPSTAN_STORE", "CAPSTAN_KEY", *live.environment)
    return {name: os.environ[name] for name in names if name in os.environ}
