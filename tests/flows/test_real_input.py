"""Real projects through the command line: a study drafted, rows with traps imported, and all of it undone."""

from __future__ import annotations

import csv
import io
import json
from datetime import date
from pathlib import Path
from typing import Any

import pytest
import requests
import yaml
from command_line import CommandLine, Desk, Project, load

from capstan.study import Study, read_study

ROOT = Path(__file__).resolve().parents[2]
DATA = ROOT.parent / "shared" / "data"
TODAY = date(2026, 6, 1)
GOLDEN = (
    "arm-multiple-delete",
    "checkboxes-1",
    "dag",
    "decimal-comma",
    "longitudinal",
    "repeating-events",
    "repeating-instruments",
    "simple",
    "survey",
    "validation-types-1",
)
KEYS = ["record_id", "redcap_event_name", "redcap_repeat_instrument", "redcap_repeat_instance"]
Row = dict[str, str]


@pytest.fixture
def desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Desk:
    return Desk(tmp_path, monkeypatch)


def project_xml(*names: str) -> str:
    path = DATA.joinpath(*names, "project.xml")
    if not path.exists():
        pytest.skip("the real projects are not on this machine")
    return path.read_text(encoding="utf-8")


def init(capstan: CommandLine, desk: Desk, project: Project, *, name: str) -> Study:
    """Draft a study for a project, as a person would, and read what was written."""
    desk.set("REDCAP_TOKEN", project.token)
    said = capstan("init", name, "--url", project.url, "--token-env", "REDCAP_TOKEN")
    assert said.code == 0, said.err
    assert said.err == ""
    return read_study(desk.folder / "studies" / name)


def examined(capstan: CommandLine, *, name: str) -> dict[str, str]:
    """What `capstan doctor` finds, by what it looked at; the study must be healthy."""
    said = capstan("doctor", name, "--json")
    answer = json.loads(said.out)
    assert said.code == 0, said.out
    assert answer["healthy"]
    return {one["what"]: one["verdict"] for one in answer["findings"]}


def import_rows(
    capstan: CommandLine, desk: Desk, rows: list[Row], *words: str, name: str
) -> tuple[int, dict[str, Any]]:
    columns = list(dict.fromkeys([*KEYS, *(column for row in rows for column in row)]))
    text = io.StringIO()
    table = csv.DictWriter(text, columns, restval="", lineterminator="\n")
    table.writeheader()
    table.writerows(rows)
    said = capstan("import", desk.write_file(text.getvalue()), "--study", name, "--json", *words)
    return said.code, json.loads(said.out)


def run(capstan: CommandLine, flow: str, *, name: str) -> dict[str, Any]:
    said = capstan("run", flow, "--study", name, "--json", "-p", f"today={TODAY}")
    assert said.code == 0, said.err
    return dict(json.loads(said.out))


def revert(capstan: CommandLine, summary: dict[str, Any]) -> str:
    said = capstan("journal", "revert", summary["run"], "--json")
    assert said.code == 0, said.err
    return str(json.loads(said.out)["outcome"])


def stopped(summary: dict[str, Any]) -> set[tuple[str, str, str, str]]:
    """Record, event, instance and check of every row that was stopped."""
    return {(one["record"], one["event"], one["instance"], one["check"]) for one in summary["rejected"]}


def row(record: int, event: str, instrument: str = "", instance: str = "", **values: str) -> Row:
    return dict(zip(KEYS, (str(record), event, instrument, instance), strict=True)) | values


# Every golden project.


@pytest.mark.parametrize("folder", GOLDEN)
def test_a_drafted_study_is_healthy_and_its_projects_own_export_changes_nothing(
    folder: str, addresses: dict[str, Any], desk: Desk, capstan: CommandLine
) -> None:
    project = load(addresses, xml=project_xml("golden", folder), title=folder)
    before = project.state()

    study = init(capstan, desk, project, name=folder)
    findings = examined(capstan, name=folder)
    said = capstan("import", desk.write_file(before[0]), "--study", folder, "--dry-run", "--json")

    assert study.redcap.project.id == project.project_id
    assert findings["rules"] == findings["records"] == "ok"
    summary = json.loads(said.out)
    rows = len(list(csv.reader(io.StringIO(before[0].decode())))) - 1
    assert said.code == 0
    assert (summary["outcome"], summary["rows_in"], summary["rows_unchanged"]) == ("idle", rows, rows)
    assert project.state() == before


