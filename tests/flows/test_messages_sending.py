"""Messages from plan to REDCap: once each, to those who may, and written down until it is final."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest
import requests
from command_line import CommandLine
from message_study import LETTER, REMINDER, MessageStudy, make_message_study
from trial_study import edit, held

from capstan.errors import UsageError
from capstan.message import MessageState
from capstan.store import Mailroom, find_run, list_messages, resume_channel
from cli.calling import call_here
from flows.job import job


@pytest.fixture
def trial(tmp_path: Path, addresses: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> MessageStudy:
    return make_message_study(tmp_path, addresses, monkeypatch)


def send(**parameters: Any) -> dict[str, Any]:
    return call_here("send_messages", {"study": "trial", **parameters})


def check(**parameters: Any) -> dict[str, Any]:
    return call_here("check_deliveries", {"study": "trial", **parameters})


def test_a_dry_run_says_whom_it_would_text_and_texts_nobody(trial: MessageStudy) -> None:
    trial.phone("2", "206-555-0160")
    trial.phone("3", "206-555-0161")
    edit(trial.addresses, trial.live, "3", "part_text_ok", "0")

    summary = send(dry_run=True)

    assert summary["outcome"] == "dry run"
    assert summary["messages planned"] == {"reminder": 1}
    assert summary["messages removed"] == {"no_consent": 1}
    assert not trial.texts()
    assert not trial.states()


def test_everybody_is_texted_once_and_the_log_follows_until_it_is_final(trial: MessageStudy) -> None:
    trial.phone("2", "206-555-0162")
    trial.phone("3", "206-555-0163")

    first = send()
    before = trial.log()
    trial.let_time_pass()
    checked = check()
    again = send()
    after = trial.log()

    assert (first["outcome"], checked["outcome"], again["outcome"]) == ("done", "done", "idle")
    assert trial.texts() == {"+12065550162": 1, "+12065550163": 1}
    assert [row["txt_twilio_status"] for row in before] == ["queued", "queued"]
    assert {row["sms_survey_log_complete"] for row in before} <= {"0", ""}
    assert [row["txt_twilio_status"] for row in after] == ["delivered", "delivered"]
    assert {row["sms_survey_log_complete"] for row in after} == {"2"}
    assert [row["redcap_repeat_instance"] for row in after] == [1, 1]
    assert {row["txt_number"] for row in after} == {"(206) 555-0162", "(206) 555-0163"}
    assert again["messages"] == {"added": 0, "known": 2, "suppressed": 0, "withdrawn": 0}


def test_a_new_text_is_a_new_instance_beside_what_people_wrote(trial: MessageStudy) -> None:
    trial.phone("2", "206-555-0164")
    send()
    event = trial.log()[0]["redcap_event_name"]
    row = f"2,{event},sms_survey_log,5,by hand"
    head = "record_id,redcap_event_name,redcap_repeat_instrument,redcap_repeat_instance,txt_message"
    trial.live.call(content="record", action="import", format="csv", data=f"{head}\n{row}")
    write_messages(trial, [REMINDER | {"occasion": "'second'"}, LETTER])

    send()

    assert [row["redcap_repeat_instance"] for row in trial.log()] == [1, 5, 6]
    assert trial.log()[1]["txt_message"] == "by hand"


def test_an_opt_out_is_marked_and_a_bad_number_gets_a_letter(trial: MessageStudy) -> None:
    trial.phone("2", "206-555-0121")
    trial.phone("3", "206-555-0124")

    first = send()
    second = send()

    assert first["attempts"] == {"failed": 2}
    assert held(trial.live, "2", "part_text_ok") == "0"
    assert held(trial.live, "3", "part_text_ok") == "1"
    assert {row["txt_error_code"] for row in trial.log()} == {"21610", "21614"}
    assert second["messages planned"] == {"letter": 1}
    assert len(trial.letters()) == 1


def test_a_number_that_fails_later_is_found_out_by_asking(trial: MessageStudy) -> None:
    trial.phone("2", "206-555-0113")
    send()
    trial.let_time_pass()

    check()
    send()

    assert [row["txt_twilio_status"] for row in trial.log()] == ["undelivered"]
    assert trial.texts() == {"+12065550113": 1}
    assert len(trial.letters()) == 1


def test_a_lost_answer_is_found_and_nothing_is_sent_again(trial: MessageStudy) -> None:
    trial.phone("2", "206-555-0128")

    summary = send()
    send()

    assert summary["attempts"] == {"unknown": 1}
    assert summary["settled"] == {"accepted": 1}
    assert trial.texts() == {"+12065550128": 1}
    assert [row["txt_error_code"] for row in trial.log()] == [""]


def test_a_refused_sender_stops_the_channel_until_somebody_mends_it(
    tmp_path: Path, addresses: dict[str, Any], monkeypatch: pytest.MonkeyPatch, capstan: CommandLine
) -> None:
    sms = {"account": {"env": "TWILIO_ACCOUNT_SID"}, "token": {"env": "TWILIO_AUTH_TOKEN"}}
    trial = make_message_study(tmp_path, addresses, monkeypatch, sms={**sms, "sender": "+12065550100"})
    trial.phone("2", "206-555-0165")
    said = capstan("run", "send_messages", "--study", "trial", "--json")
    file = trial.live.folder / "study.yaml"
    file.write_text(file.read_text("utf-8").replace('"+12065550100"', '"+15005550006"'), "utf-8")
    with trial.store() as store:
        room = Mailroom("trial", "127.0.0.1", trial.live.project_id)
        resume_channel(store, room, channel=None, by="Ann Lee", now=datetime.now(UTC))
        resume_channel(store, room, channel="sms", by="Ann Lee", now=datetime.now(UTC))  # type: ignore[arg-type]

    summary = send()

    assert said.code == 4
    assert json.loads(said.out)["stopped"] == {"sms": 1}
    assert "messages are stopped (sms)" in said.err
    assert summary["outcome"] == "done"
    assert trial.texts() == {"+12065550165": 1}


def test_what_waits_is_withdrawn_when_consent_ends(
    tmp_path: Path, addresses: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    trial = make_message_study(tmp_path, addresses, monkeypatch, hours=closed_hours())
    trial.phone("2", "206-555-0166")
    trial.phone("3", "206-555-0167")
    send()
    edit(trial.addresses, trial.live, "3", "part_text_ok", "0")

    summary = send()

    assert summary["messages"] == {"added": 0, "known": 1, "suppressed": 1, "withdrawn": 1}
    assert trial.states() == {MessageState.PLANNED: 1, MessageState.SUPPRESSED: 1}
    assert not trial.texts()


def test_what_waits_follows_a_changed_number_and_changed_words(
    tmp_path: Path, addresses: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    trial = make_message_study(tmp_path, addresses, monkeypatch, hours=closed_hours())
    trial.phone("2", "206-555-0166")
    trial.phone("3", "206-555-0167")
    send()
    edit(trial.addresses, trial.live, "2", "part_mobile_number", "(206) 555-0168")
    edit(trial.addresses, trial.live, "3", "part_first_name", "Quince")

    summary, again = send(), send()

    with trial.store() as store:
        waiting = {one.content.record: one.content for one in list_messages(store) if one.content}
    assert trial.states() == {MessageState.PLANNED: 2}
    assert waiting["2"].address == "+12065550168"
    assert "Quince" in waiting["3"].text
    assert summary["messages"] == {"added": 2, "known": 0, "suppressed": 0, "withdrawn": 2}
    assert again["messages"] == {"added": 0, "known": 2, "suppressed": 0, "withdrawn": 0}


def test_a_second_attempt_goes_to_a_changed_number_and_otherwise_waits_for_its_time(
    trial: MessageStudy,
) -> None:
    for record, number in (("2", "206-555-0110"), ("3", "206-555-0115")):
        trial.phone(record, number)
    send()
    trial.let_time_pass()
    check()
    edit(trial.addresses, trial.live, "2", "part_mobile_number", "(206) 555-0169")
    edit(trial.addresses, trial.live, "3", "part_first_name", "Quince")

    send()

    assert trial.texts() == {"+12065550110": 1, "+12065550115": 1, "+12065550169": 1}


def test_a_sender_that_is_not_registered_stops_the_channel_and_the_journal_says_so(
    trial: MessageStudy,
) -> None:
    trial.phone("2", "206-555-0116")
    send()
    trial.let_time_pass()

    summary = check()

    with trial.store() as store:
        run = find_run(store, summary["run"])
    assert (summary["outcome"], run.state) == ("partly", "partly")
    assert summary["stopped"] == {"sms": 1}
    trial.phone("3", "206-555-0174")
    assert send()["outcome"] == "partly"
    assert trial.texts() == {"+12065550116": 1}


def test_a_filtered_wording_waits_for_a_person_and_nobody_else_gets_it(trial: MessageStudy) -> None:
    trial.phone("2", "206-555-0114")
    send()
    trial.let_time_pass()
    check()
    trial.phone("3", "206-555-0175")

    summary = send()

    assert trial.texts() == {"+12065550114": 1}
    assert summary["messages"]["suppressed"] == 1


def test_too_many_calls_are_waited_for_and_one_text_goes_out(trial: MessageStudy) -> None:
    trial.phone("2", "206-555-0127")

    summary = send()

    assert summary["attempts"] == {"planned": 2, "accepted": 1}
    assert trial.texts() == {"+12065550127": 1}


def test_a_blank_variable_leaves_out_its_participant_alone(trial: MessageStudy) -> None:
    trial.phone("2", "206-555-0170")
    trial.phone("3", "206-555-0171")
    edit(trial.addresses, trial.live, "3", "part_first_name", "")

    summary = send()

    assert trial.texts() == {"+12065550170": 1}
    assert summary["messages removed"] == {"blank_variable": 1}


def test_two_participants_with_one_phone_each_get_their_own_text(trial: MessageStudy) -> None:
    for record, name in (("2", "Ann"), ("3", "Ben")):
        trial.phone(record, "206-555-0172")
        edit(trial.addresses, trial.live, record, "part_first_name", name)

    send()

    assert len({text["body"] for text in trial.texts_to("+12065550172")}) == 2


@pytest.mark.parametrize(
    ("name", "segments"), [("Zoë [€] ~ {x}", 1), ("Zoe 👩‍👩‍👧‍👦", 1), ("نور שלום", 1), ("é" * 170, 2)]
)
def test_names_of_every_script_arrive_as_they_are_and_cost_what_was_planned(
    name: str, segments: int, trial: MessageStudy
) -> None:
    trial.phone("2", "206-555-0173")
    edit(trial.addresses, trial.live, "2", "part_first_name", name)

    send()

    with trial.store() as store:
        (message,) = list_messages(store)
    (text,) = trial.texts_to("+12065550173")
    assert name in text["body"]
    assert (message.segments, text["segments"]) == (segments, segments)


def test_a_letter_that_waits_for_a_text_of_another_run_is_left_alone(
    tmp_path: Path, addresses: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    other = REMINDER | {"id": "other", "occasion": "'other'"}
    nobody = REMINDER | {"when": "[baseline_arm_1][part_last_name] = 'Nobody'"}
    messages = [nobody, other, LETTER]
    trial = make_message_study(tmp_path, addresses, monkeypatch, messages=messages, hours=closed_hours())
    trial.phone("2", "")
    send()

    summary = call_here("send_messages", {"study": "trial", "messages": "reminder"})

    assert summary["messages"]["withdrawn"] == 0
    assert trial.states()[MessageState.PLANNED] == 1


def test_fields_that_do_not_repeat_keep_the_earlier_message(
    tmp_path: Path, addresses: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    log = {"event": "6_month", "instrument": "exam", "new_instance": False, "complete": ""}
    message = REMINDER | {"log": log | {"fields": {"message": "exam_remarks"}}, "fallback": ""}
    trial = make_message_study(tmp_path, addresses, monkeypatch, messages=[message])
    trial.phone("2", "206-555-0168")
    send()
    write_messages(trial, [message | {"occasion": "'second'"}])

    second = send()

    assert second["rows_stopped"] == {"overwrite_value": 1}
    assert trial.texts() == {"+12065550168": 2}
    assert send()["rows_stopped"] == {"overwrite_value": 1}


def test_a_survey_goes_out_with_each_participants_own_link(
    tmp_path: Path, addresses: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    survey = REMINDER | {"id": "survey", "survey": "exam", "template": "survey.txt.j2", "fallback": ""}
    trial = make_message_study(
        tmp_path, addresses, monkeypatch, messages=[REMINDER | {"fallback": ""}, survey]
    )
    (trial.live.folder / "templates" / "survey.txt.j2").write_text("Please answer {{ survey_link }}")
    control = f"{addresses['control_url']}projects/{trial.live.project_id}"
    requests.post(f"{control}/surveys", json={"instrument": "exam"}, timeout=30).raise_for_status()
    trial.phone("2", "206-555-0178")
    trial.phone("3", "206-555-0170")
    edit(addresses, trial.live, "3", "part_text_ok", "0")
    requests.delete(f"{addresses['control_url']}requests", timeout=30)

    dry = call_here("send_surveys", {"study": "trial", "dry_run": True})
    asked_dry = link_requests(addresses)
    call_here("send_surveys", {"study": "trial"})
    sent = [one["body"] for one in texts_to(addresses, "+12065550178")]

    assert dry["messages planned"] == {"survey": 1}
    assert (asked_dry, link_requests(addresses)) == (0, 1)
    assert len(sent) == 1
    assert sent[0].startswith("Please answer http")
    assert "?s=" in sent[0]


def test_a_run_sends_no_more_than_it_is_told(trial: MessageStudy) -> None:
    for place, record in enumerate(("1", "2", "3")):
        trial.phone(record, f"206-555-017{place + 1}")

    first = send(max_messages=2)
    second = send(messages=["reminder"])

    assert first["messages planned"] == {"reminder": 2}
    assert first["messages removed"] == {"cap_run": 1}
    assert second["messages"]["added"] == 1
    assert trial.texts().total() == 3


def test_a_second_run_while_one_is_open_texts_nobody(
    trial: MessageStudy, monkeypatch: pytest.MonkeyPatch
) -> None:
    trial.phone("2", "206-555-0174")
    monkeypatch.setenv("CAPSTAN_WAIT_MINUTES", "0")

    with job("trial", flow="send_messages", dry_run=False):
        second = send()

    assert second["outcome"] == "put off"
    assert not trial.texts()


@pytest.mark.parametrize(
    "parameters",
    [{"today": date(2026, 6, 1)}, {"messages": ["no_such"]}, {"messages": ["letter"], "today": None}],
)
def test_what_cannot_be_sent_is_said(parameters: dict[str, Any], trial: MessageStudy) -> None:
    flow = "send_surveys" if parameters.get("messages") == ["letter"] else "send_messages"

    with pytest.raises(UsageError):
        call_here(flow, {"study": "trial", **parameters})

    assert not trial.states()


def test_a_dry_check_asks_nobody_and_writes_nothing(trial: MessageStudy) -> None:
    trial.phone("2", "206-555-0175")
    send()
    trial.let_time_pass()
    before = trial.log()

    summary = check(dry_run=True)

    assert summary["outcome"] == "dry run"
    assert trial.log() == before


def test_the_plan_names_records_and_rules_and_shows_values_only_when_asked(
    trial: MessageStudy, capstan: CommandLine
) -> None:
    trial.phone("2", "206-555-0176")
    trial.phone("3", "206-555-0177")
    edit(trial.addresses, trial.live, "3", "part_text_ok", "0")

    shown = capstan("messages", "plan", "trial", "--json")
    whole = capstan("messages", "plan", "trial", "--values")
    table = capstan("messages", "plan", "trial")

    plan = json.loads(shown.out)
    assert [(row["record"], row["rule"]) for row in plan["messages"]] == [("2", ""), ("3", "no_consent")]
    assert [(line["messages"], line["segments"]) for line in plan["forecast"]] == [(1, 1)]
    assert "555" not in shown.out + table.out
    assert "+12065550176" in whole.out
    assert "the consent rule does not hold" in " ".join(table.out.split())
    assert not trial.states()


def write_messages(trial: MessageStudy, messages: list[dict[str, Any]]) -> None:
    """Somebody changes the messages of the study file."""
    file = trial.live.folder / "study.yaml"
    lines = [line for line in file.read_text("utf-8").splitlines() if not line.startswith("messages:")]
    file.write_text("\n".join([*lines, f"messages: {json.dumps(messages)}\n"]), "utf-8")


def closed_hours() -> dict[str, str]:
    """Contact hours that are closed now and open within three days."""
    is_morning = datetime.now(UTC).hour < 12
    opens, closes = ("22:00", "23:00") if is_morning else ("00:00", "01:00")
    return {"opens": opens, "closes": closes, "zone": "'Etc/UTC'"}


def texts_to(addresses: dict[str, Any], number: str) -> list[dict[str, Any]]:
    state = requests.get(f"{addresses['control_url']}state", timeout=30).json()
    return [one for one in state["messages"] if one["to"] == number]


def link_requests(addresses: dict[str, Any]) -> int:
    listed = requests.get(f"{addresses['control_url']}requests", timeout=30).json()
    return json.dumps(listed).count('"surveyLink"')
