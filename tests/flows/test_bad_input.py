"""Every kind of bad input through the command line: one sentence, the right exit code, nothing written."""

from __future__ import annotations

import json
import os
import re
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from command_line import CommandLine, Desk, Project, Said, changed, load

from capstan.redcap import wire
from flows.job import job
from studies.demo.generate import project_xml

ROOT = Path(__file__).resolve().parents[2]
TODAY = date(2026, 6, 1)
TITLE = "Tooth Fairy Trial"
WHOLE = (ROOT / "studies/demo/study.yaml").read_text(encoding="utf-8")
# Without its messages, which need channels, and have tests of their own.
STUDY = WHOLE.partition("\nmessaging:")[0] + "\narms:" + WHOLE.partition("\narms:")[2]
MARK = "ZQMARKED"
HEADER = "record_id,redcap_event_name,redcap_repeat_instrument,redcap_repeat_instance,exam_remarks\n"
COMPUTE = ("run", "compute_visit_dates", "--study", "demo", "-p", f"today={TODAY}")
COMMANDS = ("run", "import", "doctor")
NO_SUCH_TOKEN = "0123456789ABCDEF0123456789ABCDEF"


@pytest.fixture(scope="module")
def xml() -> str:
    return project_xml(TODAY, participants=30)


@pytest.fixture(scope="module")
def project(addresses: dict[str, Any], xml: str) -> Project:
    """The project that no test here may change."""
    return load(addresses, xml=xml, title=TITLE)


@pytest.fixture(scope="module")
def original(project: Project) -> tuple[bytes, list[dict[str, str]]]:
    return project.state()


@pytest.fixture
def capstan(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> CommandLine:
    monkeypatch.setattr(wire, "BACKOFF_SECONDS", 0)
    return CommandLine(monkeypatch, capsys)


@pytest.fixture
def desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, project: Project) -> Desk:
    """A desk with the demo study, its project, and a good file."""
    made = Desk(tmp_path, monkeypatch)
    made.write_study(STUDY)
    open_on(made, project)
    made.write_file(HEADER + exam_rows(project, count=2))
    return made


@pytest.fixture
def own(addresses: dict[str, Any], xml: str, desk: Desk) -> Project:
    """A project that its test may change, on the desk instead of the common one."""
    made = load(addresses, xml=xml, title=TITLE)
    open_on(desk, made)
    return made


def open_on(desk: Desk, project: Project) -> None:
    desk.set("REDCAP_URL", project.url)
    desk.set("REDCAP_PROJECT_ID", str(project.project_id))
    desk.set("REDCAP_API_DEMO", project.token)


def exam_rows(project: Project, *, count: int) -> str:
    """Good rows for participants who have been randomized, with marked values."""
    arms = project.rows(fields="record_id,rand_color", events="baseline_arm_1")
    people = [row for row in arms if row["rand_color"]][:count]
    return "".join(
        f"{row['record_id']},6_month_arm_{row['rand_color']},,,{MARK} {row['record_id']}\n" for row in people
    )


def words(command: str, desk: Desk) -> tuple[str, ...]:
    known = {
        "run": COMPUTE,
        "import": ("import", str(desk.folder / "rows.csv"), "--study", "demo"),
        "doctor": ("doctor", "demo"),
    }
    return known[command]


def told(said: Said, *, command: str, code: int) -> str:
    """What a person reads: of doctor the finding that failed, else the sentence on stderr."""
    assert said.code == (1 if command == "doctor" else code), said.all
    if command != "doctor":
        return said.sentence
    assert said.sentence.startswith("demo is not ready")
    return said.out.partition("FAIL")[2]


def assert_discreet(said: Said, *tokens: str) -> None:
    assert MARK not in said.all
    for token in tokens:
        assert token.lower() not in said.all.lower()


# Tokens.