# The CAPS demo project, a real export of REDCap 8.5, with invented participants.

RED, GREEN, UNRANDOMIZED = range(1, 14), range(14, 27), range(27, 31)
FOLLOW_UPS = ("6_month_arm_2", "12_month_arm_2", "6_month_arm_3", "12_month_arm_3")
TRACKING = """\
vt_due,visit_tracking,,text,Due,,,date_ymd,,,,,,,,,,
vt_opens,visit_tracking,,text,Opens,,,date_ymd,,,,,,,,,,
vt_closes,visit_tracking,,text,Closes,,,date_ymd,,,,,,,,,,
vt_status,visit_tracking,,text,Status,,,,,,,,,,,,,@READONLY
vt_pending,visit_tracking,,text,Next visit,,,,,,,,,,,,,
vt_last,visit_tracking,,text,Last change,,,datetime_seconds_ymd,,,,,,,,,,
vt_eligible,visit_tracking,,text,Eligible,,,,,,,,,,,,,
vt_reasons,visit_tracking,,notes,Reasons,,,,,,,,,,,,,
"""


def caps_participants() -> list[Row]:
    """30 participants: 26 of them randomized, 10 with an exam, 5 of those with a phone follow-up."""
    rows = []
    for number in (*RED, *GREEN, *UNRANDOMIZED):
        age = "" if number == 30 else str(3 + number % 5)
        person = row(number, "baseline_arm_1", part_first_name=f"Child {number}", part_age=age)
        person["part_mobile_number"] = f"(415) 555-01{number:02}"
        if number in RED:
            person |= {"rand_color": "2", "rand_date": "2025-06-05"}
        if number in GREEN:
            person |= {"rand_color": "3", "rand_date": "2025-12-01"}
        rows.append(person)
    for number in (*RED[:5], *GREEN[:5]):
        event = "6_month_arm_2" if number in RED else "6_month_arm_3"
        rows.append(row(number, event, exam_num_teeth=str(20 - number % 3), exam_complete="2"))
    for number in RED[:5]:
        call = {"pfu_attempt_number": "1", "pfu_call_outcome": "2", "pfu_ae_reported": "0"}
        rows.append(row(number, "6_month_arm_2", "phone_follow_up", "1", **call))
    return rows


def create_caps(addresses: dict[str, Any]) -> Project:
    """Create the project as a person with a super token does, and give it participants."""
    create = {
        "token": addresses["super_token"],
        "content": "project",
        "format": "json",
        "data": json.dumps([{"project_title": "CAPS Demo", "purpose": 0}]),
        "odm": project_xml("caps-demo"),
    }
    token = requests.post(addresses["redcap_url"], data=create, timeout=60).text[-32:]
    project = Project(addresses["redcap_url"], addresses["control_url"], 0, token)
    added = project.call(content="record", format="json", data=json.dumps(caps_participants()))
    assert added.json() == {"count": 30}
    return project


def add_tracking(project: Project) -> None:
    """Add an instrument that visit dates can be written to, on every event."""
    dictionary = project.call(content="metadata", format="csv").text
    fields = project.call(content="metadata", format="csv", data=dictionary.rstrip("\n") + "\n" + TRACKING)
    assert fields.text == str(29 + 8), fields.text
    mapping = project.call(content="formEventMapping", format="json").json()
    mapping += [
        {"arm_num": name[-1], "unique_event_name": name, "form": "visit_tracking"}
        for name in ("baseline_arm_1", *FOLLOW_UPS)
    ]
    placed = project.call(content="formEventMapping", format="json", data=json.dumps(mapping))
    assert placed.text == str(12 + 5), placed.text


