"""Waits in the store: opened once, looked at by one worker, told once, and followed by one command."""

from __future__ import annotations

import multiprocessing
import os
import signal
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from itertools import count
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from outbox_cases import ROOM
from sqlalchemy import select, update
from store_cases import NOW, bytes_on_disk, open_store

from capstan.errors import Refused, UsageError
from capstan.monitors import Evidence, Standing, WaitState
from capstan.monitors.life import next_step
from capstan.notice import Cause, Happening
from capstan.store import (
    CommandState,
    Mailroom,
    MonitorWait,
    Opening,
    Store,
    claim_download,
    claim_waits,
    dismiss_wait,
    end_command,
    end_former_waits,
    end_waits_of,
    find_command,
    forget_waits,
    list_waits,
    load_keys,
    move_wait,
    open_waits,
    read_wait,
    rename_waits,
    settle_cut_off,
    start_command,
)
from capstan.store.monitor_tables import COMMAND, WAIT
from capstan.store.reply_tables import NOTICE
from capstan.study.monitors import Monitor
from capstan.triggers import Place

SCAN = Place("A-001", "baseline_arm_1", "scan", "")
LATER = NOW + timedelta(hours=1)
SHORT = timedelta(minutes=1)
NEWS = [Happening(Cause.MONITOR, "scan_data: nothing came.", NOW, roles=("imaging",))]
SPAWN = multiprocessing.get_context("spawn")


def opening(**changes: object) -> Opening:
    values = {"monitor": "scan_data", "since": NOW, "place": SCAN, "session": "DTI01_CMH_0001_01_01"}
    return Opening(**{**values, "site": "CMH", **changes})


def claim(store: Store, *, now=LATER, monitor: str = "scan_data") -> tuple[MonitorWait, ...]:
    return claim_waits(store, ROOM, monitors=[monitor], before=now, now=now)


def opened(store: Store, **changes: object) -> MonitorWait:
    """A wait that was just opened and claimed."""
    open_waits(store, ROOM, [opening(**changes)], now=NOW)
    return claim(store)[0]


def stands(wait: MonitorWait, state: WaitState) -> Standing:
    return Standing(state, wait.standing.since, LATER)


def count_notices(store: Store) -> int:
    with store.read() as connection:
        return len(connection.execute(select(NOTICE.c.id)).all())


def test_a_wait_is_read_as_it_was_opened(store: Store) -> None:
    wait = opened(store)

    assert (wait.monitor, wait.session, wait.site, wait.place) == (
        "scan_data",
        "DTI01_CMH_0001_01_01",
        "CMH",
        SCAN,
    )
    assert wait.standing == Standing(WaitState.OPEN, NOW)
    assert (wait.tellings, wait.downloads, wait.ended_at) == (0, 0, None)


def test_re_saves_of_a_form_open_no_further_monitors(store: Store) -> None:
    counts = [open_waits(store, ROOM, [opening(since=NOW + timedelta(hours=n))], now=NOW) for n in range(50)]

    assert sum(counts) == 1
    assert len(list_waits(store, "demo")) == 1


def test_another_subject_another_monitor_and_another_project_have_waits_of_their_own(store: Store) -> None:
    others = [opening(session="DTI01_CMH_0002_01_01"), opening(monitor="survey"), opening(session="")]

    assert open_waits(store, ROOM, [opening(), *others], now=NOW) == 4
    assert open_waits(store, ROOM._replace(project_id=15), [opening()], now=NOW) == 1


def test_a_second_form_of_the_same_session_opens_no_second_wait_while_one_is_open(store: Store) -> None:
    again = opening(place=Place("A-001", "baseline_arm_1", "scan", "2"))

    assert open_waits(store, ROOM, [opening(), again], now=NOW) == 1


@pytest.mark.parametrize("state", [WaitState.RESOLVED, WaitState.GIVEN_UP, WaitState.DISMISSED])
def test_an_ended_wait_is_opened_again_by_something_new_and_by_no_re_save(
    store: Store, state: WaitState
) -> None:
    wait = opened(store)
    move_wait(store, ROOM, wait, standing=stands(wait, state), now=LATER)

    assert open_waits(store, ROOM, [opening()], now=LATER) == 0
    again = opening(place=Place("A-001", "baseline_arm_1", "scan", "2"))
    assert open_waits(store, ROOM, [again], now=LATER) == 1