@pytest.mark.parametrize("command", COMMANDS)
@pytest.mark.parametrize(
    ("token", "code", "reason"),
    [
        (None, 2, "The environment variable REDCAP_API_DEMO holds no token; set it."),
        ("  ", 2, "The environment variable REDCAP_API_DEMO holds no token; set it."),
        ("ZQ34", 2, "must be 32 hexadecimal characters, and this text has 4 characters"),
        (NO_SUCH_TOKEN, 1, "the token opens no project: it is mistyped, was deleted or renewed"),
    ],
)
def test_a_token_that_opens_nothing_is_refused(
    command: str, token: str | None, code: int, reason: str, desk: Desk, capstan: CommandLine
) -> None:
    desk.set("REDCAP_API_DEMO", token)

    said = capstan(*words(command, desk))

    assert reason in told(said, command=command, code=code)
    assert_discreet(said, *([token] if token and token.strip() else []))


@pytest.mark.parametrize("command", COMMANDS)
def test_the_token_of_another_project_is_refused(
    command: str, addresses: dict[str, Any], xml: str, desk: Desk, capstan: CommandLine
) -> None:
    other = load(addresses, xml=xml, title="Another Trial")
    before = other.state()
    desk.set("REDCAP_API_DEMO", other.token)

    said = capstan(*words(command, desk))

    sentence = told(said, command=command, code=3)
    assert f"The token opens a project whose id is '{other.project_id}'" in sentence
    assert "(redcap.project.id in study.yaml)" in sentence
    assert other.state() == before
    assert_discreet(said, other.token)


@pytest.mark.parametrize("command", COMMANDS)
def test_a_project_that_has_moved_to_production_is_refused(
    command: str, own: Project, desk: Desk, capstan: CommandLine
) -> None:
    own.order("status", status="production")
    before = own.state()

    said = capstan(*words(command, desk))

    sentence = told(said, command=command, code=3)
    assert "status is 'production', but the study names 'development'" in sentence
    assert own.state() == before
    assert_discreet(said, own.token)


# Study files.


@pytest.mark.parametrize(
    "spoken",
    [
        ("run", "compute_visit_dates", "--study", "dmo"),
        ("import", "rows.csv", "--study", "dmo"),
        ("doctor", "dmo"),
    ],
)
def test_a_study_that_is_not_there_is_said_with_those_that_are(
    spoken: tuple[str, ...], desk: Desk, capstan: CommandLine
) -> None:
    said = capstan(*spoken)

    assert said.code == 2
    assert said.sentence == ("There is no study named 'dmo' (found: demo); `capstan init dmo` writes one.")
    assert said.out == ""


BAD_FILES = {
    "an unknown key": ("tracking:\n", "trackings: {}\ntracking:\n", "trackings: Extra inputs are not permitted"),
    "a nested unknown key": ("  shared: [1]", "  shred: [1]", "arms.shred: Extra inputs are not permitted"),
    "a wrong type": ("share: 1}", "share: most}", "writes.limits.share: Input should be a valid number"),
    "a share above one": ("share: 1}", "share: 20}", "writes.limits.share: Input should be less than"),
    "no period": ("after: 6 months", "after: half a year", "visits.0.after:"),
    "no time zone": ("America/Los_Angeles", "Pacific", "timezone: must be a time zone such as"),
    "bad indentation": ("arms:\n", "arms:\n      - x\n", "not readable as YAML; check the indentation."),
    "an open bracket": ("shared: [1]", "shared: [1", "not readable as YAML"),
    "a day that no calendar has": (TITLE + "\ntimezone", "2026-02-30\ntimezone", "not readable as YAML"),
    "a variable that is not set": ("${REDCAP_URL}", "${REDCAP_ADDRESS}", "REDCAP_ADDRESS is not set; set it."),
    "no mapping": (STUDY, "- demo\n", "must be a mapping that starts with `study: NAME`."),
    "nothing": (STUDY, "", "must be a mapping that starts with `study: NAME`."),
    "an address that is none": ("${REDCAP_URL}", "redcap.example.org", "http"),
    "half a bracket": ("${REDCAP_URL}", "https://[redcap", "redcap.url: must be a web address such as https://"),
}  # fmt: skip


