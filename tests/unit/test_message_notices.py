"""Notices to staff: one digest for each cause and person, within limits, and without participants' data."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from capstan.delivery import Channel
from capstan.notice import TITLES, Cause, Happening, Notice, Told, due_notices
from capstan.study.notices import NoticeCause, Notify, Staff

# Who is told of monitors they say themselves, and of outages hears who hears of failures.
ASKED = [cause for cause in Cause if cause not in (Cause.MONITOR, Cause.OUTAGE)]
NOW = datetime(2026, 7, 1, 19, 0, tzinfo=UTC)
ANN, BOB, PHONE = "ann@example.org", "bob@example.org", "+12065550199"


def notify(**changes: Any) -> Notify:
    staff = {"email": [ANN, BOB], "on": ASKED}
    return Notify.model_validate({"staff": staff} | changes)


def happened(
    cause: Cause, text: str = "A reply must be read.", *, record: str = "", count: int = 1
) -> list[Happening]:
    return [Happening(cause, text, NOW, record)] * count


def due(
    news: list[Happening], rules: Notify | None = None, *, told: list[Told] | None = None
) -> list[Notice]:
    return due_notices(news, rules or notify(), study="tooth", now=NOW, told=told or [])


def test_nothing_happened_and_nobody_is_told() -> None:
    assert due([]) == []


def test_a_cause_is_one_digest_for_each_person() -> None:
    news = [*happened(Cause.QUESTION, count=3), *happened(Cause.QUESTION, "A number is wrong.")]

    notices = due(news)

    assert [(notice.address, notice.cause, notice.happenings) for notice in notices] == [
        (ANN, Cause.QUESTION, 4),
        (BOB, Cause.QUESTION, 4),
    ]
    assert notices[0].subject == "[tooth] participants wrote"
    assert notices[0].text == "3 × A reply must be read.\nA number is wrong."


def test_different_causes_are_different_notices_and_the_order_is_that_of_causes() -> None:
    news = [*happened(Cause.QUESTION), *happened(Cause.FAILURE)]

    assert [notice.cause for notice in due(news)] == [Cause.FAILURE] * 2 + [Cause.QUESTION] * 2


def test_only_causes_that_staff_asked_for_are_told() -> None:
    rules = notify(staff={"email": [ANN], "on": ["failure"]})

    assert due([*happened(Cause.QUESTION), *happened(Cause.FAILURE)], rules)[0].cause is Cause.FAILURE
    assert due(happened(Cause.QUESTION), rules) == []


@pytest.mark.parametrize(("minutes", "count"), [(59, 0), (60, 1)])
def test_the_same_cause_waits_for_its_hour(minutes: int, count: int) -> None:
    rules = notify(staff={"email": [ANN], "on": ["question"]})
    told = [Told(ANN, Cause.QUESTION, NOW - timedelta(minutes=minutes))]

    assert len(due(happened(Cause.QUESTION), rules, told=told)) == count


def test_another_cause_and_another_person_do_not_wait() -> None:
    told = [Told(ANN, Cause.QUESTION, NOW)]

    notices = due([*happened(Cause.QUESTION), *happened(Cause.HOLD)], told=told)

    assert [(notice.address, notice.cause) for notice in notices] == [
        (ANN, Cause.HOLD),
        (BOB, Cause.HOLD),
        (BOB, Cause.QUESTION),
    ]


def test_a_storm_ends_with_a_last_notice_that_says_so() -> None:
    rules = notify(staff={"email": [ANN], "on": ASKED}, per_day=3)
    told = [Told(ANN, Cause.DELIVERY, NOW - timedelta(hours=hours)) for hours in (2, 23, 25)]

    notices = due([*happened(Cause.FAILURE), *happened(Cause.HOLD)], rules, told=told)

    assert [notice.cause for notice in notices] == [Cause.FAILURE]
    assert notices[0].text.endswith("This is the last notice for today; look at the journal for more.")


def test_distress_knows_no_limit() -> None:
    rules = notify(staff={"email": [ANN], "on": ["distress"]}, per_day=1)
    told = [Told(ANN, Cause.DISTRESS, NOW)] * 5

    assert len(due(happened(Cause.DISTRESS), rules, told=told)) == 1


def test_records_are_named_only_where_the_study_allows_it() -> None:
    news = [*happened(Cause.QUESTION, record="7"), *happened(Cause.QUESTION, record="12")]

    assert "12" not in due(news)[0].text
    assert due(news, notify(record_ids=True))[0].text == "2 × A reply must be read. (records 12, 7)"


def test_a_long_digest_is_cut_and_says_how_much_is_left_out() -> None:
    news = [each for number in range(30) for each in happened(Cause.FAILURE, f"Flow {number} failed.")]

    (first, *_) = due(news)

    assert first.text.endswith("Flow 19 failed.\n… and 10 other things.")


def test_many_records_are_cut_too() -> None:
    news = [each for number in range(30) for each in happened(Cause.QUESTION, record=f"{number:02}")]

    (first, *_) = due(news, notify(record_ids=True))

    assert "08, 09 …)" in first.text


def test_a_text_message_is_short_and_begins_with_what_it_is_about() -> None:
    rules = notify(staff={"sms": [PHONE], "on": ["failure"]})
    news = [each for number in range(5) for each in happened(Cause.FAILURE, f"Flow {number} failed.")]

    (notice,) = due(news, rules)

    assert notice.channel is Channel.SMS
    assert notice.text == "\n".join(
        ["[tooth] something failed", *(f"Flow {n} failed." for n in range(3)), "… and 2 other things."]
    )


def test_the_study_file_knows_every_cause_and_each_has_a_title() -> None:
    assert set(NoticeCause.__args__) == {cause.value for cause in ASKED} == set(Staff(on=tuple(ASKED)).on)
    assert set(TITLES) == set(Cause)


def people(**roles: Any) -> Notify:
    """Ann is staff; each role is told by mail."""
    listed = [{"name": name.split("_")[0], **role} for name, role in roles.items()]
    return notify(staff={"email": [ANN], "on": []}, roles=listed)


def missing(*, roles: tuple[str, ...] = (), site: str = "") -> list[Happening]:
    return [Happening(Cause.MONITOR, "scan_data: nothing came.", NOW, roles=roles, site=site)]


def told_to(news: list[Happening], rules: Notify) -> list[str]:
    return [notice.address for notice in due(news, rules)]


def test_what_is_for_a_role_goes_to_its_people_at_the_site_and_to_nobody_else() -> None:
    rules = people(
        imaging_a={"email": ["a@example.org"], "sites": ["CMH"]},
        imaging_b={"email": ["b@example.org"], "sites": ["UTO", "ZHH"]},
        pi={"email": ["pi@example.org"]},
    )

    assert told_to(missing(roles=("imaging",), site="ZHH"), rules) == ["b@example.org"]
    assert told_to(missing(roles=("imaging", "pi"), site="CMH"), rules) == ["a@example.org", "pi@example.org"]


@pytest.mark.parametrize(("roles", "site"), [(("staff",), "CMH"), (("imaging",), ""), (("imaging",), "UTO")])
def test_staff_are_told_where_a_role_has_nobody_at_the_site(roles: tuple[str, ...], site: str) -> None:
    rules = people(imaging={"email": ["a@example.org"], "sites": ["CMH"]})

    assert told_to(missing(roles=roles, site=site), rules) == [ANN]


def test_a_role_gets_one_digest_of_only_what_is_its_own() -> None:
    rules = people(
        imaging_a={"email": ["a@example.org"], "sites": ["CMH"]},
        imaging_b={"email": ["b@example.org"], "sites": ["UTO"]},
    )
    news = [*missing(roles=("imaging",), site="CMH") * 3, *missing(roles=("imaging",), site="UTO")]

    assert [(notice.address, notice.happenings) for notice in due(news, rules)] == [
        ("a@example.org", 3),
        ("b@example.org", 1),
    ]


def test_a_letter_leads_to_each_form_once_and_a_text_message_to_none() -> None:
    link = "https://capstan.example.org/records/0a1b"
    news = [Happening(Cause.QUESTION, "A reply must be read.", NOW, link=link)] * 2
    rules = notify(staff={"email": [ANN], "sms": [PHONE], "on": ASKED})

    by_channel = {notice.channel: notice.text for notice in due(news, rules)}

    assert by_channel[Channel.EMAIL] == f"2 × A reply must be read.\n  {link}"
    assert link not in by_channel[Channel.SMS]