def test_a_message_that_is_sent_again_is_a_new_occasion_of_the_same_subject(store: Store) -> None:
    wait = opened(store, session="", occasion="message 1")
    move_wait(store, ROOM, wait, standing=stands(wait, WaitState.RESOLVED), now=LATER)

    counts = [
        open_waits(store, ROOM, [opening(session="", occasion=f"message {n}")], now=NOW) for n in (1, 2)
    ]

    assert counts == [0, 1]


def test_a_dismissed_session_stays_dismissed_however_often_its_form_is_saved(store: Store) -> None:
    wait = opened(store)

    dismiss_wait(store, "demo", number=wait.id, reason="the scanner broke", by="Ann Lee", now=LATER)

    found = read_wait(store, "demo", number=wait.id)
    assert (found.standing.state, found.reason, found.by) == (
        WaitState.DISMISSED,
        "the scanner broke",
        "Ann Lee",
    )
    assert open_waits(store, ROOM, [opening()] * 5, now=LATER) == 0
    assert claim(store, now=LATER + timedelta(days=9)) == ()
    assert not move_wait(
        store, ROOM, wait, standing=stands(wait, WaitState.REMINDED), happenings=NEWS, now=LATER
    )
    assert count_notices(store) == 0


def test_only_an_open_wait_can_be_dismissed(store: Store) -> None:
    wait = opened(store)
    dismiss_wait(store, "demo", number=wait.id, reason="broken", by="Ann", now=NOW)

    with pytest.raises(Refused, match="has ended already: it is dismissed"):
        dismiss_wait(store, "demo", number=wait.id, reason="again", by="Bob", now=NOW)
    with pytest.raises(UsageError, match="The study has no wait 99"):
        dismiss_wait(store, "demo", number=99, reason="no", by="Bob", now=NOW)


def test_workers_share_the_waits_and_none_gets_one_twice(store: Store) -> None:
    open_waits(store, ROOM, [opening(session=f"S{n}") for n in range(40)], now=NOW)

    def work(_: int) -> list[int]:
        return [
            wait.id
            for _ in range(5)
            for wait in claim_waits(store, ROOM, monitors=["scan_data"], before=LATER, now=LATER, limit=3)
        ]

    with ThreadPoolExecutor(4) as pool:
        claimed = [number for part in pool.map(work, range(4)) for number in part]

    assert len(claimed) == len(set(claimed)) == 40


def test_a_wait_is_looked_at_once_in_a_run(store: Store) -> None:
    wait = opened(store)
    move_wait(store, ROOM, wait, standing=wait.standing, now=LATER)

    assert claim(store, now=LATER) == ()
    assert len(claim(store, now=LATER + timedelta(minutes=1))) == 1


def test_a_state_and_what_staff_are_told_of_it_are_kept_together_and_once(store: Store) -> None:
    wait = opened(store)
    told = [
        move_wait(store, ROOM, wait, standing=stands(wait, WaitState.REMINDED), happenings=NEWS, now=LATER)
        for _ in range(3)
    ]

    assert told == [True, False, False]
    assert count_notices(store) == 1
    assert read_wait(store, "demo", number=wait.id).tellings == 1


def test_a_worker_that_was_too_slow_tells_nobody(store: Store) -> None:
    slow = opened(store)
    (fast,) = claim(store, now=LATER + timedelta(hours=1))
    move_wait(store, ROOM, fast, standing=stands(fast, WaitState.RESOLVED), now=LATER)

    assert not move_wait(
        store, ROOM, slow, standing=stands(slow, WaitState.REMINDED), happenings=NEWS, now=LATER
    )
    assert not claim_download(store, slow, lasting=SHORT, now=LATER)
    assert read_wait(store, "demo", number=slow.id).standing.state is WaitState.RESOLVED


def test_a_download_is_counted_before_it_is_tried(store: Store) -> None:
    wait = opened(store)

    assert claim_download(store, wait, lasting=SHORT, now=LATER)
    found = read_wait(store, "demo", number=wait.id)
    assert (found.downloads, found.downloaded_at) == (1, LATER)