@pytest.mark.parametrize("command", COMMANDS)
@pytest.mark.parametrize(("old", "new", "reason"), BAD_FILES.values(), ids=BAD_FILES)
def test_a_study_file_that_cannot_be_read_is_refused(
    command: str, old: str, new: str, reason: str, desk: Desk, capstan: CommandLine, project: Project
) -> None:
    desk.write_study(changed(STUDY, old, new))

    said = capstan(*words(command, desk))

    assert reason in told(said, command=command, code=2)
    assert_discreet(said, project.token)


@pytest.mark.parametrize("command", COMMANDS)
def test_a_token_in_the_study_file_is_refused_and_not_repeated(
    command: str, desk: Desk, capstan: CommandLine
) -> None:
    token = "ABCDEF0123456789ABCDEF0123456789"
    desk.write_study(changed(STUDY, "env: REDCAP_API_DEMO", f"env: {token}"))

    said = capstan(*words(command, desk))

    sentence = told(said, command=command, code=2)
    assert "redcap.token.env: must be the name of an environment variable, not a token" in sentence
    assert_discreet(said, token)


UNKNOWN_NAMES = {
    "anchor": ("    anchor: \"if([baseline_arm_1][part_withdrawn] = '1', '', [baseline_arm_1][rand_date])\"\n"
               "    after: 6 months", '    anchor: "[baseline_arm_1][rand_dte]"\n    after: 6 months',
               "visits[0].anchor:", "rand_dte"),
    "done_when": ("done_when: \"[exam_complete] = '2'\"\n    took_place: exam_date\n    move: nearest workday\n"
                  "    write: {due: vt_due, opens: vt_opens, closes: vt_closes, status: vt_status}\n  - name",
                  "done_when: \"[exm_complete] = '2'\"\n    took_place: exam_date\n    move: nearest workday\n"
                  "    write: {due: vt_due, opens: vt_opens, closes: vt_closes, status: vt_status}\n  - name",
                  "visits[0].done_when:", "exm_complete"),
    "event": ("event: 12_month", "event: 13_month", "visits[1].event:", "'13_month'"),
    "assigned_by": ("field: rand_color}", "field: rand_colour}", "arms.assigned_by.field:", "'rand_color'"),
    "tracking": ("pending_visit: vt_pending_visit", "pending_visit: vt_pending", "tracking.pending_visit:",
                 "'vt_pending'"),
    "rule": ("[part_age] >= 3", "[part_agee] >= 3", "eligibility.criteria[0].rule:", "part_agee"),
    "broken rule": ("[elig_teeth] >= 12", "[elig_teeth >= 12", "eligibility.criteria[1].rule:", "^"),
    "allow": ("    - participant_info\n", "    - participant_infos\n", "writes.allow[0]:",
              "did you mean 'participant_info'"),
    "protect": ("protect: [rand_color", "protect: [rand_colr", "writes.protect[0]:", "'rand_color'"),
    "not_future": ("not_future: [part_consent_date", "not_future: [consented_on", "checks.not_future[0]:",
                   "'consented_on'"),
}  # fmt: skip


@pytest.mark.parametrize("command", COMMANDS)
@pytest.mark.parametrize(("old", "new", "place", "named"), UNKNOWN_NAMES.values(), ids=UNKNOWN_NAMES)
def test_a_name_that_the_project_does_not_have_is_refused_before_anything_is_exported(
    command: str,
    old: str,
    new: str,
    place: str,
    named: str,
    desk: Desk,
    capstan: CommandLine,
    project: Project,
    addresses: dict[str, Any],
) -> None:
    import requests

    desk.write_study(changed(STUDY, old, new))
    requests.delete(f"{addresses['control_url']}requests", timeout=60)

    said = capstan(*words(command, desk))

    sentence = told(said, command=command, code=2)
    assert place in sentence
    assert named in sentence
    asked = requests.get(f"{addresses['control_url']}requests", timeout=60).json()
    assert command == "doctor" or "record" not in {one["content"] for one in asked}
    assert_discreet(said, project.token)