def complete_study(path: Path) -> None:
    """Do to a drafted study what its comments ask a person to do."""
    study = yaml.safe_load(path.read_text(encoding="utf-8"))
    for visit in study["visits"]:
        visit["write"] = {"due": "vt_due", "opens": "vt_opens", "closes": "vt_closes", "status": "vt_status"}
    study["tracking"] = {
        "event": "baseline_arm_1",
        "pending_visit": "vt_pending",
        "last_timestamp": "vt_last",
    }
    study["eligibility"] = {
        "event": "baseline_arm_1",
        "criteria": [{"id": "age", "rule": "[part_age] >= 3 and [part_age] <= 6", "reason": "3 to 6 years"}],
        "write": {"status": "vt_eligible", "reasons": "vt_reasons"},
    }
    study["writes"]["allow"] += ["visit_tracking", "vt_status"]
    study["writes"]["limits"]["share"] = 1
    path.write_text(yaml.safe_dump(study), encoding="utf-8")


def post_randomization_rows() -> list[Row]:
    """The 13 rows of the seed, which have 10 distinct keys: 14 #1 three times, 15 #2 twice."""
    keys = [(14, "1"), (14, "1"), (14, "1"), (15, "1"), (15, "2"), (15, "2")]
    keys += [(number, "1") for number in range(16, 23)]
    return [
        row(
            number,
            "6_month_arm_3",
            "phone_follow_up",
            instance,
            pfu_attempt_number=instance,
            pfu_contact_date=f"2026-05-{day:02}",
            pfu_call_outcome="1",
        )
        for day, (number, instance) in enumerate(keys, 1)
    ]


def caps_import() -> list[Row]:
    """Good rows, the seed's 13, and one of each of its other traps."""
    good = [row(number, "6_month_arm_2", exam_num_teeth="18", exam_complete="2") for number in range(6, 10)]
    good.append(row(13, "6_month_arm_2", txt_manual_date="2026-05-30"))
    bad = [
        row(10, "6_month_arm_3", exam_num_teeth="18"),
        row(11, "12_month_arm_2", txt_manual_date="2026-05-30"),
        row(28, "6_month_arm_2", exam_num_teeth="18"),
        row(12, "6_month_arm_2", txt_message="Your visit is due", txt_twilio_status="queued"),
    ]
    return [*good, *post_randomization_rows(), *bad]


def test_the_caps_project_is_drafted_computed_imported_into_and_undone(
    addresses: dict[str, Any], desk: Desk, capstan: CommandLine
) -> None:
    project = create_caps(addresses)
    drafted = init(capstan, desk, project, name="caps")
    healthy = examined(capstan, name="caps")
    add_tracking(project)
    complete_study(desk.folder / "studies/caps/study.yaml")
    still_healthy = examined(capstan, name="caps")
    untouched = project.export()

    visits = run(capstan, "compute_visit_dates", name="caps")
    again = run(capstan, "compute_visit_dates", name="caps")
    eligibility = run(capstan, "check_eligibility", name="caps")
    undone = [revert(capstan, eligibility), revert(capstan, visits)]
    emptied = project.export()
    held = import_rows(capstan, desk, caps_import(), "-p", "max_share=0.2", name="caps")
    unwritten = project.export()
    code, summary = import_rows(capstan, desk, caps_import(), name="caps")
    imported = project.rows(events="6_month_arm_3", fields="record_id,pfu_contact_date")
    reverted = revert(capstan, summary)

    assert drafted.arms.model_dump() == {
        "shared": (1,),
        "assigned_by": {"event": "baseline_arm_1", "field": "rand_color", "arms": {}},
    }
    assert [(v.event, str(v.anchor), v.after.months) for v in drafted.visits] == [
        ("6_month", "[baseline_arm_1][rand_date]", 6),
        ("12_month", "[baseline_arm_1][rand_date]", 12),
    ]
    # The sandbox's token may do everything, and does both.
    mighty = {"write token": "warn", "token rights": "warn"}
    # Nothing is deployed or copied yet, and before the first run there is no home to look at.
    young = {"prefect": "warn", "store backup": "warn"}
    assert healthy == dict.fromkeys(healthy, "ok") | mighty | young
    assert still_healthy == healthy | {"disk": "ok"}
    assert visits["visits"] == {"due": 21, "upcoming": 13, "complete": 10, "missed": 8}
    # Four cells for each of 26 x 2 visits, and two for each participant who has visits.
    assert (visits["outcome"], visits["cells_written"]) == ("done", 4 * 52 + 2 * 26)
    assert (again["outcome"], again["cells_planned"]) == ("idle", 0)
    assert eligibility["eligibility"] == {"eligible": 23, "ineligible": 6, "undetermined": 1}
    assert (undone, emptied == untouched) == (["done", "done"], True)
    assert (held[0], held[1]["outcome"], unwritten == untouched) == (3, "held", True)
    assert (code, summary["outcome"]) == (4, "done")
    assert (summary["rows_in"], summary["rows_accepted"], summary["rows_rejected"]) == (22, 13, 9)
    assert summary["rows_stopped"] == {
        "duplicate_row": 2,
        "field_not_in_event": 1,
        "read_only_field": 1,
        "wrong_arm": 2,
    }
    assert stopped(summary) == {
        ("14", "6_month_arm_3", "1", "duplicate_row"),
        ("15", "6_month_arm_3", "2", "duplicate_row"),
        ("10", "6_month_arm_3", "", "wrong_arm"),
        ("28", "6_month_arm_2", "", "wrong_arm"),
        ("11", "12_month_arm_2", "", "field_not_in_event"),
        ("12", "6_month_arm_2", "", "read_only_field"),
    }
    assert len([one for one in imported if one["pfu_contact_date"]]) == 8
    assert (reverted, project.export() == untouched) == ("done", True)


