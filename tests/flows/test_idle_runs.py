"""A run that finds nothing to do costs little, and what it left out is made up for as soon as there is something."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import requests
from demo_trial import make_demo_trial, server_clock
from live_study import LiveStudy

from capstan.errors import StudyError
from capstan.store import list_runs, write_watermark
from flows.check_deliveries import check_deliveries
from flows.check_replies import check_replies
from flows.poll_participants import poll_participants
from tasks.connections import open_project
from tasks.redcap import list_records

CHANGE = {"record_id": "7", "redcap_event_name": "baseline_arm_1", "part_age": "17"}


@pytest.fixture
def polled(addresses: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> LiveStudy:
    """The demo study after a poll, long after which nobody has saved anything."""
    study = make_demo_trial(tmp_path / "home", addresses, monkeypatch)
    with server_clock(addresses, "2020-01-01 12:00:00"):
        poll_participants.fn("demo")
    for name in ("TWILIO_URL", "TWILIO_ACCOUNT_SID", "TWILIO_AUTH_TOKEN"):
        monkeypatch.setenv(name, addresses[name.lower()])
    requests.delete(f"{addresses['control_url']}requests", timeout=30).raise_for_status()
    return study


def asked(addresses: dict[str, Any]) -> list[str]:
    """What REDCap was asked for."""
    return [one["content"] for one in requests.get(f"{addresses['control_url']}requests", timeout=30).json()]


def save(study: LiveStudy, addresses: dict[str, Any]) -> None:
    with server_clock(addresses, "2036-01-01 12:00:00"):
        assert study.call(content="record", format="json", data=json.dumps([CHANGE])).ok


def drop_field(study: LiveStudy, name: str) -> None:
    fields = study.call(content="metadata", format="json").json()
    kept = [field for field in fields if field["field_name"] != name]
    assert study.call(content="metadata", format="json", data=json.dumps(kept)).ok


def test_a_poll_asks_only_whose_project_it_is_which_records_there_are_and_which_changed(
    polled: LiveStudy, addresses: dict[str, Any]
) -> None:
    said = poll_participants.fn("demo")

    assert said["outcome"] == "idle"
    assert asked(addresses) == ["project", "record", "record"]


def test_flows_of_messages_with_nothing_to_write_down_ask_whose_project_it_is(
    polled: LiveStudy, addresses: dict[str, Any]
) -> None:
    outcomes = [flow.fn("demo")["outcome"] for flow in (check_deliveries, check_replies)]

    assert outcomes == ["idle", "idle"]
    assert asked(addresses) == ["project", "project"]


def test_a_poll_with_something_to_do_is_refused_for_rules_that_do_not_fit_any_more(
    polled: LiveStudy, addresses: dict[str, Any]
) -> None:
    drop_field(polled, "part_age")
    idle = poll_participants.fn("demo")
    with server_clock(addresses, "2036-01-01 12:00:00"):
        change = {name: value for name, value in CHANGE.items() if name != "part_age"}
        change["part_first_name"] = "Ann"
        assert polled.call(content="record", format="json", data=json.dumps([change])).ok

    with pytest.raises(StudyError, match="part_age"):
        poll_participants.fn("demo")

    assert idle["outcome"] == "idle"


def test_a_poll_with_something_to_do_says_what_was_redesigned(
    polled: LiveStudy, addresses: dict[str, Any]
) -> None:
    fields = polled.call(content="metadata", format="json").json()
    fields[-1]["field_label"] = "In words"
    assert polled.call(content="metadata", format="json", data=json.dumps(fields)).ok
    idle = poll_participants.fn("demo")
    save(polled, addresses)

    busy, again = poll_participants.fn("demo"), poll_participants.fn("demo")

    assert "project_changes" not in idle
    assert busy["project_changes"] == [f"{fields[-1]['field_name']}: label only"]
    assert "project_changes" not in again


def test_a_record_id_field_that_got_another_name_is_found(polled: LiveStudy) -> None:
    live = open_project("demo", looks_later=True)
    then = live.last_structure
    first = replace(then.dictionary.fields[0], name="old_name")
    dictionary = replace(then.dictionary, fields=(first, *then.dictionary.fields[1:]))
    text = replace(then, dictionary=dictionary).to_text()
    write_watermark(live.store, "demo", name=live.watermark("structure"), value=text, now=datetime.now(UTC))
    live.close()

    again = open_project("demo", looks_later=True)
    before, records = again.record_field, list_records(again)
    again.close()

    assert (before, again.record_field, len(records)) == ("old_name", "record_id", 60)


def test_every_idle_run_is_in_the_journal(polled: LiveStudy) -> None:
    said = poll_participants.fn("demo")

    live = open_project("demo", looks_later=True)
    newest = list_runs(live.store, study="demo")[0]
    live.close()
    assert (newest.id, newest.state) == (said["run"], "idle")


def test_flows_are_imported_without_prefect_and_become_its_flows_when_it_asks() -> None:
    code = (
        "import sys\n"
        "from flows.poll_participants import poll_participants as flow\n"
        "before = 'prefect' in sys.modules\n"
        "from prefect import Flow\n"
        "from prefect.flows import load_flow_from_entrypoint\n"
        "same = load_flow_from_entrypoint('flows.poll_participants.poll_participants')\n"
        "print(before, isinstance(flow, Flow), same.name, 'study' in flow.parameters.properties)"
    )

    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert said.stdout.split() == ["False", "True", "poll-participants", "True"]
