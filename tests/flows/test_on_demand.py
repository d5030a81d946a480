"""Runs that somebody asks for: one participant by a reference, one event, dry or real."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from command_line import CommandLine
from demo_trial import TODAY, make_demo_trial
from live_study import LiveStudy

from capstan.errors import UsageError
from capstan.store import Asking, list_runs, read_asked
from capstan.store.asked import add_asked
from cli.calling import FLOWS, parameters_of
from cli.stores import open_store_here
from flows.check_eligibility import check_eligibility
from flows.complete_forms import complete_forms
from flows.compute_visit_dates import compute_visit_dates
from flows.poll_participants import poll_participants
from flows.revert_run import revert_run
from tasks.references import records_of, references_of

NOBODY = "kqrt-mbxw-hjzp"
WRITTEN = ("vt_", "elig_", "exam_complete")


@pytest.fixture
def trial(addresses: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> LiveStudy:
    return make_demo_trial(tmp_path / "home", addresses, monkeypatch, participants=24)


def reference(record: str) -> str:
    return references_of("demo", records=[record])[record]


def cells(study: LiveStudy) -> dict[tuple[str, str, str], str]:
    """The cells that runs write, by record, event and field, as far as they are not blank."""
    return {
        (row["record_id"], row["redcap_event_name"], field): value
        for row in study.call(content="record", format="json").json()
        for field, value in row.items()
        if field.startswith(WRITTEN) and value
    }


def ask(*records: str) -> None:
    """Triggers ask for visit dates of some records."""
    asks = [Asking("compute_visit_dates", record) for record in records]
    with open_store_here() as store, store.write() as connection:
        add_asked(store, connection, "demo", asks=asks, now=datetime.now(UTC))


def asked() -> set[str]:
    """The records for which visit dates are still asked for."""
    with open_store_here() as store:
        return {one.record for one in read_asked(store, "demo", flow="compute_visit_dates")}


def changed(before: dict[tuple[str, str, str], str], after: dict[tuple[str, str, str], str]) -> set[Any]:
    return {place for place in before.keys() | after.keys() if before.get(place) != after.get(place)}


def test_a_run_for_one_record_writes_to_that_record_alone(trial: LiveStudy, capstan: CommandLine) -> None:
    before = cells(trial)

    said = capstan(
        "run", "compute_visit_dates", "-s", "demo", "--record", "7", "-p", f"today={TODAY}", "--json"
    )
    again = compute_visit_dates.fn("demo", participant=reference("7"), today=TODAY)

    told, moved = json.loads(said.out), changed(before, cells(trial))
    assert (said.code, told["outcome"], again["outcome"]) == (0, "done", "idle")
    assert {record for record, *_ in moved} == {"7"}
    assert sum(told["visits"].values()) == 2


def test_a_dry_run_for_one_record_writes_nothing_at_all(trial: LiveStudy, capstan: CommandLine) -> None:
    before = cells(trial)

    said = capstan("run", "compute_visit_dates", "-s", "demo", "-r", "7", "--dry-run")

    assert said.code == 0, said.err
    assert "dry run" in said.out
    assert changed(before, cells(trial)) == set()


def test_a_run_for_one_event_writes_on_that_event_alone(trial: LiveStudy) -> None:
    before = cells(trial)
    event = "6_month_arm_2"

    first = compute_visit_dates.fn("demo", event=event, today=TODAY)
    on_event = changed(before, cells(trial))
    rest = compute_visit_dates.fn("demo", today=TODAY)

    assert {place[1] for place in on_event} == {event}
    assert first["outcome"] == rest["outcome"] == "done"
    assert first["cells_written"] < rest["cells_written"]


def test_every_flow_that_takes_a_participant_does_what_a_run_for_all_would_do_for_them(
    trial: LiveStudy,
) -> None:
    before, one = cells(trial), {"participant": reference("7")}

    runs = [
        check_eligibility.fn("demo", today=TODAY, **one),
        poll_participants.fn("demo", today=TODAY, **one),
        complete_forms.fn("demo", "exam", **one),
    ]
    of_one = changed(before, cells(trial))
    check_eligibility.fn("demo", today=TODAY)
    poll_participants.fn("demo", today=TODAY, everybody=True)
    complete_forms.fn("demo", "exam", max_share=1)

    of_all = {place for place in changed(before, cells(trial)) if place[0] == "7"}
    assert {run["outcome"] for run in runs} <= {"done", "idle"}
    assert of_one == of_all != set()


def test_a_poll_for_one_participant_lets_the_next_one_begin_where_the_last_one_ended(
    trial: LiveStudy,
) -> None:
    alone = poll_participants.fn("demo", participant=reference("7"))

    whole = poll_participants.fn("demo")

    assert (alone["records_changed"], whole["records_changed"]) == (1, 24)


def test_an_undo_for_one_participant_leaves_what_others_got(trial: LiveStudy) -> None:
    before = cells(trial)
    done = compute_visit_dates.fn("demo", today=TODAY)
    after = cells(trial)

    undone = revert_run.fn("demo", done["run"], participant=reference("7"))

    assert undone["outcome"] == "done"
    assert changed(after, cells(trial)) == {place for place in changed(before, after) if place[0] == "7"}


def test_a_run_for_one_participant_sees_to_no_others_for_whom_triggers_asked(trial: LiveStudy) -> None:
    ask("7", "8")

    compute_visit_dates.fn("demo", participant=reference("7"))
    of_one = asked()
    compute_visit_dates.fn("demo", event="baseline_arm_1")
    of_event = asked()
    compute_visit_dates.fn("demo")

    assert of_one == of_event == {"8"}
    assert asked() == set()


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({"participant": NOBODY}, f"No participant of study demo has the reference {NOBODY}."),
        (
            {"event": "9_month_arm_7"},
            "There is no event '9_month_arm_7'; the project's events are baseline_arm_1",
        ),
    ],
)
def test_whoever_does_not_exist_is_refused_in_a_sentence_and_nothing_is_written(
    given: dict[str, str], told: str, trial: LiveStudy, capstan: CommandLine
) -> None:
    before = cells(trial)
    pairs = [word for name, value in given.items() for word in ("-p", f"{name}={value}")]

    said = capstan("run", "compute_visit_dates", "-s", "demo", *pairs)

    assert said.code == 2
    assert said.sentence.startswith(told)
    assert changed(before, cells(trial)) == set()


def test_a_record_that_does_not_exist_has_a_reference_that_names_nobody(
    trial: LiveStudy, capstan: CommandLine
) -> None:
    said = capstan("run", "check_eligibility", "-s", "demo", "--record", "no such record")

    assert said.code == 2
    assert said.sentence.startswith("No participant of study demo has the reference ")
    assert "no such record" not in said.all


def test_a_reference_is_told_and_found_again_in_a_terminal(trial: LiveStudy, capstan: CommandLine) -> None:
    given = capstan("records", "reference", "7", "8", "-s", "demo", "--json")
    names = json.loads(given.out)

    found = capstan("records", "whose", names["7"], "-s", "demo")
    lost = capstan("records", "whose", NOBODY, "-s", "demo")

    assert records_of("demo", references=list(names.values())) == {names["7"]: "7", names["8"]: "8"}
    assert found.out.split() == [names["7"], "7"]
    assert (lost.code, lost.sentence.startswith("No participant")) == (2, True)


def test_a_flow_that_cannot_run_for_one_record_says_which_can(trial: LiveStudy, capstan: CommandLine) -> None:
    said = capstan("run", "ingest_triggers", "-s", "demo", "--record", "7")

    assert said.code == 2
    assert "ingest_triggers cannot run for one record; these can: " in said.sentence
    assert "compute_visit_dates" in said.sentence


def test_a_record_id_in_place_of_a_reference_is_kept_nowhere(trial: LiveStudy) -> None:
    with pytest.raises(UsageError) as error:
        compute_visit_dates.fn("demo", participant="TFT-SECRET-7")

    assert "SECRET" not in str(error.value)
    with open_store_here() as store:
        assert list_runs(store) == ()


def test_the_flows_for_one_participant_are_those_that_look_at_participants() -> None:
    without = {name for name in FLOWS if "participant" not in parameters_of(name)}

    assert without >= {"import_records", "apply_plan", "ingest_triggers", "reconcile_triggers"}
    assert not without & {"compute_visit_dates", "send_messages", "run_monitors", "load_sessions"}
