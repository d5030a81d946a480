"""Replies: acted on at once, answered, told to staff, and written down once as new instances."""

from __future__ import annotations

from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import pytest
import requests
from command_line import CommandLine
from contact_study import OURS, PHONE, STAFF_PHONE, Contact, make_contact
from trial_study import edit, held

import flows.check_replies
from capstan.delivery import Channel
from capstan.errors import CapstanError, StoreError
from capstan.messaging import read_webhook
from capstan.store import Mailroom, is_blocked, keep_incoming, resume_channel, stop_channel
from cli.calling import call_flow
from receiver.texts import EMPTY_TWIML


@pytest.fixture
def contact(tmp_path: Path, addresses: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> Contact:
    return make_contact(tmp_path, addresses, monkeypatch)


def check(contact: Contact, **parameters: Any) -> dict[str, Any]:
    return call_flow("check_replies", {"study": contact.study.name, **parameters})


def reasons(contact: Contact, phone: str = PHONE) -> str:
    with contact.store() as store:
        return is_blocked(store, Channel.SMS, address=phone)


def told(contact: Contact, subject: str) -> list[str]:
    return [mail["text"] for mail in contact.mails() if subject in mail["subject"]]


def test_a_reply_becomes_a_new_instance_of_the_one_participant_with_this_phone(contact: Contact) -> None:
    first, second = contact.write("When shall we come?"), contact.write("And where? Zoë 👍")

    summary = check(contact)

    assert summary["outcome"] == "done"
    assert summary["replies"] == {"question": 2}
    assert summary["phones of"] == {"one participant": 2}
    rows = contact.rows()[-2:]
    assert [row["txt_twilio_sid"] for row in rows] == [first, second]
    assert [row["txt_message"] for row in rows] == ["When shall we come?", "And where? Zoë 👍"]
    assert {row["redcap_event_name"] for row in rows} == {contact.event}
    assert {row["txt_number"] for row in rows} == {"(206) 555-0100"}
    instances = [int(row["redcap_repeat_instance"]) for row in contact.rows()]
    assert instances == list(range(1, len(instances) + 1))


def test_a_second_run_does_nothing_and_a_webhook_that_comes_twice_is_one_reply(contact: Contact) -> None:
    sid = contact.write("When shall we come?")
    contact.write("When shall we come?", MessageSid=sid)
    check(contact)
    before = contact.rows()

    summary = check(contact)

    assert summary["outcome"] == "idle"
    assert contact.rows() == before
    assert [row["txt_twilio_sid"] for row in before].count(sid) == 1


def test_a_reply_that_redcap_holds_though_nobody_remembers_is_not_written_twice(
    contact: Contact, monkeypatch: pytest.MonkeyPatch
) -> None:
    sid = contact.write("When shall we come?")
    with monkeypatch.context() as broken:
        broken.setattr(flows.check_replies, "settle_replies", lost)
        with pytest.raises(CapstanError):
            check(contact)

    summary = check(contact)

    assert summary["outcome"] == "idle"
    assert [row["txt_twilio_sid"] for row in contact.rows()].count(sid) == 1


def lost(*_: Any, **__: Any) -> None:
    raise StoreError("The disk is full.")


def test_replies_are_written_however_many_write_within_one_run(contact: Contact) -> None:
    path = contact.study.folder / "study.yaml"
    limits = "\nwrites:\n  limits: {share: 0, field_share: 0, records: 0}\n"
    path.write_text(path.read_text().replace("\nwrites:\n", limits))
    phone, other = "+12065550177", next(number for number in ("1", "2", "3", "5") if number != contact.record)
    contact.give_phone(other, phone)
    for sender in (PHONE, phone):
        contact.write("HERE", sender=sender)

    check(contact)

    names = [held(contact.study, record, "part_last_name") for record in (contact.record, other)]
    assert names == ["Arrived", "Arrived"]


def test_a_picture_without_a_word_is_written_down_as_one(contact: Contact) -> None:
    contact.write("", NumMedia="2")

    check(contact)

    assert contact.rows()[-1]["txt_message"] == "[no text; media: 2]"


def test_a_dry_run_says_what_there_is_and_does_nothing(contact: Contact) -> None:
    contact.write("STOP")
    before = contact.rows()

    summary = check(contact, dry_run=True)

    assert summary["replies"] == {"stop": 1}
    assert summary["cells_planned"] > 0
    assert (contact.rows(), reasons(contact), contact.mails()) == (before, "", [])


def test_stop_blocks_the_phone_marks_the_record_and_is_not_answered(contact: Contact) -> None:
    edit(dict(contact.addresses), contact.study, contact.record, "part_text_ok", "1")
    contact.write("Stop please")

    check(contact)

    assert reasons(contact) == "opted_out"
    assert held(contact.study, contact.record, "part_text_ok") == "0"
    assert contact.texts() == []
    assert "asked for no more texts" in told(contact, "participants wrote")[0]


def test_twilios_own_word_for_an_opt_out_counts_whatever_the_text_says(contact: Contact) -> None:
    contact.write("SALIR", OptOutType="STOP")

    check(contact)

    assert reasons(contact) == "opted_out"


def test_start_lifts_what_stop_has_ended_and_nothing_else(contact: Contact) -> None:
    other = "+12065550199"
    for phone, text in ((PHONE, "STOP"), (PHONE, "START"), (other, "wrong number"), (other, "START")):
        contact.write(text, sender=phone)

    check(contact)

    assert (reasons(contact), reasons(contact, other)) == ("", "bad_address")


def test_a_stop_that_is_taken_back_at_once_leaves_no_mark(contact: Contact) -> None:
    edit(dict(contact.addresses), contact.study, contact.record, "part_text_ok", "1")
    for text in ("STOP", "START"):
        contact.write(text)

    check(contact)

    assert held(contact.study, contact.record, "part_text_ok") == "1"


@pytest.mark.parametrize("before", ["1", ""])
def test_start_takes_back_the_mark_that_stop_made(before: str, contact: Contact) -> None:
    edit(dict(contact.addresses), contact.study, contact.record, "part_text_ok", before)
    contact.write("STOP")
    check(contact)
    marked = held(contact.study, contact.record, "part_text_ok")
    contact.write("START")

    summary = check(contact)

    assert (marked, summary["outcome"]) == ("0", "done")
    assert held(contact.study, contact.record, "part_text_ok") == before


def test_a_second_start_brings_no_mark_back(contact: Contact) -> None:
    edit(dict(contact.addresses), contact.study, contact.record, "part_text_ok", "1")
    for text in ("STOP", "START", "START"):
        contact.write(text)
        check(contact)

    assert held(contact.study, contact.record, "part_text_ok") == "1"


def test_start_leaves_a_mark_that_a_person_made(contact: Contact) -> None:
    edit(dict(contact.addresses), contact.study, contact.record, "part_text_ok", "0")
    for text in ("STOP", "START"):
        contact.write(text)
        check(contact)

    assert held(contact.study, contact.record, "part_text_ok") == "0"


def test_start_leaves_what_a_person_changed_after_the_mark(contact: Contact) -> None:
    edit(dict(contact.addresses), contact.study, contact.record, "part_text_ok", "1")
    contact.write("STOP")
    check(contact)
    edit(dict(contact.addresses), contact.study, contact.record, "part_text_ok", "")
    contact.write("START")

    check(contact)

    assert held(contact.study, contact.record, "part_text_ok") == ""


def test_start_takes_no_mark_back_while_the_number_is_the_wrong_one(contact: Contact) -> None:
    edit(dict(contact.addresses), contact.study, contact.record, "part_text_ok", "1")
    for text in ("wrong number", "START"):
        contact.write(text)
        check(contact)

    assert held(contact.study, contact.record, "part_text_ok") == "0"


def test_a_word_of_the_study_writes_its_field_and_the_last_one_counts(contact: Contact) -> None:
    for text in ("away", "Here, please!"):
        contact.write(text)

    check(contact)

    assert held(contact.study, contact.record, "part_last_name") == "Arrived"
    assert len(contact.rows()) == 2


def test_a_word_writes_nothing_where_two_participants_have_the_phone(contact: Contact) -> None:
    other = next(number for number in ("1", "2", "3", "5") if number != contact.record)
    contact.give_phone(other, "(206) 555-0100")
    contact.write("HERE")

    check(contact)

    assert "Arrived" not in [
        held(contact.study, record, "part_last_name") for record in (contact.record, other)
    ]


def test_a_free_text_that_sounds_like_stop_is_a_pause_until_a_person_has_read_it(contact: Contact) -> None:
    contact.write("please stop texting me")

    check(contact)

    assert reasons(contact) == "asked_to_stop"
    assert "sounds like a wish to stop" in told(contact, "participants wrote")[0]
    assert contact.texts() == []


def test_a_wrong_number_gets_nothing_more_and_is_marked(contact: Contact) -> None:
    edit(dict(contact.addresses), contact.study, contact.record, "part_text_ok", "1")
    contact.write("You have the wrong number")

    check(contact)

    assert reasons(contact) == "bad_address"
    assert held(contact.study, contact.record, "part_text_ok") == "0"


def test_distress_calls_staff_by_mail_and_text_and_is_answered_once_a_day(contact: Contact) -> None:
    sid = contact.write("I want to die")
    check(contact)
    contact.write("nobody helps, I want to die")

    check(contact)

    urgent = told(contact, "URGENT")
    assert len(urgent) == len(contact.texts(STAFF_PHONE)) - 1 == 2
    assert any(f"capstan replies show {sid} --values" in text for text in urgent)
    assert contact.texts() == ["Nobody reads this. In an emergency call 911."]


def test_distress_and_stop_are_heard_while_redcap_is_down(
    contact: Contact, monkeypatch: pytest.MonkeyPatch
) -> None:
    contact.write("STOP. I want to kill myself")
    monkeypatch.setenv("REDCAP_URL", "http://127.0.0.1:9/api/")
    (contact.study.folder / "study.yaml").write_text(
        (contact.study.folder / "study.yaml")
        .read_text()
        .replace(contact.study.url, "http://127.0.0.1:9/api/")
    )

    with pytest.raises(CapstanError):
        check(contact)

    assert len(told(contact, "URGENT")) == 1
    assert reasons(contact) == "asked_to_stop"
    assert "check_replies failed: " in told(contact, "something failed")[0]


def test_a_keyword_is_answered_and_told(contact: Contact) -> None:
    contact.write("ride, please!")

    summary = check(contact)

    assert summary["replies"] == {"keyword": 1}
    assert contact.texts() == ["Trial: a driver will call you."]
    assert "Somebody wrote RIDE." in told(contact, "participants wrote")[0]


def test_two_machines_do_not_answer_each_other_for_ever(contact: Contact) -> None:
    for _ in range(3):
        for text in ("Yes I will come", "RIDE"):
            contact.write(text)
        check(contact)

    assert len(contact.texts()) == 3


def test_an_automatic_text_is_never_answered(contact: Contact) -> None:
    contact.write("I am driving right now. Sent from my car")

    check(contact)

    assert contact.texts() == []


def test_an_answer_that_waits_is_not_withdrawn_by_the_next_plan(contact: Contact) -> None:
    with contact.store() as store:
        stop_channel(
            store, room_of_trial(contact), channel=None, reason="test", by="Ann", now=datetime.now(UTC)
        )
        contact.write("RIDE")
        check(contact)
        call_flow("send_messages", {"study": contact.study.name})
        resume_channel(store, room_of_trial(contact), channel=None, by="Ann", now=datetime.now(UTC))

    call_flow("send_messages", {"study": contact.study.name})

    assert contact.texts() == ["Trial: a driver will call you."]


def room_of_trial(contact: Contact) -> Mailroom:
    return Mailroom("trial", "127.0.0.1", contact.study.project_id)


@pytest.mark.parametrize(("owners", "said"), [(0, "no participant has"), (2, "several participants have")])
def test_what_nobody_or_several_wrote_goes_to_staff_and_not_into_redcap(
    owners: int, said: str, contact: Contact
) -> None:
    phone = "+12065550177"
    for record in ("4", "5")[:owners]:
        contact.give_phone(record, phone)
    contact.write("When shall we come?", sender=phone)
    before = contact.study.export()

    summary = check(contact)

    assert summary["outcome"] == "idle"
    assert contact.study.export() == before
    assert said in told(contact, "participants wrote")[0]
    assert bool(contact.texts(phone)) is bool(owners)


def test_a_text_to_another_number_is_not_this_studys(contact: Contact) -> None:
    contact.write("STOP", To="+18885550100")

    summary = check(contact)

    assert summary["outcome"] == "idle"
    assert reasons(contact) == ""


class Webhooks(ThreadingHTTPServer):
    """A receiver as small as it can be: it takes what Twilio signed, keeps it, and answers with nothing."""

    def __init__(self, contact: Contact) -> None:
        super().__init__(("127.0.0.1", 0), _Webhook)
        self.contact, self.answers = contact, list[str]()
        self.url = f"http://127.0.0.1:{self.server_port}"


class _Webhook(BaseHTTPRequestHandler):
    server: Webhooks

    def do_POST(self) -> None:
        addresses = self.server.contact.addresses
        form = read_webhook(
            self.server.url + self.path,
            self.rfile.read(int(self.headers["Content-Length"])),
            signature=self.headers["X-Twilio-Signature"],
            account=addresses["twilio_account_sid"],
            tokens=[addresses["twilio_auth_token"]],
        )
        assert isinstance(form, dict), form
        with self.server.contact.store() as store:
            keep_incoming(store, form, now=datetime.now(UTC))
        self.server.answers.append(EMPTY_TWIML)
        self.send_response(200)
        self.send_header("Content-Type", "text/xml")
        self.end_headers()
        self.wfile.write(EMPTY_TWIML.encode())

    def log_message(self, *_: Any) -> None:
        """Say nothing."""


def test_the_sandboxs_own_webhook_is_kept_and_answered_with_nothing(contact: Contact) -> None:
    control = contact.addresses["control_url"]
    config = requests.get(f"{control}config", timeout=30).json()
    with Webhooks(contact) as server:
        thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        numbers = [each | {"sms_url": f"{server.url}/twilio/inbound?x=1"} for each in config["numbers"]]
        order = {"from": PHONE, "to": OURS, "body": "When shall we come? Zoë"}
        try:
            requests.post(f"{control}config", json={"numbers": numbers, "services": []}, timeout=30)
            sid = requests.post(f"{control}inbound", json=order, timeout=30).json()["sid"]
            requests.post(f"{control}advance", json={"seconds": 5}, timeout=30).raise_for_status()
        finally:
            server.shutdown()
            thread.join()
            given = {name: config[name] for name in ("numbers", "services")}
            requests.post(f"{control}config", json=given, timeout=30)
    before = contact.texts()

    check(contact)

    assert server.answers == ['<?xml version="1.0" encoding="UTF-8"?><Response />']
    assert before == []
    assert contact.rows()[-1]["txt_twilio_sid"] == sid
    assert contact.rows()[-1]["txt_message"] == "When shall we come? Zoë"


def test_a_person_reads_a_reply_in_the_terminal_and_decides(contact: Contact, capstan: CommandLine) -> None:
    sid = contact.write("please stop texting me")
    check(contact)

    listed, shown = capstan("replies", "list"), capstan("replies", "show", sid, "--values")
    gone_on = capstan("replies", "settle", sid, "--as", "go-on", "--by", "Ann Lee")
    before = reasons(contact)
    stopped = capstan("replies", "settle", sid, "--as", "stop", "--by", "Ann Lee")

    assert sid in listed.out
    assert "texting" not in listed.out
    assert "please stop texting me" in shown.out
    assert PHONE in shown.out
    assert (gone_on.code, stopped.code) == (0, 0)
    assert (before, reasons(contact)) == ("", "opted_out")


def test_a_text_that_nobody_knows_is_said(contact: Contact, capstan: CommandLine) -> None:
    said = capstan("replies", "show", "SM1")

    assert said.code == 2
    assert "There is no such text in this store" in said.err
