"""The trial of the alarm: it reaches all staff by every way, past limits, and says where it does not."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from contact_study import STAFF_PHONE, Contact, make_contact

from capstan.errors import CapstanError
from cli.calling import call_here


@pytest.fixture
def contact(tmp_path: Path, addresses: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> Contact:
    return make_contact(tmp_path, addresses, monkeypatch)


def test_a_trial_reaches_staff_by_mail_and_text_each_time(contact: Contact) -> None:
    for _ in range(2):
        summary = call_here("try_alarm", {"study": contact.study.name})

    assert summary["outcome"] == "done"
    trials = [mail for mail in contact.mails() if mail["subject"] == "[trial] trial of the alarm"]
    assert len(trials) == len(contact.texts(STAFF_PHONE)) == 2
    assert "Nothing is wrong" in trials[0]["text"]


def test_a_way_that_does_not_work_is_named_and_stops_no_other(
    contact: Contact, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CAPSTAN_ALARM_URL", "http://127.0.0.1:9/planted")

    summary = call_here("try_alarm", {"study": contact.study.name})

    assert summary["outcome"] == "partly"
    assert summary["reason"] == "The alarm does not reach everybody: webhook was not sent to 1 of 1."
    assert len(contact.mails()) == 1


def test_a_trial_can_end_as_failed_on_purpose(contact: Contact) -> None:
    with pytest.raises(CapstanError, match="failed on purpose"):
        call_here("try_alarm", {"study": contact.study.name, "end_as_failed": True})

    assert len(contact.mails()) == 1


def test_a_dry_trial_tells_nobody(contact: Contact) -> None:
    summary = call_here("try_alarm", {"study": contact.study.name, "dry_run": True})

    assert summary["outcome"] == "dry run"
    assert contact.mails() == []