def test_nobody_else_takes_a_wait_while_its_download_may_last(store: Store) -> None:
    wait = opened(store)
    claim_download(store, wait, lasting=timedelta(hours=1), now=LATER)

    assert claim(store, now=LATER + timedelta(minutes=59)) == ()
    assert len(claim(store, now=LATER + timedelta(hours=2))) == 1


def resolved(store: Store, **changes: object) -> MonitorWait:
    """A wait whose data came, and whose command is planned."""
    wait = opened(store, **changes)
    standing = stands(wait, WaitState.RESOLVED)
    move_wait(store, ROOM, wait, standing=standing, plans_command=True, now=LATER)
    return wait


def test_a_command_runs_once_for_a_session_whatever_comes_after(store: Store) -> None:
    resolved(store)
    command = start_command(store, ROOM, monitors=["scan_data"], now=LATER)
    end_command(store, ROOM, command, exit_code=0, happenings=[], now=LATER)
    resolved(store, place=Place("A-001", "baseline_arm_1", "scan", "2"))

    assert command.wait.session == "DTI01_CMH_0001_01_01"
    assert find_command(store, command.wait.id) == (CommandState.DONE, 0)
    assert start_command(store, ROOM, monitors=["scan_data"], now=LATER) is None


def test_workers_that_ask_at_once_start_each_command_once(store: Store) -> None:
    for number in range(6):
        resolved(store, session=f"S{number}")

    def work(_: int) -> list[int]:
        found = (start_command(store, ROOM, monitors=["scan_data"], now=LATER) for _ in range(6))
        return [command.wait.id for command in found if command]

    with ThreadPoolExecutor(3) as pool:
        started = [number for part in pool.map(work, range(3)) for number in part]

    assert len(started) == len(set(started)) == 6


def test_a_failed_command_is_told_together_with_its_exit_code(store: Store) -> None:
    wait = resolved(store)
    command = start_command(store, ROOM, monitors=["scan_data"], now=LATER)

    end_command(store, ROOM, command, exit_code=3, happenings=NEWS, now=LATER)

    assert find_command(store, wait.id) == (CommandState.FAILED, 3)
    assert count_notices(store) == 1


def test_a_running_command_of_a_living_process_is_left_alone(store: Store) -> None:
    wait = resolved(store)
    start_command(store, ROOM, monitors=["scan_data"], now=LATER)

    assert settle_cut_off(store, ROOM, news=lambda _: NEWS, now=LATER) == 0
    assert find_command(store, wait.id) == (CommandState.STARTED, None)


def test_of_two_workers_one_tells_of_a_command_that_was_cut_off(postgres_url: str, tmp_path: Path) -> None:
    url = f"{postgres_url}{'&' if '?' in postgres_url else '?'}options=-c%20lock_timeout%3D2000"
    counts = []
    with Store.open(url, load_keys(None, home=tmp_path)) as store:
        resolved(store)
        start_command(store, ROOM, monitors=["scan_data"], now=LATER)
        with store.write() as connection:
            connection.execute(update(COMMAND).values(worker="elsewhere:1:"))
        later = LATER + timedelta(days=2)

        def news(_: MonitorWait) -> list[Happening]:
            # The second worker comes while the first has not ended.
            counts.append(settle_cut_off(store, ROOM, news=lambda _: NEWS, now=later))
            return NEWS

        counts.append(settle_cut_off(store, ROOM, news=news, now=later))

        assert counts == [0, 1]
        assert count_notices(store) == 1


def start_and_die(url: str, home: Path) -> None:
    """Claim a wait, start a command, and die as in a power cut."""
    with Store.open(url, load_keys(None, home=home)) as store:
        claim(store)
        start_command(store, ROOM, monitors=["scan_data"], now=LATER)
        os.kill(os.getpid(), signal.SIGKILL)


def test_after_a_sudden_death_waits_go_on_and_a_command_is_for_a_person_and_not_run_again(
    store: Store, url: str, tmp_path: Path
) -> None:
    done = resolved(store)
    open_waits(store, ROOM, [opening(session="S2")], now=NOW)
    process = SPAWN.Process(target=start_and_die, args=(url, tmp_path))
    process.start()
    process.join(60)

    assert process.exitcode == -signal.SIGKILL
    assert [wait.session for wait in claim(store)] == ["S2"]
    counts = [settle_cut_off(store, ROOM, news=lambda _: NEWS, now=LATER) for _ in range(2)]
    assert counts == [1, 0]
    assert find_command(store, done.id) == (CommandState.CUT_OFF, None)
    assert start_command(store, ROOM, monitors=["scan_data"], now=LATER) is None
    assert count_notices(store) == 1


