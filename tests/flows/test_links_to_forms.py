"""Links to forms: whoever reads that a cell was stopped opens its form with one click."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
import requests
from command_line import CommandLine
from live_study import LiveStudy
from message_study import make_message_study
from trial_study import BODY, make_trial, rows_file

from capstan.settings import load_settings
from capstan.store import Store, form_address, load_keys, read_reference
from capstan.study import read_study
from capstan.triggers import Place
from cli.calling import call_here
from flows.import_records import import_records
from tasks.form_links import staff_link

BAD = "2,Ben,PLANTED"


@pytest.fixture
def study(addresses: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> LiveStudy:
    return make_trial(tmp_path, addresses, monkeypatch, body=BODY)


def told(capstan: CommandLine, *words: str) -> dict[str, Any]:
    return dict(json.loads(capstan(*words, "--json").out))


def test_the_link_of_a_rejected_cell_opens_its_form(
    study: LiveStudy, tmp_path: Path, capstan: CommandLine
) -> None:
    (rejected,) = told(capstan, "import", rows_file(tmp_path, BAD), "--study", "trial")["rejected"]
    parts = urlsplit(rejected["link"])
    opened = requests.get(rejected["link"], timeout=30)

    assert rejected["link"].startswith(f"{study.url.removesuffix('api/')}redcap_v15.2.1/DataEntry/index.php?")
    assert parse_qs(parts.query)["page"] == ["participant_info"]
    assert opened.status_code == 200
    assert "value-part_age" in opened.text
    assert 'value="2"' in opened.text or "Record 2" in opened.text or ">2<" in opened.text


def test_every_list_of_what_was_stopped_has_the_link(
    study: LiveStudy, tmp_path: Path, capstan: CommandLine
) -> None:
    done = import_records.fn("trial", rows_file(tmp_path, "1,Ann,4", BAD), max_records=0)
    link = next(
        one["link"] for one in told(capstan, "journal", "show", done["run"])["verdicts"] if one["record"]
    )
    (item,) = told(capstan, "quarantine", "list")["items"]
    shown = told(capstan, "quarantine", "show", item["item"])
    plan = told(capstan, "plan", "show", done["plan"])

    assert link
    assert {one["link"] for one in (*item["verdicts"], *shown["verdicts"])} == {link}
    assert link in {one["link"] for one in plan["verdicts"]}


def test_a_place_in_a_terminal_opens_its_form_and_a_file_stays_plain(
    study: LiveStudy, tmp_path: Path, capstan: CommandLine, monkeypatch: pytest.MonkeyPatch
) -> None:
    from cli.showing import console

    file = rows_file(tmp_path, BAD)
    plain = capstan("import", file, "--study", "trial", "--dry-run").out
    monkeypatch.setattr(console, "_force_terminal", True)
    monkeypatch.setattr(console, "_color_system", 3)
    monkeypatch.setattr(console, "legacy_windows", False)
    shown = capstan("import", file, "--study", "trial", "--dry-run").out

    assert "redcap_v" not in plain
    assert "\x1b]8;" in shown
    assert "redcap_v15.2.1/DataEntry/index.php?pid=" in shown


def test_a_staff_link_names_nobody_and_leads_to_the_form_by_the_version_seen_last(
    study: LiveStudy, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CAPSTAN_PUBLIC_URL", "https://capstan.example.org/")
    import_records.fn("trial", rows_file(tmp_path, BAD))
    place = Place("2", "baseline_arm_1", "participant_info", "")
    with Store.open(f"sqlite:///{study.home / 'store.sqlite'}", load_keys(None, home=study.home)) as store:
        link = staff_link(store, read_study(study.folder), place=place, now=datetime.now(UTC))
        referred = read_reference(store, link.rpartition("/")[2])
        address = form_address(store, referred) if referred else ""

    assert link.startswith("https://capstan.example.org/records/")
    assert "value-part_age" in requests.get(address, timeout=30).text


def test_a_message_that_was_sent_leads_staff_to_its_participant(
    addresses: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capstan: CommandLine
) -> None:
    trial = make_message_study(tmp_path, addresses, monkeypatch)
    trial.phone("2", "206-555-0162")
    call_here("send_messages", {"study": "trial"})
    monkeypatch.setenv("CAPSTAN_PUBLIC_URL", "https://capstan.example.org")

    link = told(capstan, "messages", "show", "1")["link"]
    with Store.open(load_settings().store_url, load_keys(None, home=load_settings().home)) as store:
        referred = read_reference(store, link.rpartition("/")[2])
        address = form_address(store, referred) if referred else ""

    assert "/DataEntry/record_home.php?" in address
    assert "id=2&arm=" in address
    assert "Visit Tracking" in requests.get(address, timeout=30).text


def test_without_a_public_address_there_is_no_staff_link(
    study: LiveStudy, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("CAPSTAN_PUBLIC_URL", raising=False)
    place = Place("2", "baseline_arm_1", "participant_info", "")
    with Store.open(f"sqlite:///{study.home / 'store.sqlite'}", load_keys(None, home=study.home)) as store:
        assert staff_link(store, read_study(study.folder), place=place, now=datetime.now(UTC)) == ""