def test_two_runs_on_one_row_that_are_undone_newest_first_leave_no_trace(
    addresses: dict[str, Any], desk: Desk, capstan: CommandLine
) -> None:
    project = create_caps(addresses)
    init(capstan, desk, project, name="caps")
    add_tracking(project)
    complete_study(desk.folder / "studies/caps/study.yaml")
    untouched = project.export()

    visits = run(capstan, "compute_visit_dates", name="caps")
    exam = [row(6, "6_month_arm_2", exam_num_teeth="18", exam_complete="2")]
    _, imported = import_rows(capstan, desk, exam, name="caps")
    undone = [revert(capstan, imported), revert(capstan, visits)]

    assert undone == ["done", "done"]
    assert project.export() == untouched


def test_a_read_only_field_of_the_caps_project_is_written_once_it_is_named(
    addresses: dict[str, Any], desk: Desk, capstan: CommandLine
) -> None:
    project = create_caps(addresses)
    init(capstan, desk, project, name="caps")
    path = desk.folder / "studies/caps/study.yaml"
    before = project.export()
    log = [row(12, "6_month_arm_2", txt_message="Your visit is due", txt_twilio_status="queued")]

    refused = import_rows(capstan, desk, log, name="caps")
    text = path.read_text(encoding="utf-8")
    path.write_text(text.replace("  - sms_survey_log\n", "  - sms_survey_log\n  - txt_message\n"))
    half = import_rows(capstan, desk, log, name="caps")
    path.write_text(
        text.replace("  - sms_survey_log\n", "  - sms_survey_log\n  - txt_message\n  - txt_twilio_status\n")
    )
    named = import_rows(capstan, desk, log, name="caps")
    held = project.rows(records="12", events="6_month_arm_2", fields="txt_message,txt_twilio_status")
    reverted = revert(capstan, named[1])

    assert (refused[0], refused[1]["rows_stopped"]) == (3, {"read_only_field": 1})
    assert {one["field"] for one in refused[1]["rejected"]} == {"txt_message", "txt_twilio_status"}
    assert (half[0], {one["field"] for one in half[1]["rejected"]}) == (3, {"txt_twilio_status"})
    assert (named[0], named[1]["cells_written"]) == (0, 2)
    assert [(one["txt_message"], one["txt_twilio_status"]) for one in held] == [
        ("Your visit is due", "queued")
    ]
    assert (reverted, project.export() == before) == ("done", True)