def test_the_caret_of_a_rule_stands_under_the_wrong_name(desk: Desk, capstan: CommandLine) -> None:
    desk.write_study(changed(STUDY, "[part_age] >= 3 and", "[part_ag] >= 3 and"))

    said = capstan(*words("run", desk))
    examined = capstan("doctor", "demo")

    found = examined.out.splitlines()
    place = next(number for number, line in enumerate(found) if line.strip() == "^")
    for lines in (said.err.splitlines()[-2:], found[place - 1 : place + 1]):
        assert lines[0].index("[part_ag]") == lines[1].index("^")


def test_several_unknown_names_are_counted_by_a_flow_and_listed_by_doctor(
    desk: Desk, capstan: CommandLine
) -> None:
    desk.write_study(changed(changed(STUDY, "- exam\n", "- exm\n"), "protect: [rand_color", "protect: [rand"))

    said = capstan(*words("run", desk))
    examined = capstan("doctor", "demo", "--json")

    assert said.code == 2
    assert "study.yaml: 2 problems, of which `capstan doctor` lists all: writes.allow[1]:" in said.sentence
    failed = [one["said"] for one in json.loads(examined.out)["findings"] if one["verdict"] == "fail"]
    assert [text.partition(":")[0] for text in failed] == ["writes.allow[1]", "writes.protect[0]"]


# Servers.


@pytest.mark.parametrize("command", [*COMMANDS, "init"])
def test_a_server_that_cannot_be_reached_is_said(command: str, desk: Desk, capstan: CommandLine) -> None:
    with closing(socket.socket()) as closed:
        closed.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{closed.getsockname()[1]}/api/"
        desk.set("REDCAP_URL", url)

        said = capstan(*(init_words(url) if command == "init" else words(command, desk)))

    sentence = told(said, command=command, code=1)
    assert "no connection; check the address and the network." in sentence
    assert_discreet(said, os.environ["REDCAP_API_DEMO"])


@pytest.mark.parametrize("command", [*COMMANDS, "init"])
def test_a_server_that_answers_a_page_is_said(
    command: str, desk: Desk, capstan: CommandLine, page_url: str
) -> None:
    desk.set("REDCAP_URL", page_url)

    said = capstan(*(init_words(page_url) if command == "init" else words(command, desk)))

    sentence = told(said, command=command, code=1)
    assert "status 200): it gave a page or a text that is no answer" in sentence
    assert_discreet(said, os.environ["REDCAP_API_DEMO"])


@pytest.fixture(scope="module")
def page_url() -> Iterator[str]:
    """A server that answers everything with a web page and status 200."""
    from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
    from threading import Thread

    class Page(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["Content-Length"]))
            body = b"<!DOCTYPE html><html><body>ZQMARKED Down for maintenance</body></html>"
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            return

    with ThreadingHTTPServer(("127.0.0.1", 0), Page) as server:
        thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield f"http://127.0.0.1:{server.server_address[1]}/api/"
        server.shutdown()
        thread.join()


def init_words(url: str) -> tuple[str, ...]:
    return ("init", "tooth", "--url", url, "--token-env", "REDCAP_API_DEMO")


# Files.

