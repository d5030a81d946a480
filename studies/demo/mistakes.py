"""Makes a file to import: good rows, and rows that have one mistake of each kind."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from random import Random

from studies.demo.people import BASELINE, Participant, Place, fictional_phone

KEYS = ("record_id", "redcap_event_name", "redcap_repeat_instrument", "redcap_repeat_instance")
Row = dict[str, str]


@dataclass(frozen=True)
class ImportFile:
    """A CSV text, and the check that must stop a row by the row's number (0 is the first after the header).

    Rows without a number in `expected` are good.
    """

    text: str
    expected: Mapping[int, str]


# Each mistake: the check that finds it, the kind of good row it starts from, and the one cell it changes.
_MISTAKES: tuple[tuple[str, str, str, str], ...] = (
    ("event_unknown", "call", "redcap_event_name", "9_month_arm_2"),
    ("field_not_in_event", "exam", "redcap_event_name", BASELINE),
    ("repeat_form_invalid", "exam", "redcap_repeat_instrument", "exam"),
    ("repeat_instance_invalid", "call", "redcap_repeat_instance", "0"),
    ("repeat_instance_invalid", "exam", "redcap_repeat_instance", "1"),
    ("field_not_on_row", "call", "exam_num_teeth", "18"),
    ("field_not_on_row", "exam", "pfu_contact_date", "2020-02-29"),
    ("record_unknown", "call", "record_id", "90210"),
    ("record_blank", "call", "record_id", ""),
    ("event_blank", "exam", "redcap_event_name", ""),
    ("choice_unknown", "call", "pfu_outcome", "Reached"),
    ("choice_unknown", "exam", "exam_place", "moon"),
    ("checkbox_value", "exam", "exam_findings___4", "yes"),
    ("yesno_value", "call", "pfu_ae_reported", "maybe"),
    ("form_status", "call", "phone_follow_up_complete", "3"),
    ("slider_value", "exam", "exam_wiggle", "101"),
    ("type_mismatch", "call", "pfu_contact_date", "2023-02-29"),
    ("type_mismatch", "exam", "exam_num_teeth", "twenty"),
    ("type_mismatch", "contact", "part_email", "family(at)example.org"),
    ("phone_e164", "contact", "part_mobile_number", "(415) 555-01"),
    ("out_of_range", "exam", "exam_num_teeth", "33"),
    ("too_long", "exam", "exam_remarks", "x" * 65_001),
    ("control_chars", "contact", "part_guardian_name", "Ann\x07Abbott"),
    ("read_only_field", "exam", "exam_caries_ratio", "0.99"),
    ("read_only_field", "contact", "part_birth_date", "2001-01-01"),
    ("read_only_field", "contact", "elig_teeth", "1"),
)


def make_import(people: Sequence[Participant], *, today: date, good_rows: int, seed: int) -> ImportFile:
    """Make rows that change something, each for a participant of its own, mistakes among them.

    Raises ValueError when there are too few randomized participants.
    """
    random = Random(f"import/{seed}/{today.isoformat()}")
    free = [person for person in people if person.arm]
    random.shuffle(free)
    kinds = [*(("call", "exam", "contact")[number % 3] for number in range(good_rows))]
    rows: list[tuple[Row, str]] = [(_good(kind, free, today=today, random=random), "") for kind in kinds]
    for check, kind, column, value in _MISTAKES:
        row = _good(kind, free, today=today, random=random)
        rows.append((row | {column: value}, check))
    rows += _wrong_arm(free, today=today, random=random)
    rows += _future_date(free, today=today, random=random)
    rows += _duplicates(free, today=today, random=random)
    random.shuffle(rows)
    expected = {number: check for number, (_, check) in enumerate(rows) if check}
    return ImportFile(_csv([row for row, _ in rows]), expected)


def _good(kind: str, free: list[Participant], *, today: date, random: Random) -> Row:
    """Take the next participant for whom a good row of this kind changes something, and write it."""
    if kind == "contact":
        return _contact(_take(free), random=random)
    if kind == "call":
        return _call(_take(free), today=today, random=random)
    place = next((number for number, person in enumerate(free) if _exam_event(person)), None)
    if place is None:
        raise ValueError("too few participants without exams; raise `participants` or lower `good_rows`")
    return _exam(free.pop(place), today=today, random=random)


def _take(free: list[Participant]) -> Participant:
    """Prefer participants whose exams are done, so that there are enough for exam rows."""
    if not free:
        raise ValueError("too few randomized participants; raise `participants` or lower `good_rows`")
    place = next((number for number, person in enumerate(free) if not _exam_event(person)), 0)
    return free.pop(place)


def _exam_event(person: Participant) -> str:
    """The first follow-up event without an exam, "" if there is none."""
    events = (f"{months}_month_arm_{person.arm}" for months in (6, 12))
    return next((event for event in events if Place(event) not in person.rows), "")


def _key(person: Participant, place: Place) -> Row:
    return dict(zip(KEYS, (person.record, *place), strict=True))


def _call(person: Participant, *, today: date, random: Random) -> Row:
    event = f"6_month_arm_{person.arm}"
    attempt = str(1 + sum(place[:2] == (event, "phone_follow_up") for place in person.rows))
    return _key(person, Place(event, "phone_follow_up", attempt)) | {
        "pfu_attempt_number": attempt,
        "pfu_contact_date": (today - timedelta(days=random.randint(0, 3))).isoformat(),
        "pfu_outcome": "2",
        "pfu_ae_reported": "0",
        "phone_follow_up_complete": "2",
    }


def _exam(person: Participant, *, today: date, random: Random) -> Row:
    return _key(person, Place(_exam_event(person))) | {
        "exam_date": (today - timedelta(days=random.randint(0, 5))).isoformat(),
        "exam_place": "clinic",
        "exam_num_teeth": str(random.randint(16, 20)),
        "exam_caries_count": str(random.randint(0, 4)),
        "exam_wiggle": str(random.randint(1, 99)),
        "exam_findings___4": "1",
        "exam_complete": "2",
    }


def _contact(person: Participant, *, random: Random) -> Row:
    held = person.rows[Place(BASELINE)]["part_mobile_number"]
    number = fictional_phone(random)
    while number == held:
        number = fictional_phone(random)
    email = f"family{person.record}.new@example.org"
    return _key(person, Place(BASELINE)) | {"part_mobile_number": number, "part_email": email}


def _wrong_arm(free: list[Participant], *, today: date, random: Random) -> list[tuple[Row, str]]:
    person = _take(free)
    other = {"2": "3", "3": "2"}[person.arm]
    return [(_call(person, today=today, random=random) | {KEYS[1]: f"6_month_arm_{other}"}, "wrong_arm")]


def _future_date(free: list[Participant], *, today: date, random: Random) -> list[tuple[Row, str]]:
    row = _good("exam", free, today=today, random=random)
    return [(row | {"exam_date": (today + timedelta(days=30)).isoformat()}, "future_date")]


def _duplicates(free: list[Participant], *, today: date, random: Random) -> list[tuple[Row, str]]:
    row = _good("call", free, today=today, random=random)
    return [(row, "duplicate_row"), (row | {"pfu_outcome": "1"}, "duplicate_row")]


def _csv(rows: Sequence[Row]) -> str:
    columns = list(dict.fromkeys((*KEYS, *(column for row in rows for column in row))))
    text = io.StringIO()
    writer = csv.DictWriter(text, columns, restval="", lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue()
