"""The flow that watches: what did not follow is told once, to the right people, and the rest is silence."""

from __future__ import annotations

import json
import sqlite3
import sys
from pathlib import Path
from typing import Any

import pytest
from command_line import CommandLine
from contact_study import STAFF_MAIL
from monitor_study import (
    FOLLOW_UP,
    IMAGING,
    PI,
    PROBE,
    SCAN_DATA,
    SESSION,
    Watched,
    make_watched,
)

from capstan.errors import CapstanError
from capstan.sessions import SessionId
from capstan.store import (
    Awaited,
    FormContent,
    FormPlace,
    Mailroom,
    SessionForm,
    dismiss,
    dismiss_wait,
    find_command,
    load_forms,
    note_data,
    share_record,
)
from cli.calling import call_flow


@pytest.fixture
def watched(tmp_path: Path, addresses: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> Watched:
    return make_watched(tmp_path, addresses, monkeypatch)


def test_re_saves_open_one_wait_and_one_mail_comes_after_48_hours(watched: Watched) -> None:
    watched.add_session()
    opened = [watched.expect_data() for _ in range(5)]
    watched.run(hours=47)
    before = watched.mails(IMAGING)

    summary = watched.run(hours=48)

    assert opened == [True, False, False, False, False]
    assert before == []
    assert (summary["outcome"], summary["waits"]) == ("done", {"looked at": 1, "reminded": 1})
    (mail,) = watched.mails(IMAGING)
    assert mail == (
        "scan_data: no scan data were found 2 days after it began to be waited for. "
        "`capstan monitors list trial`"
    )
    assert SESSION not in mail


def test_the_notice_goes_to_the_roles_of_the_monitor_and_not_always_to_the_same_staff(
    watched: Watched,
) -> None:
    watched.add_session()
    watched.expect_data()

    watched.run(hours=48)

    assert len(watched.mails(IMAGING)) == 1
    assert watched.mails(STAFF_MAIL) == watched.mails(PI) == []


def test_a_site_without_people_of_the_role_falls_back_to_the_staff(watched: Watched) -> None:
    watched.change(
        notify={
            "staff": {"email": [STAFF_MAIL]},
            "roles": [{"name": "imaging", "sites": ["UTO"]}, {"name": "pi"}],
        }
    )
    watched.add_session()
    watched.expect_data()

    watched.run(hours=48)

    assert len(watched.mails(STAFF_MAIL)) == 1


def test_data_that_came_resolve_the_wait_and_nobody_is_told(watched: Watched) -> None:
    watched.add_session()
    watched.expect_data()
    watched.put_scan()

    summary = watched.run(hours=400)

    assert summary["waits"] == {"looked at": 1, "resolved": 1}
    assert watched.states() == ["resolved"]
    assert watched.mails(IMAGING) == []


def test_it_is_looked_for_again_before_anybody_is_told(watched: Watched) -> None:
    watched.add_session()
    watched.expect_data()
    watched.run(hours=1)
    watched.put_scan()

    watched.run(hours=48)

    assert watched.states() == ["resolved"]
    assert watched.mails(IMAGING) == []


def test_a_life_is_reminded_escalated_and_given_up_and_the_end_is_told(watched: Watched) -> None:
    watched.add_session()
    watched.expect_data()

    states = [
        (watched.run(hours=hours), watched.states())[1][0] for hours in (48, 60, 72, 120, 335, 336, 400)
    ]

    assert states == ["reminded"] * 3 + ["escalated"] * 2 + ["given up"] * 2
    assert [len(watched.mails(person)) for person in (IMAGING, PI)] == [5, 3]
    assert "It is escalated." in watched.mails(PI)[0]
    assert "It is given up: nobody will be told of it again." in watched.mails(IMAGING)[-1]


def test_a_server_that_was_down_past_every_step_tells_once_instead_of_dropping_the_wait(
    watched: Watched,
) -> None:
    watched.add_session()
    watched.expect_data()

    watched.run(hours=500)
    watched.run(hours=501)

    assert watched.states() == ["given up"]
    assert len(watched.mails(IMAGING)) == len(watched.mails(PI)) == 1


def test_many_waits_that_are_due_at_once_are_one_digest(watched: Watched) -> None:
    labels = [f"DTI01_CMH_H{number:03}_01_01" for number in range(1, 41)]
    for label in labels:
        watched.add_session(label)
        watched.expect_data(label)

    watched.run(hours=48)

    (mail,) = watched.mails(IMAGING)
    assert mail.startswith("40 × scan_data: no scan data were found")


def test_a_dismissed_session_is_not_waited_for_any_more_and_a_re_save_changes_nothing(
    watched: Watched,
) -> None:
    key = watched.add_session()
    watched.expect_data()
    with watched.contact.store() as store:
        dismiss(store, key, Awaited.DATA, by="Ann Lee", reason="the scanner broke", now=watched.clock.now)

    watched.run(hours=48)
    again = watched.expect_data()
    watched.run(hours=400)

    (wait,) = watched.waits()
    assert wait.standing.state == "dismissed"
    assert wait.reason == "no data are expected, says Ann Lee: the scanner broke"
    assert again is False
    assert watched.mails(IMAGING) == []


def test_a_wait_that_a_person_dismissed_tells_nobody(watched: Watched) -> None:
    watched.add_session()
    watched.expect_data()
    with watched.contact.store() as store:
        dismiss_wait(
            store,
            watched.name,
            number=watched.waits()[0].id,
            reason="no scan",
            by="Ann",
            now=watched.clock.now,
        )

    summary = watched.run(hours=48)

    assert (summary["outcome"], summary["waits"]) == ("idle", {})
    assert watched.mails(IMAGING) == []


def test_a_session_that_is_gone_is_told_as_what_could_not_be_looked_for(watched: Watched) -> None:
    watched.expect_data()

    watched.run(hours=48)

    assert watched.mails(IMAGING)[0].startswith(
        "scan_data: one could not look whether there are scan data (the session is not there any more)."
    )


def test_an_archive_that_is_not_mounted_is_not_told_as_missing_data(watched: Watched) -> None:
    watched.add_session()
    watched.expect_data()
    (watched.folder / "archive").rmdir()

    watched.run(hours=48)

    assert "one could not look whether there are scan data (the root folder" in watched.mails(IMAGING)[0]


def test_a_form_that_must_follow_another_is_waited_for_once_the_other_is_complete(watched: Watched) -> None:
    watched.watch_forms(FOLLOW_UP)
    watched.save("exam", status="1")
    incomplete = watched.run(hours=0)
    watched.save("exam")
    opened = watched.run(hours=1)
    watched.run(hours=49)
    mails = watched.mails(STAFF_MAIL)
    watched.save("phone_follow_up", instance=1)

    watched.run(hours=60)
    watched.run(hours=400)

    assert (incomplete["opened"], opened["opened"]) == ({}, {"follow_up": 1})
    assert mails == [
        "follow_up: the form phone_follow_up is not complete 2 days after it began to be waited for. "
        "`capstan monitors list trial`"
    ]
    assert set(watched.states()) == {"resolved"}
    assert watched.mails(STAFF_MAIL) == mails


def test_records_are_named_only_where_the_study_lets_notices_do_so(watched: Watched) -> None:
    watched.change(
        notify={
            "staff": {"email": [STAFF_MAIL]},
            "roles": [{"name": "imaging"}, {"name": "pi"}],
            "record_ids": True,
        }
    )
    watched.watch_forms(FOLLOW_UP)
    watched.save("exam")
    watched.run(hours=0)

    watched.run(hours=48)

    assert f"(records {watched.contact.record})" in watched.mails(STAFF_MAIL)[0]


def test_any_form_of_an_event_may_start_a_wait(watched: Watched) -> None:
    watched.watch_forms(FOLLOW_UP | {"of": {"event": "6_month"}})
    watched.save("exam")
    watched.save("participant_info", event="baseline_arm_1")

    assert watched.run(hours=0)["opened"] == {"follow_up": 1}
    assert watched.run(hours=1)["opened"] == {}


def test_an_instrument_without_new_input_is_told_until_there_is_some(watched: Watched) -> None:
    rule = {"id": "quiet", "no_new": {"instrument": "exam", "within": "13 days"}, "remind": "2 days"}
    watched.change(monitors=[SCAN_DATA, rule])
    counts = [watched.run(hours=24 * day)["opened"] for day in (0, 13, 14, 15, 17)]
    watched.save("exam")

    watched.run(hours=24 * 18)
    later = watched.run(hours=24 * 30)

    assert counts == [{}, {}, {"quiet": 1}, {}, {}]
    assert (
        watched.mails(STAFF_MAIL)
        == ["quiet: nothing new came into exam for 13 days. `capstan monitors list trial`"] * 2
    )
    assert watched.states() == ["resolved"]
    assert later["opened"] == {}


def test_another_form_and_a_new_record_are_no_input_into_an_instrument(watched: Watched) -> None:
    rule = {"id": "quiet", "no_new": {"instrument": "exam", "within": "13 days"}}
    watched.change(monitors=[SCAN_DATA, rule])
    watched.run(hours=0)
    watched.save("participant_info", event="baseline_arm_1", record="9001")

    assert watched.run(hours=24 * 14)["opened"] == {"quiet": 1}


@pytest.mark.parametrize("flow", ["check_replies", "ingest_triggers"])
def test_a_flow_that_has_not_run_is_told_and_resolved_by_its_next_run(watched: Watched, flow: str) -> None:
    rule = {"id": "nightly", "job": {"flow": flow, "within": "26 hours"}}
    watched.change(monitors=[SCAN_DATA, rule])
    watched.run(hours=0)
    late = watched.run(hours=27)
    # The journal's clock is the real one, which is ahead of the tests'.
    call_flow(flow, {"study": watched.name})

    watched.run(hours=28)

    assert late["opened"] == {"nightly": 1}
    assert watched.mails(STAFF_MAIL) == [
        f"nightly: {flow} has not ended well for 26 hours. `capstan monitors list trial`"
    ]
    assert watched.states() == ["resolved"]


def test_redcap_being_down_keeps_nobody_from_hearing_of_data_and_jobs(watched: Watched) -> None:
    watched.watch_forms(FOLLOW_UP)
    watched.save("exam")
    watched.run(hours=0)
    watched.add_session()
    watched.expect_data()
    file = watched.folder / "study.yaml"
    text = file.read_text(encoding="utf-8")
    file.write_text(text.replace(watched.contact.study.url, "http://127.0.0.1:9/api/"), encoding="utf-8")

    with pytest.raises(CapstanError):
        watched.run(hours=48)

    assert len(watched.mails(IMAGING)) == 1
    assert watched.mails(STAFF_MAIL) == []
    file.write_text(text, encoding="utf-8")
    watched.run(hours=49)
    assert len(watched.mails(STAFF_MAIL)) == 1


def test_a_survey_is_waited_for_once_scans_have_made_the_session(watched: Watched) -> None:
    rule = {"id": "survey", "of": {"session": "scans"}, "then": {"form": "exam"}, "after": "48 hours"}
    watched.change(monitors=[SCAN_DATA, rule])
    key = watched.add_session()
    before = watched.run(hours=0)["opened"]
    with watched.contact.store() as store:
        note_data(store, key, source="archive", now=watched.clock.now)

    after = watched.run(hours=1)["opened"]
    watched.run(hours=49)

    assert (before, after) == ({}, {"survey": 1})
    assert watched.mails(STAFF_MAIL)[0].startswith("survey: the form exam is not complete 2 days")


def test_a_survey_that_another_study_shares_has_come(watched: Watched) -> None:
    rule = {"id": "survey", "of": {"session": "scans"}, "then": {"form": "exam"}, "after": "48 hours"}
    watched.change(monitors=[SCAN_DATA, rule])
    key = watched.add_session()
    told = SessionForm(
        FormPlace("77", "", "their_scan", ""),
        FormContent("OTH01_CMH_0007_01_01"),
        SessionId("OTH01", "CMH", "0007", "01", "01"),
    )
    with watched.contact.store() as store:
        note_data(store, key, source="archive", now=watched.clock.now)
        watched.run(hours=1)
        (theirs,) = load_forms(store, Mailroom("other", "redcap.test", 9), [told], now=watched.clock.now)
        share_record(store, theirs.session, with_session=key, by="Ann", now=watched.clock.now)

    watched.run(hours=49)

    assert watched.states() == ["resolved"]
    assert watched.mails(STAFF_MAIL) == []


def test_a_probe_that_is_not_in_the_study_file_is_told_and_stops_nothing_else(watched: Watched) -> None:
    watched.change(monitors=[SCAN_DATA | {"then": {"data": "elsewhere"}}])
    watched.expect_data()
    watched.add_session()

    watched.run(hours=49)

    (mail,) = watched.mails(IMAGING)
    assert "one could not look" in mail
    assert "there is no probe elsewhere" in mail


def test_a_site_that_expects_no_survey_is_not_waited_for(watched: Watched) -> None:
    rule = {"id": "survey", "of": {"session": "scans"}, "then": {"form": "exam"}, "after": "48 hours"}
    sites = [{"site": "CMH", "code": "DTI01", "expects_redcap": False}]
    watched.change(monitors=[SCAN_DATA, rule], sessions={"sites": sites})
    key = watched.add_session()
    with watched.contact.store() as store:
        note_data(store, key, source="archive", now=watched.clock.now)

    assert watched.run(hours=1)["opened"] == {}


def test_a_reply_is_waited_for_after_each_message_and_resolves_it(watched: Watched) -> None:
    rule = {"id": "answer", "of": {"message": "reminder"}, "then": {"reply": "reminder"}, "after": "3 days"}
    watched.change(monitors=[SCAN_DATA, rule])
    watched.send_reminder("1", "+12065550101", occasion="first")
    watched.send_reminder("2", "+12065550102", occasion="first")
    first = watched.run(hours=1)["opened"]
    again = watched.run(hours=2)["opened"]
    watched.answer("+12065550102")

    watched.run(hours=24 * 3 + 1)
    watched.send_reminder("2", "+12065550102", occasion="second")
    second = watched.run(hours=24 * 3 + 2)["opened"]

    assert (first, again, second) == ({"answer": 2}, {}, {"answer": 1})
    assert watched.mails(STAFF_MAIL) == [
        "answer: nobody answered reminder 3 days after it began to be waited for. `capstan monitors list trial`"
    ]
    assert watched.states() == ["reminded", "resolved", "open"]


def test_a_database_is_asked_with_the_address_that_is_kept_elsewhere(
    watched: Watched, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = watched.folder / "scans.sqlite"
    with sqlite3.connect(file) as connection:
        connection.execute("CREATE TABLE scan (session TEXT)")
        connection.execute("INSERT INTO scan VALUES (?)", [SESSION])
    connection.close()
    sql = "SELECT count(*) FROM scan WHERE session = :session"
    probe = {"id": "archive", "sql": sql, "database": {"env": "SCAN_DATABASE"}}
    watched.change(probes=[probe])
    watched.add_session()
    watched.expect_data()
    watched.run(hours=48)
    monkeypatch.setenv("SCAN_DATABASE", f"sqlite:///{file}")

    watched.run(hours=49)

    assert (
        "one could not look whether there are scan data (The environment variable SCAN_DATABASE"
        in (watched.mails(IMAGING)[0])
    )
    assert watched.states() == ["resolved"]


def test_somebody_with_two_parts_gets_one_notice(watched: Watched) -> None:
    roles = [{"name": "imaging", "email": [PI]}, {"name": "pi", "email": [PI]}]
    watched.change(notify={"staff": {"email": [PI]}, "roles": roles})
    watched.change(monitors=[SCAN_DATA | {"notify": ["imaging", "staff"]}])
    watched.add_session()
    watched.expect_data()

    watched.run(hours=120)

    assert len(watched.mails(PI)) == 1


def test_a_step_that_reaches_nobody_is_no_success_and_says_so(watched: Watched) -> None:
    watched.change(notify={"roles": [{"name": "imaging"}, {"name": "pi"}]})
    watched.add_session()
    watched.expect_data()

    summary = watched.run(hours=48)

    assert (summary["outcome"], summary["nobody_to_tell"]) == ("partly", 1)
    assert "nobody has an address" in summary["reason"]
    assert watched.states() == ["reminded"]


def test_a_dry_run_counts_and_changes_nothing(watched: Watched) -> None:
    watched.watch_forms(FOLLOW_UP)
    watched.add_session()
    watched.expect_data()
    watched.save("exam")

    summary = watched.run(hours=48, dry_run=True)

    assert summary["outcome"] == "dry run"
    assert summary["opened"] == {"follow_up": 1}
    assert summary["waits"] == {"looked at": 1, "reminded": 1}
    assert watched.states()[-1] == "open"
    assert watched.mails(IMAGING) == []


def script(watched: Watched, body: str) -> list[str]:
    """A command of the study, which gets the session's name."""
    file = watched.folder / "command.py"
    file.write_text(
        f"import pathlib, sys\nhere = pathlib.Path({str(watched.folder)!r})\n{body}\n", encoding="utf-8"
    )
    return [sys.executable, str(file), "{session}"]


def calls(watched: Watched) -> list[str]:
    file = watched.folder / "calls"
    return file.read_text(encoding="utf-8").split() if file.exists() else []


NOTE = "(here / 'calls').open('a').write(sys.argv[1] + '\\n')"


def test_a_download_is_tried_at_once_and_hourly_and_its_end_is_not_silent(watched: Watched) -> None:
    command = {"command": script(watched, NOTE), "every": "1 hour", "until": "3 hours"}
    watched.change(monitors=[SCAN_DATA | {"download": command, "after": "4 hours"}])
    watched.add_session()
    watched.expect_data()

    downloads = [watched.run(hours=hours)["downloads"] for hours in (0, 0.5, 1, 2, 3, 4)]

    assert downloads == [1, 0, 1, 1, 0, 0]
    assert calls(watched) == [SESSION] * 3
    assert len(watched.mails(IMAGING)) == 1


def test_a_download_that_brings_the_data_resolves_the_wait_and_starts_the_next_command_once(
    watched: Watched,
) -> None:
    fetch = "p = here / 'archive' / 'CMH' / sys.argv[1]; p.mkdir(parents=True); (p / '1.dcm').write_text('x')"
    words = script(watched, fetch)
    after = watched.folder / "after.py"
    after.write_text(f"import pathlib, sys\nhere = pathlib.Path({str(watched.folder)!r})\n{NOTE}\n")
    commands = {
        "download": {"command": words},
        "afterwards": {"command": [sys.executable, str(after), "{session}"]},
    }
    watched.change(monitors=[SCAN_DATA | commands])
    watched.add_session()
    watched.expect_data()

    summary = watched.run(hours=0)
    watched.expect_data(instance="2")
    watched.run(hours=1)

    assert (summary["waits"]["resolved"], summary["commands"]) == (1, {"done": 1})
    assert calls(watched) == [SESSION]
    assert watched.states() == ["resolved", "resolved"]


def test_a_command_that_fails_is_told_and_not_run_again(watched: Watched) -> None:
    command = {"command": script(watched, f"{NOTE}; sys.exit(7)")}
    watched.change(monitors=[SCAN_DATA | {"afterwards": command}])
    watched.add_session()
    watched.expect_data()
    watched.put_scan()

    summary = watched.run(hours=0)
    watched.run(hours=1)

    assert (summary["outcome"], summary["commands"]) == ("partly", {"failed": 1})
    assert calls(watched) == [SESSION]
    assert "the command that follows the data ended with 7" in watched.mails(IMAGING)[0]
    with watched.contact.store() as store:
        assert find_command(store, watched.waits()[0].id) == ("failed", 7)


def test_in_a_rehearsal_no_probe_no_command_and_no_mail_reach_the_world(
    watched: Watched, capstan: CommandLine
) -> None:
    words = script(watched, NOTE)
    rule = SCAN_DATA | {"of": {"form": "exam"}, "after": "0 minutes", "notify": ["staff"], "escalate": None}
    probe = {"id": "asked", "command": [*words[:2], "{record}"]}
    watched.change(
        monitors=[rule | {"then": {"data": "asked"}, "download": {"command": [*words[:2], "{record}"]}}],
        probes=[probe],
        triggers=[],
    )
    watched.save("exam")

    said = capstan("rehearse", "trial", "--flow", "run_monitors", "--json")

    (flow,) = json.loads(said.out)["flows"]
    assert flow["found"]["opened"]["scan_data"] > 0
    assert flow["found"]["waits"]["reminded"] > 0
    assert calls(watched) == []
    assert watched.mails(STAFF_MAIL) == []
    assert watched.waits() == []
    watched.run(hours=0)
    assert watched.contact.record in calls(watched)


def test_a_study_without_monitors_has_nothing_to_do(watched: Watched) -> None:
    watched.change(monitors=[], probes=[PROBE], triggers=[])

    assert watched.run(hours=0)["outcome"] == "idle"
