"""What came in: kept once and sealed, handled by each study for itself, and forgotten in time."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from outbox_cases import ROOM, planned, queue, state_of
from store_cases import NOW, open_store

from capstan.delivery import Channel
from capstan.errors import StoreError
from capstan.notice import Cause, Happening
from capstan.replies import Meaning
from capstan.store import (
    Incoming,
    Mailroom,
    Store,
    act_on,
    answered_at,
    block_address,
    claim_notices,
    forget_incoming,
    forget_notices,
    is_blocked,
    keep_incoming,
    list_incoming,
    new_incoming,
    open_incoming,
    raise_happenings,
    records_texted,
    settle_incoming,
)
from capstan.study.notices import Notify

OTHER = Mailroom("other", "redcap.test", 15)
NUMBER, SERVICE, PHONE = "+15005550006", f"MG{'1' * 32}", "+12065550000"
NOTIFY = Notify.model_validate({"staff": {"email": ["ann@example.org"], "on": ["question", "distress"]}})
DANGER = Happening(Cause.DISTRESS, "danger", NOW, "7")


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with open_store(tmp_path) as opened:
        yield opened


def keep(store: Store, sid: str = "SM1", *, now: datetime = NOW, **fields: str) -> bool:
    form = {"MessageSid": sid, "From": PHONE, "To": NUMBER, "Body": "xwordsx", **fields}
    return keep_incoming(store, form, now=now)


def unseen(store: Store, room: Mailroom = ROOM, *, service: str = "", number: str = NUMBER) -> list[str]:
    return [one.sid for one in new_incoming(store, room, service=service, number=number)]


def act(store: Store, *meanings: Meaning, room: Mailroom = ROOM, **changes: Any) -> bool:
    (incoming,) = new_incoming(store, room, service="", number=NUMBER)
    return act_on(store, room, incoming, **{"meanings": meanings, "happenings": [], "now": NOW, **changes})


def test_a_text_is_kept_once_and_sealed(store: Store, tmp_path: Path) -> None:
    first, again = keep(store), keep(store, Body="another")

    assert (first, again) == (True, False)
    (one,) = new_incoming(store, ROOM, service="", number=NUMBER)
    assert (one.sender, one.text, one.received_at) == (PHONE, "xwordsx", NOW)
    assert "xwordsx" not in repr(one)
    for file in tmp_path.iterdir():
        assert not {b"xwordsx", PHONE.encode()} & set(file.read_bytes().split(b'"'))


def test_a_text_without_a_name_is_refused(store: Store) -> None:
    with pytest.raises(StoreError, match="MessageSid"):
        keep(store, "")


def test_texts_are_those_to_the_studys_number_or_service(store: Store) -> None:
    keep(store, "SM1")
    keep(store, "SM2", To="+18885550100", MessagingServiceSid=SERVICE)
    keep(store, "SM3", To="+18885550100")

    assert unseen(store) == ["SM1"]
    assert unseen(store, service=SERVICE) == ["SM1", "SM2"]
    assert unseen(store, service=SERVICE, number="") == ["SM2"]


def test_two_studies_with_one_number_handle_a_text_each_for_itself(store: Store) -> None:
    keep(store)
    act(store, Meaning.QUESTION)

    assert unseen(store) == []
    assert unseen(store, OTHER) == ["SM1"]
    assert [one.sid for one in open_incoming(store, ROOM)] == ["SM1"]
    assert open_incoming(store, OTHER) == ()


def test_of_several_processes_one_acts_and_what_it_raises_is_raised_once(store: Store) -> None:
    keep(store)
    (incoming,) = new_incoming(store, ROOM, service="", number=NUMBER)

    def once(_: int) -> bool:
        return act_on(store, ROOM, incoming, meanings=[Meaning.DISTRESS], happenings=[DANGER], now=NOW)

    with ThreadPoolExecutor(6) as pool:
        done = list(pool.map(once, range(6)))

    assert sum(done) == 1
    (claimed,) = claim_notices(store, ROOM, notify=NOTIFY, now=NOW)
    assert claimed.notice.happenings == 1


def test_stop_suppresses_what_waits_and_is_stronger_than_what_only_sounded_like_it(store: Store) -> None:
    queue(store, planned(address=PHONE))
    block_address(store, Channel.SMS, address=PHONE, reason="asked_to_stop", by="a reply", now=NOW)
    keep(store)

    act(store, Meaning.STOP)

    assert is_blocked(store, Channel.SMS, address=PHONE) == "opted_out"
    assert state_of(store) == "suppressed"


@pytest.mark.parametrize(("before", "after"), [("opted_out", ""), ("bad_address", "bad_address")])
def test_start_lifts_an_opt_out_and_nothing_else(before: str, after: str, store: Store) -> None:
    block_address(store, Channel.SMS, address=PHONE, reason=before, by="Ann", now=NOW)
    keep(store)

    act(store, Meaning.START)

    assert is_blocked(store, Channel.SMS, address=PHONE) == after


def test_a_settled_text_is_listed_with_what_was_made_of_it(store: Store) -> None:
    keep(store)
    act(store, Meaning.DISTRESS, Meaning.STOP)
    settle_incoming(store, ROOM, {"SM1": 2}, happenings=[], now=NOW)

    (one,) = list_incoming(store, study=ROOM.study)

    assert (one.meaning, one.matches, one.handled_at) == ("distress, stop", 2, NOW)
    assert open_incoming(store, ROOM) == ()
    assert list_incoming(store, sid="SM9") == list_incoming(store, study="other") == ()


def test_the_outbox_knows_who_was_texted_at_a_number_and_when_it_was_answered(store: Store) -> None:
    queue(store, planned(2, message="answer help", address=PHONE))

    assert records_texted(store, ROOM, address=PHONE) == {"000", "001"}
    assert records_texted(store, OTHER, address=PHONE) == frozenset()
    assert answered_at(store, ROOM, address=PHONE, names=["answer help"]) == [NOW, NOW]
    assert answered_at(store, ROOM, address=PHONE, names=["answer unknown"]) == []


def test_what_texts_said_is_forgotten_once_every_study_is_done_with_it(store: Store) -> None:
    for sid in ("SM1", "SM2"):
        keep(store, sid)
    for one in new_incoming(store, ROOM, service="", number=NUMBER):
        act_on(store, ROOM, one, meanings=[Meaning.QUESTION], happenings=[], now=NOW)
    settle_incoming(store, ROOM, {"SM1": 1}, happenings=[], now=NOW)
    later = NOW + timedelta(days=1)

    counts = [forget_incoming(store, ROOM, before=moment) for moment in (NOW, later, later)]

    assert counts == [0, 1, 0]
    forms: dict[str, Incoming] = {one.incoming.sid: one.incoming for one in list_incoming(store)}
    assert (forms["SM1"].form, forms["SM1"].text, forms["SM2"].text) == (None, "", "xwordsx")


def test_notices_of_long_ago_are_forgotten_and_told_to_nobody(store: Store) -> None:
    raise_happenings(store, ROOM, happenings=[DANGER])
    late = NOW + timedelta(days=8)

    assert claim_notices(store, ROOM, notify=NOTIFY, now=late) == []
    assert len(claim_notices(store, ROOM, notify=NOTIFY, now=NOW)) == 1
    forget_notices(store, ROOM, before=late)
    assert claim_notices(store, ROOM, notify=NOTIFY, now=NOW) == []