def test_the_waits_of_a_deleted_record_end_and_those_of_others_stay(store: Store) -> None:
    other = opening(session="S2", place=Place("A-002", "baseline_arm_1", "scan", ""))
    open_waits(store, ROOM, [opening(), other], now=NOW)

    count = end_waits_of(store, ROOM, record="A-001", reason="the record was deleted", by="REDCap", now=LATER)

    assert count == 1
    assert [(wait.standing.state, wait.reason) for wait in list_waits(store, "demo")] == [
        (WaitState.OPEN, ""),
        (WaitState.DISMISSED, "the record was deleted"),
    ]


def test_a_corrected_session_id_ends_the_former_wait_and_a_correction_back_opens_one(store: Store) -> None:
    first, second = "DTI01_CMH_0001_01_01", "DTI01_CMH_0002_01_01"
    elsewhere = opening(session="S3", place=Place("A-001", "6_month_arm_1", "scan", ""))
    said = {"place": SCAN, "reason": "another session", "by": "REDCap"}
    open_waits(store, ROOM, [opening(session=first), elsewhere], now=NOW)

    for session in (second, second, first):
        end_former_waits(store, ROOM, session=session, now=LATER, **said)
        open_waits(store, ROOM, [opening(session=session)], now=LATER)

    assert [(wait.session, wait.standing.state) for wait in list_waits(store, "demo")] == [
        (first, WaitState.OPEN),
        (second, WaitState.DISMISSED),
        ("S3", WaitState.OPEN),
        (first, WaitState.DISMISSED),
    ]


def test_a_renamed_record_keeps_its_waits_and_a_re_save_opens_no_other(store: Store) -> None:
    open_waits(store, ROOM, [opening(session="", occasion="x")], now=NOW)

    assert rename_waits(store, ROOM, old="A-001", new="B-009", now=LATER) == 1
    moved = Place("B-009", "baseline_arm_1", "scan", "")
    assert list_waits(store, "demo")[0].place == moved
    assert open_waits(store, ROOM, [opening(session="", place=moved, occasion="x")], now=NOW) == 0
    assert rename_waits(store, ROOM, old="A-001", new="B-009", now=LATER) == 0


def test_the_wait_of_a_session_is_renamed_with_its_record_and_ends_with_it(store: Store) -> None:
    open_waits(store, ROOM, [opening()], now=NOW)

    assert rename_waits(store, ROOM, old="A-001", new="B-009", now=LATER) == 1
    assert list_waits(store, "demo")[0].place == Place("B-009", "baseline_arm_1", "scan", "")
    assert end_waits_of(store, ROOM, record="B-009", reason="deleted", by="REDCap", now=LATER) == 1


def test_an_ended_wait_is_renamed_beside_an_open_one_of_its_session(store: Store) -> None:
    wait = opened(store)
    move_wait(store, ROOM, wait, standing=stands(wait, WaitState.RESOLVED), now=LATER)
    open_waits(store, ROOM, [opening(place=Place("A-001", "baseline_arm_1", "scan", "2"))], now=LATER)

    assert rename_waits(store, ROOM, old="A-001", new="B-009", now=LATER) == 2


def test_after_the_retention_an_ended_wait_is_known_without_its_record(store: Store) -> None:
    wait = opened(store)
    open_waits(store, ROOM, [opening(session="S2")], now=NOW)
    move_wait(store, ROOM, wait, standing=stands(wait, WaitState.RESOLVED), now=LATER)

    counts = [forget_waits(store, ROOM, before=before) for before in (LATER, LATER + timedelta(days=1))]

    assert counts == [0, 1]
    assert [each.place for each in list_waits(store, "demo")] == [SCAN, None]
    assert open_waits(store, ROOM, [opening()], now=LATER) == 0