BAD_TABLES: dict[str, tuple[bytes, str]] = {
    "an open quote": (
        f'{HEADER}1,6_month_arm_2,,,"{MARK}\n2,6_month_arm_2,,,x\n'.encode(),
        "rows.csv, line 2: not readable as CSV; a quote is open or misplaced in the row that begins there",
    ),
    "a short row": (
        f"{HEADER}1,6_month_arm_2,,,{MARK}\n2,{MARK}\n".encode(),
        "rows.csv, line 3: has 2 cells where the header has 5",
    ),
    "a short row after a long cell": (
        f'{HEADER}1,6_month_arm_2,,,"{MARK}\n{MARK}\n"\n2,{MARK}\n'.encode(),
        "rows.csv, line 5: has 2 cells where the header has 5",
    ),
    "Latin-1": (
        f"{HEADER}1,6_month_arm_2,,,{MARK} Zähne\n".encode("latin-1"),
        "rows.csv, line 2: not UTF-8 (it may be Latin-1 or Windows-1252); save it as CSV UTF-8.",
    ),
    "UTF-16": (
        HEADER.encode("utf-16"),
        "rows.csv: is UTF-16 (a spreadsheet's Unicode text), not CSV in UTF-8",
    ),
    "UTF-16 without its mark": (HEADER.encode("utf-16-le"), "rows.csv: is UTF-16, not CSV in UTF-8"),
    "a workbook": (b"PK\x03\x04" + bytes(99), "rows.csv: is a workbook of a spreadsheet, or another archive"),
    "nothing": (b"", "rows.csv: is empty; there is nothing to import."),
    "blank lines": (b"\r\n,,\r\n\n", "rows.csv: is empty; there is nothing to import."),
    "a header only": (HEADER.encode(), "rows.csv: has a header and no rows; there is nothing to import."),
    "no header": (
        f"1,6_month_arm_2,,,{MARK}\n2,6_month_arm_2,,,{MARK}\n".encode(),
        "rows.csv, line 1: column 1 does not have the name of a field (4 of 5)",
    ),
    "labels for names": (
        f"Record ID,Event Name,Remarks\n1,6 Month,{MARK}\n".encode(),
        "line 1: column 1 does not have the name of a field (2 of 3); the first line must hold the names",
    ),
}


@pytest.mark.parametrize(("content", "reason"), BAD_TABLES.values(), ids=BAD_TABLES)
def test_a_file_that_is_no_table_is_refused(
    content: bytes,
    reason: str,
    desk: Desk,
    capstan: CommandLine,
    project: Project,
    original: tuple[bytes, list[dict[str, str]]],
) -> None:
    file = desk.write_file(content)

    said = capstan("import", file, "--study", "demo")

    assert said.code == 2
    assert reason in said.sentence
    assert said.out == ""
    assert project.state() == original
    assert_discreet(said, project.token)


def test_a_file_that_is_not_there_is_refused(desk: Desk, capstan: CommandLine) -> None:
    said = capstan("import", "none.csv", "--study", "demo")

    assert said.code == 2
    assert said.sentence == "none.csv: cannot be read (No such file or directory); check the name."


BAD_COLUMNS = {
    "an unknown column": (
        HEADER.strip() + ",exam_remark\n", f"17,6_month_arm_2,,,{MARK},{MARK}\n",
        "exam_remark: The data dictionary has no such field; did you mean exam_remarks?",
    ),
    "no event": (
        "record_id,exam_remarks\n", f"17,{MARK}\n",
        "redcap_event_name: The column is needed to say where each row belongs; add it.",
    ),
    "no record": (
        "redcap_event_name,exam_remarks\n", f"6_month_arm_2,{MARK}\n",
        "record_id: The column is needed to say where each row belongs; add it.",
    ),
    "no repeat columns": (
        "record_id,redcap_event_name,pfu_remarks\n", f"17,6_month_arm_2,{MARK}\n",
        "redcap_repeat_instrument: The column is needed to say where each row belongs; add it. (1 more reasons)",
    ),
    "a column twice": (
        HEADER.strip() + ",exam_remarks\n", f"17,6_month_arm_2,,,{MARK},{MARK}\n",
        "exam_remarks: The column stands in the table twice; remove one.",
    ),
    "a checkbox as a field": (
        HEADER.strip() + ",exam_findings\n", f"17,6_month_arm_2,,,{MARK},1\n",
        "exam_findings: The project has this field as exam_findings___1, exam_findings___2",
    ),
}  # fmt: skip


