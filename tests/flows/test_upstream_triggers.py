"""What the scanning lab's dashboard did when REDCap posted a trigger, and what it should have done."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from coverage_study import BASELINE, MONTH_6, Coverage, make_coverage
from cryptography.fernet import Fernet

from capstan.settings import load_settings
from capstan.store import (
    Choice,
    KeptRecord,
    Store,
    find_session,
    keep_item,
    list_items,
    list_sessions,
    list_waits,
    load_keys,
)
from cli.calling import call_here

ID = "DTI01_CMH_H001_01_01"
BODY = """
triggers:
  - {instrument: scan, session_id: scan_id, date: scan_date, comment: scan_comment, expects: scan_data}
sessions: {sites: [{site: CMH, code: DTI01}]}
monitors:
  - {id: scan_data, then: {data: archive}, after: 48 hours, notify: [staff]}
probes:
  - {id: archive, root: %s, folder: "{session}"}
notify: {staff: {email: [ann@example.org]}}
messaging: {email: {host: localhost, sender: study@example.org}}
"""


@pytest.fixture(scope="module")
def made(addresses: dict[str, Any], tmp_path_factory: pytest.TempPathFactory) -> Coverage:
    folder = tmp_path_factory.mktemp("scans")
    return make_coverage(folder, addresses, body=BODY % folder)


@pytest.fixture
def scans(made: Coverage, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Coverage:
    """The project without any record, and an empty store."""
    for name, value in made.study.environment.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("CAPSTAN_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("CAPSTAN_KEY", Fernet.generate_key().decode())
    monkeypatch.delenv("PREFECT_API_URL", raising=False)
    known = {one["record_id"] for one in made.call(content="record", fields="record_id")}
    for record in known:
        made.call(content="record", action="delete", **{"records[0]": record})
    return made


@pytest.fixture
def store(scans: Coverage) -> Iterator[Store]:
    settings = load_settings()
    with Store.open(settings.store_url, load_keys(settings.key, home=settings.home)) as opened:
        yield opened


def post(scans: Coverage, store: Store, record: str = "1", *, event: str = BASELINE, **changes: str) -> str:
    """REDCap posts a trigger and it is worked on; returns what was written down of it."""
    root = scans.study.url.removesuffix("api/")
    version = changes.pop("version", "13.1.2")
    form = {
        "project_id": str(scans.study.project_id),
        "redcap_url": root,
        "project_url": f"{root}redcap_v{version}/index.php?pid={scans.study.project_id}",
        "record": record,
        "redcap_event_name": event,
        "instrument": "scan",
        "scan_complete": "2",
        "username": "ann",
    }
    told = {name: text for name, text in (form | changes).items() if text}
    keep_item(store, study="trial", source="redcap", form=told, now=datetime.now(UTC))
    call_here("ingest_triggers", {"study": "trial"})
    newest = list_items(store, Choice(study="trial"))[0]
    return f"{newest.status}: {newest.reason}"


def scan(scans: Coverage, record: str = "1", session_id: str = ID, **changes: Any) -> None:
    """Somebody fills in a scan form in REDCap."""
    form = {"scan_id": session_id, "scan_date": "2026-11-20", "scan_complete": "2", "scan_comment": ""}
    scans.load(record, **form | changes)


def record_of(store: Store, label: str = ID) -> KeptRecord | None:
    session = find_session(store, "trial", label)
    return session.record if session else None


def test_a_trigger_adds_the_record_and_its_session(scans: Coverage, store: Store) -> None:
    scan(scans, scan_comment="all well")

    assert post(scans, store) == "loaded: "

    record = record_of(store)
    assert (record.record, record.event, record.instrument) == ("1", BASELINE, "scan")
    assert (record.content.comment, record.content.date, record.content.user) == (
        "all well",
        "2026-11-20",
        "ann",
    )


def test_what_a_trigger_says_is_not_believed_but_looked_up(scans: Coverage, store: Store) -> None:
    scan(scans, scan_complete="1")

    post(scans, store, scan_id="DTI01_CMH_H009_01_01")

    assert list_sessions(store, "trial") == ()


@pytest.mark.parametrize("missing", ["record", "project_id", "redcap_url", "instrument", "project_url"])
def test_a_malformed_trigger_is_written_down_and_does_nothing(
    missing: str, scans: Coverage, store: Store
) -> None:
    scan(scans)

    assert "not a trigger" in post(scans, store, **{missing: ""})
    assert list_sessions(store, "trial") == ()


@pytest.mark.parametrize(
    "odd", [{"project_id": "999"}, {"instrument": "start"}, {"redcap_url": "https://other.test/"}]
)
def test_a_trigger_of_another_project_server_or_instrument_is_passed_over(
    odd: dict[str, str], scans: Coverage, store: Store
) -> None:
    scan(scans)

    assert post(scans, store, **odd).startswith("skipped: ")
    assert list_sessions(store, "trial") == ()


def test_a_form_that_is_not_completed_is_passed_over(scans: Coverage, store: Store) -> None:
    scan(scans, scan_complete="0")

    assert post(scans, store, scan_complete="0") == "skipped: the form is not completed"
    assert list_sessions(store, "trial") == ()


def test_a_status_that_the_trigger_does_not_tell_is_taken_from_the_record(
    scans: Coverage, store: Store
) -> None:
    scan(scans)

    assert post(scans, store, scan_complete="") == "loaded: "


def test_a_record_that_redcap_does_not_have_is_passed_over(scans: Coverage, store: Store) -> None:
    scan(scans)

    assert post(scans, store, "2") == "skipped: the record is gone"


def test_several_rows_are_told_apart_by_the_instance_and_never_guessed(scans: Coverage, store: Store) -> None:
    scan(scans, event=MONTH_6, instance=1)
    scan(scans, session_id="DTI01_CMH_H001_01_02", event=MONTH_6, instance=2)

    repeats = {"event": MONTH_6, "redcap_repeat_instrument": "scan"}
    assert "several rows" in post(scans, store, **repeats)
    assert post(scans, store, **repeats, redcap_repeat_instance="2") == "loaded: "

    assert [str(one.key) for one in list_sessions(store, "trial")] == ["DTI01_CMH_H001_01_02"]


def test_a_trigger_that_is_sent_again_updates_the_record_and_its_version(
    scans: Coverage, store: Store
) -> None:
    scan(scans, scan_comment="first")
    post(scans, store, version="13.1.2")
    scans.save("1", scan_comment="", scan_date="2026-11-21")

    post(scans, store, version="15.0.0")

    record = record_of(store)
    assert len(list_sessions(store, "trial")) == 1
    assert (record.version, record.content.comment, record.content.date) == ("15.0.0", "", "2026-11-21")


def test_a_trigger_sets_the_id_of_its_event(scans: Coverage, store: Store) -> None:
    scan(scans)

    post(scans, store)

    ids = {one["unique_event_name"]: str(one["event_id"]) for one in scans.call(content="event")}
    assert record_of(store).event_id == ids[BASELINE]


def test_a_form_opens_one_monitor_however_often_it_is_saved(scans: Coverage, store: Store) -> None:
    scan(scans)

    for version in ("13.1.2", "13.1.3", "13.1.4"):
        post(scans, store, version=version)

    assert [(wait.monitor, wait.session) for wait in list_waits(store, "trial")] == [("scan_data", ID)]


def test_a_form_whose_id_cannot_be_read_opens_no_monitor(scans: Coverage, store: Store) -> None:
    scan(scans, session_id="nonsense")

    assert post(scans, store).startswith("skipped: This is no session id.")
    assert list_waits(store, "trial") == ()


def test_a_form_that_conflicts_waits_and_opens_no_monitor(scans: Coverage, store: Store) -> None:
    scan(scans, "1")
    scan(scans, "2")
    post(scans, store, "1")

    assert "Another record is linked" in post(scans, store, "2")
    assert len(list_waits(store, "trial")) == 1