def test_lists_are_newest_first_and_of_what_is_asked(store: Store) -> None:
    open_waits(store, ROOM, [opening(session=f"S{n}") for n in range(3)], now=NOW)
    dismiss_wait(store, "demo", number=list_waits(store, "demo")[0].id, reason="no", by="Ann", now=NOW)

    assert [wait.session for wait in list_waits(store, "demo")] == ["S2", "S1", "S0"]
    assert [wait.session for wait in list_waits(store, "demo", only_open=True)] == ["S1", "S0"]
    assert [wait.session for wait in list_waits(store, "demo", state=WaitState.DISMISSED)] == ["S2"]
    assert [wait.session for wait in list_waits(store, "demo", limit=1)] == ["S2"]
    assert list_waits(store, "demo", monitor="other") == list_waits(store, "other") == ()


def test_no_record_id_is_on_disk_in_the_clear(tmp_path: Path) -> None:
    with open_store(tmp_path) as store:
        opened(store, place=Place("ZEBRA-4711", "baseline_arm_1", "scan", ""), occasion="GIRAFFE-1")

    on_disk = bytes_on_disk(tmp_path)

    assert b"DTI01_CMH_0001_01_01" in on_disk
    assert b"ZEBRA-4711" not in on_disk
    assert b"GIRAFFE-1" not in on_disk


PLACES = [Place("A-001", "baseline_arm_1", "scan", str(number)) for number in (1, 2, 3)]
ACTS = st.lists(
    st.tuples(
        st.sampled_from(["save", "save", "there", "missing", "dismiss"]),
        st.integers(0, 2),
        st.integers(0, 90),
    ),
    max_size=25,
)
ROOMS = count(100)
RULE = Monitor.model_validate(
    {
        "id": "scan_data",
        "then": {"data": "archive"},
        "after": "48 hours",
        "remind": "24 hours",
        "give_up": "14 days",
    }
)


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    """One store for many examples, each of which has a project of its own."""
    with open_store(tmp_path_factory.mktemp("kept")) as opened:
        yield opened


@settings(max_examples=40, deadline=None)
@given(ACTS)
def test_whatever_happens_a_place_opens_one_wait_one_is_open_and_each_step_is_told_once(
    kept: Store, acts: list[tuple[str, int, int]]
) -> None:
    room, now, told, ended = ROOM._replace(project_id=next(ROOMS)), NOW, 0, {}
    for act, place, hours in acts:
        now += timedelta(hours=hours)
        if act == "save":
            open_waits(kept, room, [opening(place=PLACES[place], since=now)], now=now)
        elif act == "dismiss":
            for wait in [one for one in waits_of(kept, room) if not one.ended_at]:
                dismiss_wait(kept, "demo", number=wait.id, reason="no", by="Ann", now=now)
        else:
            told += look(kept, room, evidence=Evidence(act), now=now)
        waits = waits_of(kept, room)
        for number, state in ended.items():
            assert next(one for one in waits if one.id == number).standing.state is state
        ended = {one.id: one.standing.state for one in waits if one.ended_at}

        assert sum(one.ended_at is None for one in waits) <= 1
        assert len({one.place for one in waits}) == len(waits)
        assert sum(one.tellings for one in waits) == told == count_notices_of(kept, room)


def waits_of(store: Store, room: Mailroom) -> list[MonitorWait]:
    with store.read() as connection:
        mine = select(WAIT.c.id).where(WAIT.c.project_id == room.project_id).order_by(WAIT.c.id)
        numbers = connection.execute(mine).scalars().all()
    return [read_wait(store, "demo", number=number) for number in numbers]


def count_notices_of(store: Store, room: Mailroom) -> int:
    with store.read() as connection:
        mine = select(NOTICE.c.id).where(NOTICE.c.project_id == room.project_id)
        return len(connection.execute(mine).all())


def look(store: Store, room: Mailroom, *, evidence: Evidence, now: datetime) -> int:
    """Look at all open waits, as two workers do that both believe to be alone; returns how many steps told."""
    told = 0
    for _ in range(2):
        before = now + timedelta(seconds=1)
        for wait in claim_waits(store, room, monitors=["scan_data"], before=before, now=now):
            step = next_step(RULE, wait.standing, evidence=evidence, now=now)
            news = NEWS if step.roles else []
            told += bool(news)
            assert move_wait(store, room, wait, standing=step.standing, happenings=news, now=now)
    return told