@pytest.mark.parametrize(("header", "row", "reason"), BAD_COLUMNS.values(), ids=BAD_COLUMNS)
def test_a_table_whose_columns_do_not_fit_is_refused_as_a_whole(
    header: str,
    row: str,
    reason: str,
    desk: Desk,
    capstan: CommandLine,
    project: Project,
    original: tuple[bytes, list[dict[str, str]]],
) -> None:
    file = desk.write_file(header + row)

    said = capstan("import", file, "--study", "demo")

    assert said.code == 3
    assert said.sentence.startswith(f"refused, nothing was written: {reason}")
    assert project.state() == original
    assert_discreet(said, project.token)


@pytest.mark.parametrize("separator", ["\x0c", "\u2028", "\x85", "\x1e"])
def test_only_line_breaks_end_a_row(
    separator: str, desk: Desk, capstan: CommandLine, project: Project
) -> None:
    key = exam_rows(project, count=1).partition(MARK)[0]
    file = desk.write_file(f"{HEADER}{key}one{separator}two\n")

    said = capstan("import", file, "--study", "demo", "--dry-run", "--json")

    assert json.loads(said.out)["rows_in"] == 1


# Projects without participants.


@pytest.mark.parametrize("flow", ["compute_visit_dates", "check_eligibility", "poll_participants"])
def test_a_project_without_records_is_refused_rather_than_done(
    flow: str, addresses: dict[str, Any], desk: Desk, capstan: CommandLine
) -> None:
    empty = load(addresses, xml=project_xml(TODAY, participants=0), title=TITLE)
    open_on(desk, empty)

    said = capstan("run", flow, "--study", "demo")

    assert said.code == 3
    assert said.sentence.startswith("The export of study demo has no records (so there is nothing to compute")
    assert "Check in REDCap whether they were deleted" in said.sentence


@pytest.mark.parametrize("command", ["run", "import"])
def test_a_project_that_has_lost_its_records_is_refused(
    command: str, own: Project, desk: Desk, capstan: CommandLine
) -> None:
    seen = capstan(*COMPUTE, "--dry-run")
    ids = sorted({row["record_id"] for row in own.rows(fields="record_id")})
    gone = {f"records[{position}]": name for position, name in enumerate(ids)}
    own.call(content="record", action="delete", **gone)

    said = capstan(*words(command, desk))

    assert seen.code == 0
    assert said.code == 3
    assert "has no records (it had 30 before)" in said.sentence


# Flows and parameters.


@pytest.mark.parametrize(
    ("spoken", "reason"),
    [
        (("run", "send_money", "--study", "demo"), "There is no flow 'send_money'; the flows are poll_"),
        ((*COMPUTE, "-p", "colour=red"), "compute-visit-dates has no parameter 'colour'; it has dry_run,"),
        ((*COMPUTE, "-p", "max_share=lots"), "the parameter max_share: Input should be a valid number"),
        ((*COMPUTE, "-p", "max_share=1.5"), "the parameter max_share: Input should be less than or equal to 1"),
        ((*COMPUTE, "-p", "max_records=-1"), "the parameter max_records: Input should be greater than or equal"),
        ((*COMPUTE, "-p", "max_records="), "the parameter max_records: Input should be a valid integer"),
        ((*COMPUTE, "-p", "max_records={"), "the parameter max_records: Input should be a valid integer"),
        ((*COMPUTE, "-p", "today=2026-02-30"), "the parameter today: Input should be a valid date"),
        ((*COMPUTE, "-p", "max_share"), "-p max_share: write it as key=value."),
        (("import", "rows.csv", "--study", "demo", "-p", "max_blanked=some"), "the parameter max_blanked:"),
        (("run", "import_records", "--study", "demo"), "needs the parameter file; give it with -p file=VALUE"),
        (("run", "compute_visit_dates"), "Say for which study"),
    ],
)  # fmt: skip
def test_a_flow_or_a_parameter_that_is_wrong_is_said(
    spoken: tuple[str, ...], reason: str, desk: Desk, capstan: CommandLine
) -> None:
    said = capstan(*spoken)

    assert said.code == 2
    assert reason in said.sentence
    assert said.out == ""


