"""Notices to staff of runs: each cause once, never a participant's data, and no run fails over them."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import requests
from contact_study import STAFF_MAIL, STAFF_PHONE, Contact, make_contact
from trial_study import rows_file

import tasks.rules
from capstan.errors import CapstanError
from capstan.notice import Cause, Happening
from capstan.store import Mailroom, claim_notices, notice_failed, notice_sent, raise_happenings
from capstan.study import read_study
from capstan.study.notices import Notify
from cli.calling import call_flow

ROOM = Mailroom("trial", "redcap.test", 14)
NOW = datetime(2026, 11, 22, 10, 15, tzinfo=UTC)
ELIGIBILITY = """
eligibility:
  event: baseline_arm_1
  criteria: [{id: age, rule: "[part_age] > 3", reason: too young}]
  write: {status: elig_status, reasons: elig_reasons}
"""


@pytest.fixture
def contact(tmp_path: Path, addresses: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> Contact:
    return make_contact(tmp_path, addresses, monkeypatch)


def load(contact: Contact, folder: Path, *rows: str, **limits: Any) -> dict[str, Any]:
    file = rows_file(folder, *rows)
    return call_flow("import_records", {"study": contact.study.name, "file": file, "max_share": 1, **limits})


def told(contact: Contact, subject: str) -> list[str]:
    return [mail["text"].strip() for mail in contact.mails() if subject in mail["subject"]]


def test_what_a_run_wrote_is_told_by_mail_and_text(contact: Contact, tmp_path: Path) -> None:
    summary = load(contact, tmp_path, "1,Zoraida,5")

    assert summary["outcome"] == "done"
    (mail,) = told(contact, "[trial] summary")
    assert mail == (
        f"import_records: done, {summary['cells_written']} cells written; `capstan journal show {summary['run']}`."
    )
    assert contact.texts(STAFF_PHONE) == [f"[trial] summary\n{mail}"]
    assert "Zoraida" not in str(contact.mails())


def test_a_plan_that_is_held_says_how_to_look_at_it(contact: Contact, tmp_path: Path) -> None:
    summary = load(contact, tmp_path, "1,Zoraida,5", "2,Zora,4", max_records=1)

    assert summary["outcome"] == "held"
    assert f"capstan plan show {summary['plan'][:12]}" in told(contact, "a run waits for you")[0]


def test_a_dry_run_and_one_that_finds_nothing_to_do_are_told_to_nobody(
    contact: Contact, tmp_path: Path
) -> None:
    load(contact, tmp_path, "1,Zoraida,5", dry_run=True)
    call_flow("check_replies", {"study": contact.study.name})

    assert contact.mails() == []


def test_a_run_that_cannot_even_reach_redcap_is_told(contact: Contact, tmp_path: Path) -> None:
    file = contact.study.folder / "study.yaml"
    text = file.read_text(encoding="utf-8").replace(contact.study.url, "http://127.0.0.1:9/api/")
    file.write_text(text, encoding="utf-8")

    with pytest.raises(CapstanError):
        load(contact, tmp_path, "1,Zoraida,5")

    (mail,) = told(contact, "something failed")
    assert mail.startswith("import_records failed: ")


def test_an_error_of_a_library_is_told_by_its_type_and_place_only(
    contact: Contact, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = contact.study.folder / "study.yaml"
    text = file.read_text(encoding="utf-8")
    file.write_text(text.replace("txt_sent_at]", "txt_sent_at, elig_status, elig_reasons]") + ELIGIBILITY)
    monkeypatch.setattr(tasks.rules, "check_eligibility", tell_values)

    with pytest.raises(CapstanError):
        call_flow("check_eligibility", {"study": contact.study.name})

    (mail,) = told(contact, "something failed")
    assert "check_eligibility failed: Unexpected ValueError at" in mail
    assert "Zoraida" not in str(contact.mails()) + str(contact.texts(STAFF_PHONE))


def tell_values(*_: Any, **__: Any) -> None:
    raise ValueError("cannot read Zoraida")


def test_the_same_cause_is_told_once_an_hour_and_all_of_it_then(contact: Contact, tmp_path: Path) -> None:
    for age in "456":
        load(contact, tmp_path, f"1,Zoraida,{age}")

    assert len(told(contact, "summary")) == 1
    with contact.store() as store:
        study = read_study(contact.study.folder)
        room = Mailroom("trial", "127.0.0.1", contact.study.project_id)
        later = claim_notices(store, room, notify=study.notify, now=datetime.now(UTC) + timedelta(hours=1))
    assert {claimed.notice.happenings for claimed in later} == {2}


@pytest.mark.parametrize("broken", ["mail", "text"])
def test_a_channel_that_is_broken_fails_neither_the_run_nor_the_other_channel(
    broken: str, contact: Contact, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = contact.study.folder / "study.yaml"
    port = contact.addresses["smtp"].rpartition(":")[2]
    text = file.read_text(encoding="utf-8")
    if broken == "mail":
        file.write_text(text.replace(f"port: {port}", "port: 9"), encoding="utf-8")
    else:
        monkeypatch.setenv("TRIAL_TWILIO_TOKEN", "")

    summary = load(contact, tmp_path, "1,Zoraida,5")
    file.write_text(text, encoding="utf-8")
    monkeypatch.setenv("TRIAL_TWILIO_TOKEN", contact.addresses["twilio_auth_token"])
    reached = (len(contact.mails()), len(contact.texts(STAFF_PHONE)))
    call_flow("check_replies", {"study": contact.study.name})

    assert summary["outcome"] == "done"
    assert reached == ((0, 1) if broken == "mail" else (1, 0))
    assert (len(contact.mails()), len(contact.texts(STAFF_PHONE))) == (1, 1)


def test_messages_that_did_not_arrive_are_told_once_with_what_their_code_means(contact: Contact) -> None:
    landline = "+12065550113"
    contact.give_phone(contact.record, landline)
    contact.write("RIDE", sender=landline)
    call_flow("check_replies", {"study": contact.study.name})
    requests.post(f"{contact.addresses['control_url']}advance", json={"seconds": 10}, timeout=30)

    for _ in range(2):
        call_flow("check_deliveries", {"study": contact.study.name})

    assert told(contact, "messages did not arrive") == [
        "1 of answer keyword did not arrive (code 30006: landline or unreachable carrier)"
    ]


def test_an_address_that_somebody_must_look_at_is_told_as_such(contact: Contact) -> None:
    unreachable = "+12065550122"
    contact.give_phone(contact.record, unreachable)
    contact.write("RIDE", sender=unreachable)
    call_flow("check_replies", {"study": contact.study.name})

    call_flow("check_deliveries", {"study": contact.study.name})

    assert told(contact, "messages did not arrive") == [
        "1 of answer keyword did not arrive (code 21612: no route from this sender) "
        "- somebody must look at it; the address gets nothing more until then."
    ]


def test_a_guard_that_stopped_a_channel_is_told_as_a_failure(
    contact: Contact, monkeypatch: pytest.MonkeyPatch
) -> None:
    contact.write("RIDE")
    monkeypatch.setenv("TRIAL_TWILIO_TOKEN", "0" * 32)
    call_flow("check_replies", {"study": contact.study.name})

    assert "Messages are stopped (sms): " in told(contact, "something failed")[0]


def notify(**changes: Any) -> Notify:
    staff = {
        "email": [STAFF_MAIL, "bob@example.org"],
        "on": [cause.value for cause in Cause if cause not in (Cause.MONITOR, Cause.OUTAGE)],
    }
    return Notify.model_validate({"staff": staff, "per_day": 3} | changes)


def happened(*texts: str, cause: Cause = Cause.QUESTION, record: str = "") -> list[Happening]:
    return [Happening(cause, text, NOW, record) for text in texts]


def test_processes_that_tell_at_the_same_time_tell_each_person_once(contact: Contact) -> None:
    with contact.store() as store:
        raise_happenings(store, ROOM, happenings=happened("A", "B"))

        def claim(_: int) -> list[Any]:
            return claim_notices(store, ROOM, notify=notify(), now=NOW)

        with ThreadPoolExecutor(8) as pool:
            claimed = [one.notice for found in pool.map(claim, range(8)) for one in found]

    assert sorted(one.address for one in claimed) == ["bob@example.org", STAFF_MAIL]
    assert {one.happenings for one in claimed} == {2}


def claims(contact: Contact, *minutes: int, after: Callable[..., None] | None = None) -> list[int]:
    """How many notices are due at some minutes; `after` is done with each that was claimed."""
    found = []
    with contact.store() as store:
        raise_happenings(store, ROOM, happenings=happened("A"))
        for minute in minutes:
            now = NOW + timedelta(minutes=minute)
            claimed = claim_notices(store, ROOM, notify=notify(), now=now)
            found.append(len(claimed))
            for one in claimed if after else ():
                after(store, one.id, now)
    return found


def test_a_notice_that_was_sent_is_not_due_again(contact: Contact) -> None:
    assert claims(contact, 0, 4, 6, 600, after=lambda store, id, now: notice_sent(store, id, now=now)) == [
        2,
        0,
        0,
        0,
    ]


def test_a_notice_that_failed_is_due_at_once_and_one_of_a_dead_process_after_a_while(
    contact: Contact,
) -> None:
    failing = claims(contact, 0, 1, after=lambda store, id, _: notice_failed(store, id))
    dying = claims(contact, 2, 4, 8)

    assert failing == [2, 2]
    assert dying == [2, 0, 2]


def test_a_storm_of_other_causes_ends_at_the_days_limit_and_distress_goes_on(contact: Contact) -> None:
    with contact.store() as store:
        counts = []
        for number, cause in enumerate(
            [Cause.FAILURE, Cause.HOLD, Cause.SUMMARY, Cause.DELIVERY, Cause.DISTRESS]
        ):
            raise_happenings(store, ROOM, happenings=happened("A", cause=cause))
            claimed = claim_notices(store, ROOM, notify=notify(), now=NOW + timedelta(minutes=number))
            counts.append(len(claimed))
            for one in claimed:
                notice_sent(store, one.id, now=NOW)

    assert counts == [2, 2, 2, 0, 2]


def test_records_are_named_where_the_study_allows_it_and_kept_sealed(contact: Contact) -> None:
    with contact.store() as store:
        raise_happenings(store, ROOM, happenings=happened("Somebody wrote.", record="xrecordx"))
        silent = claim_notices(store, ROOM, notify=notify(), now=NOW)
        naming = claim_notices(
            store,
            ROOM,
            notify=notify(record_ids=True, staff={"email": ["eve@example.org"], "on": ["question"]}),
            now=NOW,
        )

    assert "xrecordx" not in str(silent)
    assert "(records xrecordx)" in naming[0].notice.text
    for file in contact.study.home.iterdir():
        assert b"xrecordx" not in file.read_bytes()