# Repeating events and repeating instruments in three arms, 100 records.


def repeating_rows() -> tuple[list[Row], list[tuple[Row, str]]]:
    """Good rows, and bad ones with the check that must stop each; 1001 is in arm 1, 1002 and 1003 in arm 2."""
    home = ("home_visit_arm_1", "home_visit_arm_2")
    good = [
        row(1001, "visit_arm_1", instance="3", weight_kg="94.5", hdl_mg_dl="40"),
        row(1002, "visit_arm_2", instance="new", weight_kg="90.0"),
        row(1002, "visit_arm_2", instance="new", weight_kg="89.5"),
        row(1001, home[0], "weight", "3", weight_kg="94.1", height_m="1.70"),
        row(1003, home[1], "cardiovascular", "2", ldl_mg_dl="120"),
        row(1003, "baseline_arm_2", weight_kg="76.4"),
        row(1002, "enrollment_arm_2", race___0="1", race___4="0", email="a.w@example.org"),
    ]
    bad = [
        (row(1001, "visit_arm_2", instance="1", weight_kg="94.5"), "wrong_arm"),
        (row(1003, "visit_arm_2", weight_kg="94.5"), "repeat_instance_invalid"),
        (row(1004, "baseline_arm_1", instance="1", weight_kg="94.5"), "repeat_instance_invalid"),
        (row(1001, "visit_arm_1", "weight", "1", weight_kg="94.0"), "repeat_form_invalid"),
        (row(1001, home[0], weight_kg="94.0"), "field_not_on_row"),
        (row(1001, home[0], "weight", "1", hdl_mg_dl="41"), "field_not_on_row"),
        (row(1001, "enrollment_arm_1", weight_kg="94.0"), "field_not_in_event"),
        (row(1001, "visit_arm_1", instance="1", weight_kg="500.1"), "out_of_range"),
        (row(1001, "visit_arm_1", instance="2", weight_kg="94"), "type_mismatch"),
        (row(1003, "enrollment_arm_2", registration_age="12"), "read_only_field"),
        (row(1002, home[1], "weight", "1", weight_complete="5"), "form_status"),
        (row(9999, "visit_arm_1", instance="1", weight_kg="94.0"), "record_unknown"),
        (row(1002, "visit_arm_2", instance="1", weight_kg="90.1"), "duplicate_row"),
        (row(1002, "visit_arm_2", instance="1", weight_kg="90.2"), "duplicate_row"),
    ]
    return good, bad


def test_rows_of_repeating_events_and_instruments_are_imported_or_stopped_and_undone(
    addresses: dict[str, Any], desk: Desk, capstan: CommandLine
) -> None:
    project = load(addresses, xml=project_xml("golden", "repeating-events"), title="repeating")
    before = project.export()
    good, bad = repeating_rows()

    study = init(capstan, desk, project, name="repeating")
    findings = examined(capstan, name="repeating")
    code, summary = import_rows(capstan, desk, [*good, *(one for one, _ in bad)], name="repeating")
    imported = project.export()
    log = project.state()[1]
    again = import_rows(capstan, desk, good[:1] + good[3:], name="repeating")
    reverted = revert(capstan, summary)

    assert (study.arms.assigned_by, study.visits, len(study.writes.allow)) == (None, (), 5)
    assert findings["arms"] == "warn"
    assert code == 4
    assert (summary["rows_in"], summary["rows_accepted"], summary["rows_rejected"]) == (21, 7, 14)
    assert summary["cells_written"] == 11
    assert stopped(summary) == {
        (*(one[key] for key in (KEYS[0], KEYS[1], KEYS[3])), check) for one, check in bad
    }
    assert imported.count(b"\n") - before.count(b"\n") == 4
    assert {line["record"] for line in log if "API" in line["action"]} == {"1001", "1002", "1003"}
    assert (again[0], again[1]["outcome"]) == (0, "idle")
    assert (reverted, project.export() == before) == ("done", True)