@pytest.mark.parametrize("spoken", [("run",), ("import",), ("fly",), ("run", "--fast")])
def test_words_that_are_no_command_are_answered_with_the_usage(
    spoken: tuple[str, ...], desk: Desk, capstan: CommandLine
) -> None:
    said = capstan(*spoken)

    assert said.code == 2
    assert "Usage: " in said.err
    assert "Traceback" not in said.err


# The journal.


@pytest.mark.parametrize("action", ["show", "revert"])
@pytest.mark.parametrize("name", ["20990101", "", "%"])
def test_a_run_that_is_not_there_is_said(action: str, name: str, desk: Desk, capstan: CommandLine) -> None:
    said = capstan("journal", action, name)

    assert said.code == 2
    assert said.sentence == (
        f"There is no run {name!r} in this store. `capstan journal list` lists the runs."
    )


@pytest.mark.parametrize("dry_run", [[], ["--dry-run"]])
def test_a_run_that_wrote_nothing_cannot_be_reverted(
    dry_run: list[str],
    desk: Desk,
    capstan: CommandLine,
    project: Project,
    original: tuple[bytes, list[dict[str, str]]],
) -> None:
    tried = capstan(*words("import", desk), "--dry-run", "--json")
    run = json.loads(tried.out)["run"]

    said = capstan("journal", "revert", run, *dry_run)

    assert said.code == 3
    assert said.sentence == f"Run {run} wrote nothing, so there is nothing to revert."
    assert project.state() == original


def test_a_second_run_is_refused_while_another_process_has_one_open(
    desk: Desk,
    capstan: CommandLine,
    project: Project,
    original: tuple[bytes, list[dict[str, str]]],
) -> None:
    desk.set("CAPSTAN_WAIT_MINUTES", "0")
    with job("demo", flow="compute_visit_dates", dry_run=False):
        said = capstan(*words("import", desk))

    assert said.code == 3
    assert "Other runs of study demo were open" in said.sentence
    assert project.state() == original
    assert_discreet(said, project.token)


def test_a_value_that_looks_like_markup_can_be_shown(own: Project, desk: Desk, capstan: CommandLine) -> None:
    key = exam_rows(own, count=1).partition(MARK)[0]
    file = desk.write_file(f"{HEADER}{key}[/b] and [red]\n")
    run = json.loads(capstan("import", file, "--study", "demo", "--json").out)["run"]

    said = capstan("journal", "show", run)

    assert said.code == 0
    assert "[/b]" in said.out


# Rights.


def test_a_token_without_the_import_right_writes_nothing_and_the_right_one_goes_on(
    own: Project, desk: Desk, capstan: CommandLine
) -> None:
    before = own.state()
    reader = own.order("tokens", username="reader", rights={"api_import": 0})["token"]
    desk.set("REDCAP_API_DEMO", reader)

    said = capstan(*words("import", desk))
    unchanged = own.state() == before
    desk.set("REDCAP_API_DEMO", own.token)
    again = capstan(*words("import", desk), "--json")

    assert said.code == 1
    assert "ask the project's owner to grant" in said.sentence
    assert unchanged
    assert again.code == 0
    assert json.loads(again.out)["cells_written"] == 2
    assert_discreet(said, reader)


def test_a_token_without_the_export_right_is_said(own: Project, desk: Desk, capstan: CommandLine) -> None:
    blind = own.order("tokens", username="blind", rights={"api_export": 0})["token"]
    desk.set("REDCAP_API_DEMO", blind)

    said = capstan(*words("run", desk))

    assert said.code == 1
    assert "ask the project's owner to grant" in said.sentence
    assert_discreet(said, blind)


# What the gate decides.


def test_an_import_above_the_limits_is_held(
    desk: Desk,
    capstan: CommandLine,
    project: Project,
    original: tuple[bytes, list[dict[str, str]]],
) -> None:
    said = capstan(*words("import", desk), "-p", "max_records=1")

    assert said.code == 3
    sentence, _, look = said.sentence.partition(" `capstan plan show ")
    assert sentence == (
        "held, nothing was written: 2 records would change, the limit is 1; send less at once, or raise "
        "max_records for this run."
    )
    assert re.fullmatch("[0-9a-f]{12}` shows it[.]", look)
    assert project.state() == original
    assert_discreet(said, project.token)


