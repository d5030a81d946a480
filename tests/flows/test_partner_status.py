"""Partners' rosters: compared with REDCap, written through the gate, and each oddity said in one sentence."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from command_line import CommandLine
from live_study import LiveStudy
from trial_study import edit, held, make_trial

import tasks.rosters
from capstan.errors import CapstanError, PartnerUnavailable, Refused, UsageError
from capstan.store import Asking, add_asked, find_run, list_runs, read_asked, read_verdicts
from capstan.verdict import Severity, of_severity
from cli.calling import call_flow
from cli.stores import open_store_here

TOKEN = "xsecretx"
BODY = """
arms: {{shared: [1], assigned_by: {{event: baseline_arm_1, field: rand_color}}}}
partners:
  - name: agile
    {source}
    participant: Participant ID
    {field}
    compare:
      - {{column: Status, event: baseline_arm_1, field: part_withdrawn, values: {{active: "0", left: "1"}}}}
      - {{column: Guardian, event: baseline_arm_1, field: part_guardian_name}}
writes: {{allow: [participant_info], limits: {{records: 200, share: 1}}}}
"""


@dataclass
class Server:
    """A partner's server, with what it answers and what it was asked."""

    url: str = ""
    status: int = 200
    body: bytes = b""
    headers: dict[str, str] = field(default_factory=dict)
    delay_seconds: float = 0
    cut: bool = False
    asked: list[dict[str, str]] = field(default_factory=list)


@pytest.fixture
def partner() -> Iterator[Server]:
    told = Server()

    class Answer(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            told.asked.append(dict(self.headers))
            time.sleep(told.delay_seconds)
            self.send_response(told.status)
            for name, value in told.headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(told.body) + 10 * told.cut))
            self.end_headers()
            self.wfile.write(told.body)

        def log_message(self, *_: Any) -> None:
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Answer) as server:
        told.url = f"http://127.0.0.1:{server.server_port}/roster?key=xkeyx"
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield told
        server.shutdown()
        thread.join()


