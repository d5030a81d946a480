"""Every code of the table leads to its action, and the table is the one of the notes."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from itertools import product
from pathlib import Path

import pytest

from capstan.delivery import UNCONFIRMED, Channel, is_final, may_follow
from capstan.delivery.codes import CODES, Action, CodeRule, next_try, rule_for

NOTES = Path(__file__).resolve().parents[3] / "shared/spec/messaging.md"
FAILED = ("", "failed", "undelivered")
FINE = ("accepted", "scheduled", "queued", "sending", "sent", "delivered", "read", "canceled", "new word")
STATUSES = ("accepted", "queued", "sending", "sent", "canceled", "failed", "undelivered", "delivered", "read")


@pytest.mark.parametrize("code", CODES)
def test_each_code_of_a_failed_message_leads_to_its_action(code: int) -> None:
    rules = {rule_for(code, status=status) for status in FAILED}

    assert rules == {CODES[code]}
    assert CODES[code].meaning


@pytest.mark.parametrize("status", FINE)
def test_a_code_on_a_message_that_did_not_fail_asks_for_nothing(status: str) -> None:
    assert {rule_for(code, status=status).action for code in CODES} == {Action.NONE}


@pytest.mark.parametrize(
    ("status", "action", "retries"),
    [
        ("", Action.ASK, 0),
        ("failed", Action.ASK, 0),
        ("undelivered", Action.LATER, 1),
        ("sent", Action.NONE, 0),
    ],
)
@pytest.mark.parametrize("code", [0, 29999, 99999])
def test_an_unknown_code_is_judged_by_the_status(
    code: int, status: str, action: Action, retries: int
) -> None:
    rule = rule_for(code, status=status)

    assert (rule.action, rule.retries) == (action, retries)
    assert rule.then is (Action.ASK if retries else Action.NONE)


@pytest.mark.parametrize("rule", CODES.values())
def test_only_what_is_tried_again_has_retries_and_a_wait(rule: CodeRule) -> None:
    is_tried_again = rule.action in (Action.RETRY, Action.LATER)

    assert (rule.retries > 0) == is_tried_again
    assert (rule.wait > timedelta(0)) == is_tried_again


@pytest.mark.parametrize("rule", [rule for rule in CODES.values() if rule.action is Action.LATER])
def test_later_means_at_most_two_attempts_and_then_a_person(rule: CodeRule) -> None:
    assert rule.retries <= 2
    assert rule.then is Action.ASK


# The words of the notes' column "Action", the first that fits.
WORDS = (
    ("HALT", Action.HALT),
    ("BADNUM", Action.BAD_ADDRESS),
    ("suppress", Action.STOP),
    ("STOP+ASK", Action.STOP),
    ("FIX", Action.FIX),
    ("LATER", Action.LATER),
    ("STOP", Action.STOP),
    ("RETRY", Action.RETRY),
    ("BUDGET", Action.BUDGET),
    ("expired", Action.EXPIRED),
    ("reconcile", Action.NONE),
    ("stop the loop", Action.ASK),
    ("alert", Action.ASK),
    ("ASK", Action.ASK),
    ("note it", Action.HALT),
)
# The one row whose codes have three actions.
COMPLIANCE = {30047: Action.LATER, 30610: Action.LATER, 30640: Action.STOP}


def codes_in(cell: str) -> list[int]:
    """The codes of a table cell, in which 11205-11207 is a range."""
    found: list[int] = []
    for first, last in re.findall(r"\b(\d{5})(?:[–-](\d{5}))?", cell):
        found += range(int(first), int(last or first) + 1)
    return found


def rows_of_the_notes() -> list[tuple[int, Action]]:
    text = NOTES.read_text(encoding="utf-8")
    table = text[text.index("| Code | HTTP / where") : text.index("| anything else | `failed`")]
    rows: list[tuple[int, Action]] = []
    for line in table.splitlines()[2:]:
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        action = next((action for word, action in WORDS if word in cells[-1]), None)
        assert action is not None, cells[-1]
        rows += [(code, COMPLIANCE.get(code, action)) for code in codes_in(cells[0])]
    return rows


@pytest.mark.skipif(not NOTES.exists(), reason="the notes are not beside the repository")
def test_the_table_is_the_one_of_the_notes() -> None:
    wanted = rows_of_the_notes()

    assert len(wanted) > 70
    assert {code: CODES[code].action for code, _ in wanted if code in CODES} == dict(wanted)


@pytest.mark.parametrize("old", STATUSES)
@pytest.mark.parametrize("new", STATUSES)
def test_a_status_never_goes_back_but_between_failed_and_delivered(old: str, new: str) -> None:
    ranks = {name: rank for rank, name in enumerate(STATUSES)} | {"undelivered": STATUSES.index("failed")}
    ends = {ranks[old], ranks[new]} == {ranks["failed"], ranks["delivered"]}

    assert may_follow(old, new) == (ends or ranks[new] > ranks[old])


def test_failed_and_delivered_replace_each_other_once_each_way() -> None:
    held, swaps, seen = "sent", -1, []
    for new in ("delivered", "undelivered", "delivered", "undelivered", "delivered"):
        if may_follow(held, new, swaps=max(swaps, 0)):
            held, swaps = new, swaps + 1
        seen.append(held)

    assert seen == ["delivered", "undelivered", "delivered", "delivered", "delivered"]


def test_an_unknown_word_changes_nothing_and_the_first_known_one_counts() -> None:
    assert not may_follow("", "delivery unknown")
    assert all(may_follow("", status) for status in STATUSES)
    assert not any(may_follow(status, "delivery unknown") for status in STATUSES)


def test_however_statuses_arrive_the_highest_holds() -> None:
    for order in product(("queued", "sending", "sent", "read"), repeat=4):
        held = ""
        for status in order:
            held = status if may_follow(held, status) else held

        assert held == max(order, key=STATUSES.index)


def test_sent_is_not_final_because_a_receipt_may_come() -> None:
    assert [status for status in STATUSES if is_final(status)] == list(STATUSES[4:])
    assert not is_final("delivery unknown")


def test_our_own_word_for_no_receipt_is_final_and_any_receipt_replaces_it() -> None:
    assert is_final(UNCONFIRMED)
    assert may_follow("sent", UNCONFIRMED)
    assert not may_follow(UNCONFIRMED, "sent")
    assert all(may_follow(UNCONFIRMED, status) for status in ("delivered", "undelivered", "failed", "read"))


def test_what_our_mail_server_said_of_a_letter_is_final() -> None:
    assert is_final("sent", Channel.EMAIL)
    assert not is_final("", Channel.EMAIL)


@pytest.mark.parametrize(
    ("now", "then"),
    [
        (datetime(2026, 7, 1, 6, 59, tzinfo=UTC), datetime(2026, 7, 1, 7, tzinfo=UTC)),
        (datetime(2026, 7, 1, 7, 0, tzinfo=UTC), datetime(2026, 7, 2, 7, tzinfo=UTC)),
        (datetime(2026, 3, 8, 20, tzinfo=UTC), datetime(2026, 3, 9, 7, tzinfo=UTC)),
        (datetime(2026, 11, 1, 20, tzinfo=UTC), datetime(2026, 11, 2, 8, tzinfo=UTC)),
    ],
)
def test_the_daily_allowance_comes_back_at_midnight_on_the_pacific_coast(
    now: datetime, then: datetime
) -> None:
    assert next_try(CODES[30023], now=now) == then


def test_any_other_rule_waits_as_long_as_it_says() -> None:
    now = datetime(2026, 7, 1, tzinfo=UTC)

    assert next_try(CODES[30450], now=now) == now + timedelta(minutes=30)
