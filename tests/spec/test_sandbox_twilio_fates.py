"""What becomes of a message, by the last two digits of its number, the sender, and the clock."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from twilio_desk import NUMBER, SHORT, TOLL_FREE, TwilioDesk, open_desk

from sandbox.twilio.creating import Cut
from sandbox.twilio.fates import FATES, Manner

WAY = ["sent", "delivered"]
DAY = 86_400.0
# Digits: the last status and code, and what is called back for a message through a number.
ENDS = {
    "00": ("delivered", 0, WAY),
    "02": ("sent", 0, ["sent"]),
    "03": ("delivered", 0, ["delivered"]),
    "04": ("delivered", 0, ["delivered", "sent"]),
    "05": ("delivered", 0, ["sent", "delivered", "delivered"]),
    "06": ("delivered", 0, WAY),
    "07": ("undelivered", 30008, ["sent", "delivered", "undelivered"]),
    "08": ("queued", 0, []),
    "09": ("delivered", 0, []),
    "10": ("undelivered", 30003, ["sent", "undelivered"]),
    "11": ("undelivered", 30004, ["sent", "undelivered"]),
    "12": ("undelivered", 30005, ["sent", "undelivered"]),
    "13": ("undelivered", 30006, ["sent", "undelivered"]),
    "14": ("undelivered", 30007, ["sent", "undelivered"]),
    "15": ("undelivered", 30008, ["sent", "undelivered"]),
    "16": ("failed", 30034, ["failed"]),
    "17": ("failed", 30001, ["failed"]),
    "18": ("failed", 30036, ["failed"]),
    "19": ("failed", 30410, ["failed"]),
    "28": ("delivered", 0, WAY),
    "30": ("delivered", 0, WAY),
    "31": ("delivered", 0, WAY),
    "33": ("delivered", 0, WAY),
    "34": ("delivered", 0, WAY),
    "35": ("delivered", 0, WAY),
    "60": ("delivered", 0, WAY),
    "99": ("delivered", 0, WAY),
}
# Refused at once, whoever sends; then those that a service finds out afterwards, and with which code.
REFUSED = {"20": 21211, "23": 21408, "25": 21606}
PERSONAL = {"21": (21610, 21610), "22": (21612, 21612), "24": (21614, 21614), "26": (21611, 30001)}


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[TwilioDesk]:
    with open_desk(tmp_path) as opened:
        yield opened


@pytest.mark.parametrize(("digits", "end"), ENDS.items())
@pytest.mark.parametrize("area", ["206", "907"])
def test_the_last_digits_choose_the_end_in_every_area(
    desk: TwilioDesk, digits: str, end: tuple[str, int, list[str]], area: str
) -> None:
    sid = desk.create(f"+1{area}55501{digits}")

    desk.exchange.advance(DAY)

    status, code, told = end
    assert desk.status(sid) == (status, code)
    assert desk.told(sid) == told


@pytest.mark.parametrize(("digits", "code"), REFUSED.items())
def test_some_are_refused_at_once_and_leave_nothing(desk: TwilioDesk, digits: str, code: int) -> None:
    phone = f"+120655501{digits}"

    codes = [desk.refusal(phone), desk.refusal(phone, MessagingServiceSid=desk.service)]

    assert codes == [code, code]
    assert desk.exchange.reading.messages() == []


@pytest.mark.parametrize(("digits", "codes"), PERSONAL.items())
def test_a_service_takes_what_a_number_refuses_and_fails_afterwards(
    desk: TwilioDesk, digits: str, codes: tuple[int, int]
) -> None:
    phone = f"+120655501{digits}"
    refused = desk.refusal(phone)
    sid = desk.create(phone, MessagingServiceSid=desk.service)
    first = desk.status(sid)

    desk.exchange.advance(DAY)

    assert (refused, first) == (codes[0], ("accepted", 0))
    assert desk.status(sid) == ("failed", codes[1])
    assert desk.told(sid) == ["failed"]


def test_a_service_calls_back_queued_and_chooses_its_number_late(desk: TwilioDesk) -> None:
    sid = desk.create(MessagingServiceSid=desk.service)

    desk.exchange.advance(DAY)

    assert desk.told(sid) == ["queued", "sent", "delivered"]
    assert desk.exchange.reading.webhooks()[0].fields["MessagingServiceSid"] == desk.service


@pytest.mark.parametrize(("digits", "code", "times"), [("27", 20429, 2), ("29", 20503, 1)])
def test_early_refusals_end_and_created_nothing(desk: TwilioDesk, digits: str, code: int, times: int) -> None:
    phone = f"+120655501{digits}"

    codes = [desk.refusal(phone) for _ in range(times + 2)]

    assert codes == [code] * times + [0, 0]
    assert len(desk.exchange.reading.messages()) == 2


def test_a_connection_is_cut_once_before_anything_is_created(desk: TwilioDesk) -> None:
    with pytest.raises(Cut):
        desk.create("+12065550132")
    kept = desk.exchange.reading.messages()

    sid = desk.create("+12065550132")

    assert kept == []
    assert desk.status(sid) == ("queued", 0)


@pytest.mark.parametrize(("digits", "code"), [("40", 30003), ("41", 30008)])
def test_the_first_message_fails_and_the_next_arrives(desk: TwilioDesk, digits: str, code: int) -> None:
    sids = [desk.create(f"+120655501{digits}") for _ in range(3)]

    desk.exchange.advance(DAY)

    assert [desk.status(sid) for sid in sids] == [("undelivered", code), ("delivered", 0), ("delivered", 0)]


def test_six_hours_may_pass_before_the_receipt(desk: TwilioDesk) -> None:
    sid = desk.create("+12065550101")
    desk.exchange.advance(6 * 3600 - 1)
    before = desk.status(sid)

    desk.exchange.advance(1)

    assert (before, desk.status(sid)) == (("sent", 0), ("delivered", 0))


def test_callbacks_may_come_before_the_answer(desk: TwilioDesk) -> None:
    sid = desk.create("+12065550106")

    assert desk.told(sid) == WAY


def test_a_burst_waits_for_its_sender_segment_by_segment(desk: TwilioDesk) -> None:
    for sender in (NUMBER, TOLL_FREE, SHORT):
        for number in range(60, 66):
            desk.create(f"+12065550{100 + number}", From=sender, Body="x" * 161)

    desk.exchange.advance(5)

    messages = desk.exchange.reading.messages()
    done = {
        one: [message.sender for message in messages if message.status == "delivered"].count(one)
        for one in (NUMBER, TOLL_FREE, SHORT)
    }
    # Two segments each: the long code starts one every 2 s, the toll-free every 2/3 s, the short code at once.
    assert done == {NUMBER: 2, TOLL_FREE: 5, SHORT: 6}


def test_a_message_expires_in_a_queue_that_is_too_long_for_it(desk: TwilioDesk) -> None:
    for number in range(20):
        desk.create(f"+12065550{160 + number}")
    sid = desk.create("+12065550199", ValidityPeriod="10")

    desk.exchange.advance(10)

    assert desk.status(sid) == ("failed", 30036)


def test_a_queue_of_more_than_ten_hours_is_full(desk: TwilioDesk) -> None:
    desk.exchange.configure({"numbers": [{"number": NUMBER, "segments_per_second": 0.0001}]})
    desk.create("+12065550160")
    desk.create("+12065550161", Body="x" * 1000)

    full = desk.refusal("+12065550162")
    sid = desk.create("+12065550163", MessagingServiceSid=desk.service)
    desk.exchange.advance(1)

    assert full == 21611
    assert desk.status(sid) == ("failed", 30001)


def test_the_price_comes_with_sent_and_counts_segments(desk: TwilioDesk) -> None:
    sid = desk.create(Body="é" * 161)
    before = desk.exchange.find(sid)

    desk.exchange.advance(0.6)

    after = desk.exchange.find(sid)
    assert (before.price, before.sent) == ("", None)
    assert (after.price, after.status) == ("-0.01660", "sent")


def test_delays_can_be_set_for_all_and_for_one_fate(desk: TwilioDesk) -> None:
    desk.exchange.configure({"delays": {"delivered": 100}, "delays_by_fate": {"60": {"delivered": 1}}})
    slow, fast = desk.create("+12065550161"), desk.create("+12065550160", From=SHORT)

    desk.exchange.advance(99)

    assert (desk.status(slow)[0], desk.status(fast)[0]) == ("sent", "delivered")


def test_any_phone_can_be_given_any_fate_and_its_own_again(desk: TwilioDesk) -> None:
    desk.exchange.set_fate("+12065551234", "12")
    off = desk.create("+12065551234")
    desk.exchange.set_fate("+12065551234", "")
    on = desk.create("+12065551234")

    desk.exchange.advance(DAY)

    assert (desk.status(off), desk.status(on)) == (("undelivered", 30005), ("delivered", 0))


def test_a_clock_that_is_put_back_takes_along_what_waits(desk: TwilioDesk) -> None:
    sid = desk.create()
    desk.clock.run(desk.clock.epoch() - DAY, speed=0)
    desk.exchange.clock_was_set(-DAY)

    desk.exchange.advance(2)

    assert desk.status(sid)[0] == "delivered"


def test_every_fate_of_the_table_is_tried_here() -> None:
    tried = {*ENDS, *REFUSED, *PERSONAL, "01", "27", "29", "32", "40", "41"}
    replying = {digits for digits, fate in FATES.items() if fate.replies}

    assert set(FATES) - tried == replying
    assert {FATES[digits].manner for digits in ("28", "30", "31", "33", "34", "35")} == {
        Manner.ERROR,
        Manner.NEVER,
        Manner.CLOSED,
        Manner.SLOW,
        Manner.HTML,
        Manner.EMPTY,
    }