@pytest.fixture
def study(
    partner: Server, tmp_path: Path, addresses: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> LiveStudy:
    source = f'url: "{partner.url}"\n    token: {{env: PARTNER_TOKEN}}'
    monkeypatch.setenv("PARTNER_TOKEN", TOKEN)
    body = BODY.format(source=source, field="")
    return made_ready(make_trial(tmp_path, addresses, monkeypatch, body=body), addresses)


def made_ready(study: LiveStudy, addresses: dict[str, Any]) -> LiveStudy:
    for record in "123":
        edit(addresses, study, record, "part_withdrawn", "0")
        edit(addresses, study, record, "part_guardian_name", "Ann Lee")
    return study


def roster(*rows: str, head: str = "Participant ID,Status,Guardian,Other") -> bytes:
    return "\r\n".join([head, *rows, ""]).encode()


def check(study: LiveStudy, **parameters: Any) -> dict[str, Any]:
    return call_flow("check_partner_status", {"study": study.name, **parameters})


def said(summary: dict[str, Any]) -> set[tuple[str, str]]:
    with open_store_here() as store:
        found = read_verdicts(store, find_run(store, summary["run"]))
    return set(of_severity(found, Severity.ERROR)[["record", "check"]].itertuples(index=False, name=None))


def test_what_differs_is_counted_and_written_and_then_nothing_differs(
    study: LiveStudy, partner: Server
) -> None:
    partner.body = roster("1,left,Ann Lee,x", "2,active,Zoë Lee,x", "3,active,,x")

    first, second = check(study), check(study)

    assert first["outcome"] == "done"
    assert first["differences"] == {"part_guardian_name": 1, "part_withdrawn": 1}
    assert first["roster of agile"] | {"not in the roster": 0} == {
        "rows": 3,
        "without an id": 0,
        "compared": 3,
        "unknown": 0,
        "not in the roster": 0,
    }
    assert held(study, "1", "part_withdrawn") == "1"
    assert held(study, "2", "part_guardian_name") == "Zoë Lee"
    assert held(study, "3", "part_guardian_name") == "Ann Lee"
    assert (second["outcome"], second["differences"]) == ("idle", {})


def test_the_token_goes_along_as_a_bearer(study: LiveStudy, partner: Server) -> None:
    partner.body = roster("1,active,,")

    check(study, dry_run=True)

    assert partner.asked[0]["Authorization"] == f"Bearer {TOKEN}"


def test_a_dry_run_writes_nothing(study: LiveStudy, partner: Server) -> None:
    partner.body = roster("1,left,,")
    before = study.export()

    summary = check(study, dry_run=True)

    assert summary["differences"] == {"part_withdrawn": 1}
    assert study.export() == before


def test_json_says_the_same(study: LiveStudy, partner: Server) -> None:
    rows = [{"Participant ID": 1, "Status": "left", "Guardian": None}, {"Participant ID": 2, "Status": ""}]
    partner.body = json.dumps(rows).encode()

    summary = check(study)

    assert summary["differences"] == {"part_withdrawn": 1}
    assert held(study, "1", "part_withdrawn") == "1"


@pytest.mark.parametrize("semicolons", [False, True])
def test_spreadsheets_ways_of_writing_csv_are_read(
    semicolons: bool, study: LiveStudy, partner: Server
) -> None:
    text = b"\xef\xbb\xbf" + roster(' 1 ,left,"Lee, Ann",', "", "2,active,,")
    partner.body = text.replace(b'"Lee, Ann"', b"Lee").replace(b",", b";") if semicolons else text

    assert check(study)["differences"] == {"part_guardian_name": 1, "part_withdrawn": 1}


def test_each_odd_row_is_told_by_its_check_and_the_others_are_written(
    study: LiveStudy, partner: Server
) -> None:
    partner.body = roster(
        "1,left,Ann Lee,", "2,left,,", "2,active,,", "3,asleep,,", "999,left,,", ",left,,", "1,left,Ann Lee,x"
    )

    summary = check(study)

    assert said(summary) == {("2", "roster_contradiction"), ("3", "roster_value"), ("999", "roster_unknown")}
    assert summary["rows_stopped"] == {"roster_contradiction": 1, "roster_unknown": 1, "roster_value": 1}
    assert (summary["cells_written"], summary["roster of agile"]["without an id"]) == (1, 1)
    assert held(study, "1", "part_withdrawn") == "1"


def test_a_field_may_say_who_is_who_and_then_absent_and_shared_ids_are_told(
    partner: Server, tmp_path: Path, addresses: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    body = BODY.format(source="file: agile.csv", field="event: baseline_arm_1\n    field: part_last_name")
    study = made_ready(make_trial(tmp_path, addresses, monkeypatch, body=body), addresses)
    for row in study.call(content="record", format="json", fields="record_id,part_last_name").json():
        if row["redcap_event_name"] == "baseline_arm_1":
            name = {"1": "K-1", "2": "K-2", "3": "K-3", "4": "K-3"}.get(row["record_id"], "")
            edit(addresses, study, row["record_id"], "part_last_name", name)
    (study.folder / "agile.csv").write_bytes(roster("K-1,left,,", "K-3,left,,"))

    summary = check(study)

    assert said(summary) == {("2", "roster_absent"), ("3", "roster_shared"), ("4", "roster_shared")}
    assert held(study, "1", "part_withdrawn") == "1"
    assert held(study, "3", "part_withdrawn") == "0"


BAD = [
    (roster(), "has no rows"),
    (b"", "has no column 'Participant ID'"),
    (b"[]", "has no column 'Participant ID'"),
    (roster("1,left", head="Participant ID,Status"), "has no column 'Guardian'"),
    (roster("1,left,x,y", head="Participant ID,Status,Guardian,Status"), "has two columns 'Status'"),
    (b"<!DOCTYPE html><title>Please log in</title>", "is a web page"),
    (roster("1,left,Ann"), "line 2: it has 3 cells"),
    (roster('1,left,"Ann,x'), "not readable as CSV"),
    ("Participant ID,Status,Guardian\n1,left,Zoë".encode("latin-1"), "is not UTF-8"),
    (b'{"error": "x"}', "is no JSON list"),
    (b'[{"Participant ID": "1", "Status": {"a": 1}}]', "is no JSON list"),
    (b"[", "is no JSON list"),
]


@pytest.mark.parametrize(("body", "text"), BAD)
def test_what_is_no_roster_is_refused_in_one_sentence(
    body: bytes, text: str, study: LiveStudy, partner: Server
) -> None:
    partner.body = body
    before = study.export()

    with pytest.raises(Refused) as refused:
        check(study)

    assert text in str(refused.value)
    assert study.export() == before


ANSWERS = [
    (301, Refused, "has another address now"),
    (401, UsageError, "refused the token"),
    (403, UsageError, "refused the token"),
    (404, Refused, "There is no roster of agile"),
    (429, PartnerUnavailable, "run again later"),
    (500, PartnerUnavailable, "failed (500)"),
    (503, PartnerUnavailable, "failed (503)"),
]


@pytest.mark.parametrize(("status", "kind", "text"), ANSWERS)
def test_an_answer_without_a_roster_says_what_to_do(
    status: int, kind: type[CapstanError], text: str, study: LiveStudy, partner: Server
) -> None:
    partner.status, partner.body = status, roster("1,left,,")
    partner.headers = {"Location": partner.url}

    with pytest.raises(kind) as refused:
        check(study)

    assert text in str(refused.value)
    assert len(partner.asked) == 1
    assert not any(secret in str(refused.value) for secret in (TOKEN, "xkeyx", "left"))


def test_a_server_that_is_slow_cut_off_or_gone_is_said_without_its_address(
    study: LiveStudy, partner: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    texts = []
    monkeypatch.setattr(tasks.rosters, "TIMEOUT_SECONDS", (0.2, 0.2))
    partner.body = roster("1,left,,")
    for changes in ({"delay_seconds": 0.5}, {"delay_seconds": 0, "cut": True}):
        vars(partner).update(changes)
        with pytest.raises(PartnerUnavailable) as late:
            check(study)
        texts.append(str(late.value))
    file = study.folder / "study.yaml"
    file.write_text(file.read_text().replace(partner.url, "http://127.0.0.1:9/?key=xkeyx"))

    with pytest.raises(PartnerUnavailable) as gone:
        check(study)

    assert texts == [
        "The roster of agile did not come in time; run again later.",
        "The server with the roster of agile cannot be reached; run again later.",
    ]
    assert "xkeyx" not in str(gone.value)


def test_a_roster_without_end_is_refused(
    study: LiveStudy, partner: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tasks.rosters, "MAX_BYTES", 1000)
    partner.body = roster(*["1,left,,"] * 1000)

    with pytest.raises(Refused, match="is larger than"):
        check(study)


def test_a_roster_file_that_is_absent_is_named(
    tmp_path: Path, addresses: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    body = BODY.format(source="file: agile.csv", field="")
    study = make_trial(tmp_path, addresses, monkeypatch, body=body)

    with pytest.raises(UsageError, match=r"cannot be read \(No such file"):
        check(study)


def test_a_run_for_one_partner_strikes_off_what_this_one_told_alone(
    study: LiveStudy, partner: Server
) -> None:
    partner.body = roster("1,active,,")
    asks = [Asking("check_partner_status", name) for name in ("agile", "other")]
    with open_store_here() as store, store.write() as connection:
        add_asked(store, connection, study.name, asks=asks, now=datetime.now(UTC))
    check(study, partner="agile")
    with open_store_here() as store:
        left = [one.record for one in read_asked(store, study.name, flow="check_partner_status")]
    check(study)

    assert left == ["other"]
    with open_store_here() as store:
        assert read_asked(store, study.name, flow="check_partner_status") == ()


def test_an_unknown_partner_is_refused_with_the_names_there_are(study: LiveStudy) -> None:
    with pytest.raises(UsageError, match=r"found: agile"):
        check(study, partner="other")


def test_the_rows_are_shown_in_the_terminal_only(
    study: LiveStudy, partner: Server, capstan: CommandLine
) -> None:
    partner.body = roster("1,left,Zora,", "999,left,,")

    ran = capstan("run", "check_partner_status", "--study", study.name)
    with open_store_here() as store:
        (run,) = list_runs(store)
    shown = capstan("journal", "show", run.id)

    assert ran.code == 4
    assert "Zora" not in ran.all
    assert "Zora" in shown.out
    assert "999" in shown.out


@pytest.mark.parametrize(
    ("body", "said"), [(roster("1,left,,"), "agile: 1 rows"), (b"<html>", "is a web page")]
)
def test_the_doctor_looks_at_the_roster(
    body: bytes, said: str, study: LiveStudy, partner: Server, capstan: CommandLine
) -> None:
    partner.body = body

    assert said in " ".join(capstan("doctor", study.name).out.split())
