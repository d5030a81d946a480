"""Contact hours: whose clock it is, and when it is open, over zones, holidays and both changes of the clock."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from capstan.contact import (
    OpenHours,
    closes_at,
    contact_hours,
    next_chance,
    next_open,
    phone_zones,
    valid_seconds,
    zones_of,
)
from tests.unit.message_cases import study_with

USUAL = OpenHours(opens=9 * 60, closes=20 * 60)
LA, NY = "America/Los_Angeles", "America/New_York"
ZONES = (
    LA,
    NY,
    "America/Anchorage",
    "America/Adak",
    "America/Phoenix",
    "Pacific/Honolulu",
    "America/St_Johns",
    "Europe/London",
    "Europe/Berlin",
    "Asia/Kolkata",
    "Australia/Lord_Howe",
    "Australia/Sydney",
    "Australia/Eucla",
    "Asia/Kathmandu",
    "Pacific/Chatham",
    "Africa/Casablanca",
    "UTC",
)


def opened(moment: str, *zones: str, hours: OpenHours = USUAL) -> str:
    """The next open moment, by the clock of the first zone."""
    found = next_open(datetime.fromisoformat(moment), zones=zones, hours=hours)
    return found.astimezone(ZoneInfo(zones[0])).strftime("%Y-%m-%d %H:%M:%S %Z") if found else ""


@pytest.mark.parametrize(
    ("moment", "expected"),
    [
        ("2026-06-01T08:59:59-07:00", "2026-06-01 09:00:00 PDT"),
        ("2026-06-01T09:00:00-07:00", "2026-06-01 09:00:00 PDT"),
        ("2026-06-01T19:59:59-07:00", "2026-06-01 19:59:59 PDT"),
        ("2026-06-01T20:00:00-07:00", "2026-06-02 09:00:00 PDT"),
        ("2026-06-01T00:00:00-07:00", "2026-06-01 09:00:00 PDT"),
        ("2026-12-31T23:59:59-08:00", "2027-01-01 09:00:00 PST"),
        ("2028-02-28T21:00:00-08:00", "2028-02-29 09:00:00 PST"),
        # The nights in which the clock changes, from the evening before and from within.
        ("2026-03-07T22:00:00-08:00", "2026-03-08 09:00:00 PDT"),
        ("2026-03-08T01:59:59-08:00", "2026-03-08 09:00:00 PDT"),
        ("2026-03-08T19:59:59-07:00", "2026-03-08 19:59:59 PDT"),
        ("2026-10-31T22:00:00-07:00", "2026-11-01 09:00:00 PST"),
        ("2026-11-01T01:30:00-07:00", "2026-11-01 09:00:00 PST"),
        ("2026-11-01T01:30:00-08:00", "2026-11-01 09:00:00 PST"),
    ],
)
def test_the_hours_are_those_of_the_wall_clock(moment: str, expected: str) -> None:
    assert opened(moment, LA) == expected


@pytest.mark.parametrize(
    ("moment", "expected"),
    [
        ("2026-03-28T22:00:00+00:00", "2026-03-29 09:00:00 BST"),
        ("2026-10-24T22:00:00+01:00", "2026-10-25 09:00:00 GMT"),
    ],
)
def test_europe_changes_its_clock_on_other_days(moment: str, expected: str) -> None:
    assert opened(moment, "Europe/London") == expected


def test_several_zones_must_all_be_open() -> None:
    assert (
        opened("2026-03-07T22:00:00-08:00", "America/Anchorage", "America/Adak") == "2026-03-08 10:00:00 AKDT"
    )
    assert opened("2026-06-01T06:00:00-04:00", NY, LA, "Pacific/Honolulu") == "2026-06-01 15:00:00 EDT"
    assert opened("2026-06-01T20:30:00-04:00", NY, LA) == "2026-06-02 12:00:00 EDT"


def test_zones_without_a_common_hour_are_never_open() -> None:
    assert next_open(datetime(2026, 6, 1, tzinfo=UTC), zones=(NY, "Asia/Shanghai"), hours=USUAL) is None


def test_hours_within_the_change_of_the_clock_hold_by_the_stricter_reading() -> None:
    night = OpenHours(opens=2 * 60 + 30, closes=4 * 60)
    early = OpenHours(opens=60, closes=2 * 60 + 30)
    twice = OpenHours(opens=90, closes=4 * 60)

    assert opened("2026-03-08T00:00:00-08:00", LA, hours=night) == "2026-03-08 03:30:00 PDT"
    assert opened("2026-03-08T01:45:00-08:00", LA, hours=early) == "2026-03-09 01:00:00 PDT"
    assert opened("2026-11-01T00:00:00-07:00", LA, hours=twice) == "2026-11-01 01:30:00 PST"


def test_a_day_may_be_open_to_its_end() -> None:
    whole = OpenHours(opens=0, closes=24 * 60)

    assert opened("2026-06-01T23:59:59-07:00", LA, hours=whole) == "2026-06-01 23:59:59 PDT"


def test_holidays_and_weekdays_are_skipped() -> None:
    study = study_with(hours={"holidays": True, "skip": ["saturday", "sunday"]})
    study = study.model_copy(update={"holidays": study.holidays.model_copy(update={"country": "US"})})
    eve = datetime(2026, 11, 26, 4, 30, tzinfo=UTC)  # the evening before Thanksgiving
    friday = datetime(2026, 12, 25, 4, 30, tzinfo=UTC)  # Christmas is a Friday

    hours = contact_hours(study, now=eve)

    assert date(2026, 11, 26) in hours.free
    assert next_open(eve, zones=(LA,), hours=hours) == datetime(2026, 11, 27, 17, tzinfo=UTC)
    assert next_open(friday, zones=(LA,), hours=hours) == datetime(2026, 12, 28, 17, tzinfo=UTC)


def test_without_the_key_holidays_are_days_like_others() -> None:
    assert contact_hours(study_with(), now=datetime(2026, 1, 1, tzinfo=UTC)) == USUAL


def test_a_naive_time_and_no_zone_are_refused() -> None:
    with pytest.raises(ValueError, match="aware"):
        next_open(datetime(2026, 6, 1), zones=(LA,), hours=USUAL)  # noqa: DTZ001
    with pytest.raises(ValueError, match="zone"):
        next_open(datetime(2026, 6, 1, tzinfo=UTC), zones=(), hours=USUAL)


MINUTES = st.integers(0, 60 * 24 * 365)
DAYS = st.frozensets(st.integers(0, 6), max_size=4)
RANGES = st.tuples(st.integers(0, 23), st.integers(1, 24)).filter(lambda pair: pair[0] < pair[1])


@settings(max_examples=150, deadline=None)
@given(minute=MINUTES, zones=st.lists(st.sampled_from(ZONES), min_size=1, max_size=3), skip=DAYS, span=RANGES)
def test_the_found_moment_is_open_everywhere_and_no_earlier_one_is(
    minute: int, zones: list[str], skip: frozenset[int], span: tuple[int, int]
) -> None:
    now = datetime(2026, 1, 1, tzinfo=UTC) + timedelta(minutes=minute)
    hours = OpenHours(span[0] * 60, span[1] * 60, skip)

    found = next_open(now, zones=zones, hours=hours)

    end = found or now + timedelta(days=3)
    steps = range(int((end - now) / timedelta(minutes=15)) + 1)
    earlier = [moment for moment in (now + timedelta(minutes=15) * step for step in steps) if moment < end]
    assert not any(is_open(moment, zones, hours) for moment in earlier if not is_changing(moment, zones))
    assert found is None or is_open(found, zones, hours)


def is_open(moment: datetime, zones: list[str], hours: OpenHours) -> bool:
    """What a person reads from the clocks."""
    clocks = [moment.astimezone(ZoneInfo(zone)) for zone in zones]
    return all(
        clock.weekday() not in hours.skip and hours.opens <= clock.hour * 60 + clock.minute < hours.closes
        for clock in clocks
    )


def is_changing(moment: datetime, zones: list[str]) -> bool:
    """Whether a clock is changed within two hours, so that one reading is stricter than another."""
    around = [moment - timedelta(hours=2), moment + timedelta(hours=2)]
    return any(len({each.astimezone(ZoneInfo(zone)).utcoffset() for each in around}) > 1 for zone in zones)


def test_a_message_is_valid_until_the_hours_close_it_expires_or_the_provider_drops_it() -> None:
    noon = datetime(2026, 6, 1, 19, tzinfo=UTC)
    late, hour = noon + timedelta(days=3), timedelta(hours=1)

    assert closes_at(noon, zones=(LA, NY), hours=USUAL) == datetime(2026, 6, 2, 0, tzinfo=UTC)
    assert valid_seconds(noon, not_after=late, zones=(LA,), hours=USUAL) == 8 * 3600 - 30
    assert valid_seconds(noon, not_after=noon + hour, zones=(LA,), hours=USUAL) == 3600 - 30
    assert valid_seconds(noon, not_after=late, zones=(LA,), hours=OpenHours(0, 1440)) == 10 * 3600 - 30
    assert valid_seconds(noon, not_after=noon, zones=(LA,), hours=USUAL) == 0


def test_a_text_has_a_minute_before_the_hours_close_or_waits_for_the_next_ones() -> None:
    closing = datetime(2026, 6, 2, 3, tzinfo=UTC)
    minute, next_day = timedelta(minutes=1), datetime(2026, 6, 2, 16, tzinfo=UTC)
    short = OpenHours(9 * 60, 9 * 60 + 1)

    assert next_chance(closing - minute, zones=(LA,), hours=USUAL) == closing - minute
    assert next_chance(closing - minute / 2, zones=(LA,), hours=USUAL) == next_day
    assert next_chance(closing, zones=(LA,), hours=USUAL) == next_day
    assert next_chance(closing, zones=(LA,), hours=short) == next_day
    assert next_chance(closing, zones=(NY, "Asia/Shanghai"), hours=USUAL) is None


@pytest.mark.parametrize(
    ("phone", "zones"),
    [
        ("+12065550100", (LA,)),
        ("+19075550100", ("America/Adak", "America/Anchorage")),
        ("+18085550100", ("Pacific/Honolulu",)),
        ("+16025550100", ("America/Phoenix",)),
        ("+18005550100", ()),
        ("+15005550006", ()),
        ("+4915112345678", ("Europe/Berlin",)),
        ("+882161234567", ()),
    ],
)
def test_an_area_code_says_the_zone_where_it_has_one(phone: str, zones: tuple[str, ...]) -> None:
    assert phone_zones(phone) == zones


def test_a_named_zone_goes_before_the_phone_and_a_wrong_name_counts_as_none() -> None:
    assert zones_of(named=" Europe/Berlin ", phone="+12065550100", otherwise="UTC") == ("Europe/Berlin",)
    assert zones_of(named="Pacific Time", phone="+12065550100", otherwise="UTC") == (LA,)
    assert zones_of(named="", phone="", otherwise="UTC") == ("UTC",)
    assert zones_of(named="", phone="+18005550100", otherwise="UTC") == ("UTC",)
