"""kill -9 at every step of a run of messages: nobody is texted twice, nobody is left out, one log row each."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from message_study import MessageStudy, make_message_study
from processes import run_flow
from sqlalchemy import update

from capstan.message import MessageState
from capstan.store.outbox_tables import ATTEMPT

PHONES = {"2": "206-555-0180", "3": "206-555-0181", "5": "206-555-0128"}
# Where messages and REDCap may come to differ; test_crashes kills at every step of what all runs have in common.
POINTS = (
    *("begun", "queued", "texted", "settled", "exported:2", "judged", "journaled"),
    *("imported", "read_back", "ended", "written_down"),
)


@pytest.fixture
def trial(tmp_path: Path, addresses: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> MessageStudy:
    """Two phones that work, and one whose answer is lost."""
    made = make_message_study(tmp_path, addresses, monkeypatch)
    for record, number in PHONES.items():
        made.phone(record, number)
    return made


@pytest.mark.parametrize("point", POINTS)
def test_a_run_that_is_killed_is_finished_by_the_next_ones(point: str, trial: MessageStudy) -> None:
    given, environment = {"study": "trial"}, trial.environment

    killed = run_flow("send_messages", given, environment=environment, crash_at=point)
    again = run_flow("send_messages", given, environment=environment)
    trial.let_time_pass()
    checked = run_flow("check_deliveries", given, environment=environment)

    assert killed.exit_code == -9
    assert again.summary["outcome"] in ("done", "idle")
    assert checked.summary["outcome"] == "done"
    assert sorted(trial.texts().values()) == [1, 1, 1]
    assert trial.states() == {MessageState.DELIVERED: 3}
    assert [row["redcap_repeat_instance"] for row in trial.log()] == [1, 1, 1]
    assert {row["txt_twilio_status"] for row in trial.log()} == {"delivered"}


@pytest.mark.parametrize("point", ["journaled", "imported", "ended"])
def test_a_check_that_is_killed_is_finished_by_the_next_one(point: str, trial: MessageStudy) -> None:
    given, environment = {"study": "trial"}, trial.environment
    run_flow("send_messages", given, environment=environment)
    trial.let_time_pass()

    killed = run_flow("check_deliveries", given, environment=environment, crash_at=point)
    again = run_flow("check_deliveries", given, environment=environment)

    assert killed.exit_code == -9
    assert again.summary["outcome"] in ("done", "idle")
    assert [row["redcap_repeat_instance"] for row in trial.log()] == [1, 1, 1]
    assert {row["sms_survey_log_complete"] for row in trial.log()} == {"2"}


# Several workers send at once, so one of them has always claimed what nobody will ever send.
@pytest.mark.parametrize("point", ["message_claimed", "posted", "recorded"])
def test_what_a_killed_worker_had_claimed_is_sent_once_it_is_proved_absent(
    point: str, trial: MessageStudy
) -> None:
    given, environment = {"study": "trial"}, trial.environment
    killed = run_flow("send_messages", given, environment=environment, crash_at=point)
    texts = []
    for column in (ATTEMPT.c.started_at, ATTEMPT.c.looked_at, ATTEMPT.c.looked_at, ATTEMPT.c.looked_at):
        run_flow("send_messages", given, environment=environment)
        texts.append(sorted(trial.texts().values()))
        with trial.store() as store, store.write() as connection:
            connection.execute(update(ATTEMPT).values({column: datetime.now(UTC) - timedelta(minutes=5)}))

    assert killed.exit_code == -9
    assert {count for counts in texts for count in counts} == {1}
    assert texts[-1] == [1, 1, 1]
    assert MessageState.UNKNOWN not in trial.states()