def test_an_import_of_good_and_bad_rows_is_partly_done_and_can_be_undone(
    own: Project, desk: Desk, capstan: CommandLine
) -> None:
    before = own.export()
    bad = f"90210,6_month_arm_2,,,{MARK}\n1,baseline_arm_1,,,{MARK}\n"
    file = desk.write_file(HEADER + exam_rows(own, count=2) + bad)

    said = capstan("import", file, "--study", "demo")
    done = capstan("import", file, "--study", "demo", "--json")
    run = run_of(capstan, state="done")
    reverted = capstan("journal", "revert", run)

    assert said.code == 4
    assert said.sentence.startswith(
        "rows were stopped (field_not_in_event 1, record_unknown 1), the others were written"
    )
    assert "90210" in said.out
    assert done.code == 3
    assert json.loads(done.out)["cells_planned"] == 0
    assert {(row["record"], row["field"]) for row in json.loads(done.out)["rejected"]} == {
        ("90210", ""),
        ("1", "exam_remarks"),
    }
    assert reverted.code == 0
    assert own.export() == before
    assert_discreet(said, own.token)
    assert_discreet(done, own.token)


def test_an_import_of_which_every_row_is_stopped_writes_nothing(
    desk: Desk,
    capstan: CommandLine,
    project: Project,
    original: tuple[bytes, list[dict[str, str]]],
) -> None:
    file = desk.write_file(
        HEADER.strip() + ",exam_place,exam_num_teeth\n"
        f"1,9_month_arm_2,,,{MARK},,\n{exam_rows(project, count=1).strip()},{MARK},{MARK}\n"
    )

    said = capstan("import", file, "--study", "demo")

    assert said.code == 3
    assert said.sentence.startswith(
        "rows were stopped (choice_unknown 1, event_unknown 1, type_mismatch 1), nothing was written"
    )
    assert project.state() == original
    assert_discreet(said, project.token)


def test_a_revert_that_meets_other_edits_is_partly_done(
    own: Project, desk: Desk, capstan: CommandLine
) -> None:
    capstan(*words("import", desk))
    record, event, *_ = exam_rows(own, count=1).split(",")
    own.order("cells", record=record, event=event, field="exam_remarks", value="edited since")

    said = capstan("journal", "revert", run_of(capstan, state="done"))

    assert said.code == 4
    assert said.sentence.startswith("somebody changed cells (1) since run ")


def run_of(capstan: CommandLine, *, state: str) -> str:
    """The newest run that ended in some state, or partly."""
    runs = json.loads(capstan("journal", "list", "--json").out)["runs"]
    return next(
        run["id"] for run in runs if run["state"] in (state, "partly") and run["counts"].get("cells_written")
    )


# In processes of their own.


@pytest.mark.parametrize(
    ("spoken", "code", "reason"),
    [
        (("import", "rows.csv", "--study", "demo", "-p", "max_records=1"), 3, "held, nothing was written"),
        (("import", "bad.csv", "--study", "demo"), 3, "refused, nothing was written: nonsense:"),
    ],
)
def test_a_process_ends_with_the_same_sentence_and_code(
    spoken: tuple[str, ...], code: int, reason: str, desk: Desk, project: Project
) -> None:
    desk.write_file(f"record_id,redcap_event_name,nonsense\n1,baseline_arm_1,{MARK}\n", name="bad.csv")
    command = [sys.executable, "-c", "from cli.main import main; main()", *spoken]

    ended = subprocess.run(
        command, cwd=desk.folder, env={**os.environ, "PYTHONPATH": str(ROOT)}, capture_output=True, text=True
    )

    said = Said(ended.returncode, ended.stdout, ended.stderr)
    assert said.code == code
    assert reason in said.sentence
    assert_discreet(said, project.token)
