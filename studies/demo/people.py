"""Invents the trial's participants: realistic, imperfect, and relative to today."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from random import Random
from typing import NamedTuple

import numpy as np

from capstan.periods import Period

BASELINE = "baseline_arm_1"
_FIRST_NAMES = """
Ada Ben Chloé Dmitri Elif Finn Grace Hanna Iker José Kofi Léa Maya Noah Olga Priya Quinn Renée
Søren Tove Uma Łukasz Wren Ximena Yuki Zoë Ngọc Ásta Mateo Ruth
"""
_LAST_NAMES = """
Abbott O'Malley Castro Dąbrowski Evans Fischer García Hoffmann Ito Jensen Kowalski Larsen Müller Nguyễn
Okafor Peña Quist Rossi Şahin Tremblay Ueda Vasquez Wright Yılmaz Zeller
"""
# In the sandbox the last two digits of a phone choose what becomes of a message (docs/sandbox.md).
_FATES = {
    "2": "24",  # a landline, refused at once: the letter goes out instead
    "3": "21",  # opted out
    "15": "27",  # too many calls: twice refused, then taken
    "16": "28",  # taken, but the answer is lost
    "22": "13",  # a landline, which is found out later
    "23": "10",  # switched off: tried again in some hours
    "35": "51",  # answers STOP
    "36": "04",  # that it arrived is called back before that it was sent
}
_AREAS = ("415", "510", "628", "707", "831", "925")


class Place(NamedTuple):
    """One row of the project: event, repeating instrument or "", instance or ""."""

    event: str
    instrument: str = ""
    instance: str = ""


class Scene(NamedTuple):
    """Where a participant is in the trial.

    Today is `first` to `last` days after the nominal day of the visit in month `visit`; `exams` are the
    days by which the exams at 6 and 12 months were late, None for an exam that did not take place.
    """

    visit: int
    first: int
    last: int
    exams: tuple[int | None, int | None] = (None, None)
    withdrawn: bool = False


_SCREENING = Scene(0, 0, 0)
_NO_DATE = Scene(-1, 0, 0)
_SCENES = (
    Scene(6, -150, -20),
    Scene(6, -12, -4),
    Scene(6, 5, 25),
    _SCREENING,
    Scene(6, 40, 120),
    Scene(6, 15, 110, exams=(-9, None)),
    Scene(6, 28, 130, exams=(21, None)),
    Scene(12, -26, -4, exams=(2, None)),
    Scene(6, -100, -20),
    Scene(12, 5, 54, exams=(-3, None)),
    _SCREENING,
    Scene(12, 70, 200, exams=(6, None)),
    Scene(12, 40, 200, exams=(0, 12)),
    Scene(12, 30, 150, exams=(None, -14)),
    Scene(6, -9, -4),
    Scene(6, 6, 24),
    Scene(6, -60, 20, withdrawn=True),
    Scene(12, 100, 200),
    _NO_DATE,
    _SCREENING,
)


@dataclass(frozen=True)
class Participant:
    """One participant; `arm` is "" without randomization, `rows` has the values of every row."""

    record: str
    arm: str
    rows: dict[Place, dict[str, str]]


def invent(today: date, *, participants: int, seed: int) -> tuple[Participant, ...]:
    """Invent participants, the same for the same day and seed; every visit status occurs from 20 on."""
    random = Random(f"{seed}/{today.isoformat()}")
    return tuple(
        _participant(str(number), _SCENES[(number - 1) % len(_SCENES)], today=today, random=random)
        for number in range(1, participants + 1)
    )


def fictional_phone(random: Random) -> str:
    """A number that is reserved for invented people and free of fates: 555-0160 to 555-0199."""
    return f"({random.choice(_AREAS)}) 555-01{60 + random.randrange(100) * 40 // 100}"


def _participant(record: str, scene: Scene, *, today: date, random: Random) -> Participant:
    entered = today - timedelta(days=random.randint(3, 40))
    due = today - timedelta(days=random.randint(scene.first, scene.last)) if scene.visit > 0 else None
    randomized = _shifted(due, months=-scene.visit) if due else None
    arm = random.choice("23") if scene is not _SCREENING else ""
    consent = (randomized or entered) - timedelta(days=random.randint(1, 9))
    rows = {Place(BASELINE): _baseline(record, scene, consent=consent, today=today, random=random)}
    rows[Place(BASELINE)] |= {
        "rand_color": arm,
        "rand_date": randomized.isoformat() if randomized else "",
        "randomization_complete": "2" if randomized else "",
    }
    for months, late in zip((6, 12), scene.exams, strict=True):
        if randomized:
            event = f"{months}_month_arm_{arm}"
            nominal = _shifted(randomized, months=months)
            rows |= _follow_up(event, nominal=nominal, late=late, today=today, random=random)
    return Participant(record, arm, rows)


def _shifted(day: date, *, months: int) -> date:
    moved: date = Period(months=months).shift(np.array([day], dtype="datetime64[D]"))[0].item()
    return moved


def _baseline(record: str, scene: Scene, *, consent: date, today: date, random: Random) -> dict[str, str]:
    first, last, guardian = (
        random.choice(names.split()) for names in (_FIRST_NAMES, _LAST_NAMES, _FIRST_NAMES)
    )
    # Most of those who were randomized were eligible; screening meets everybody.
    age = random.choice((3, 4, 5, 6)) if scene is not _SCREENING else random.choice((2, 3, 5, 6, 8))
    born = consent - timedelta(days=age * 365 + random.randint(10, 340))
    values = {
        "record_id": record,
        "part_first_name": first,
        "part_last_name": last if random.random() < 0.95 else "",
        "part_birth_date": born.isoformat(),
        "part_age": str(age),
        "part_guardian_name": f"{guardian} {last}",
        "part_mobile_number": fictional_phone(random) if random.random() < 0.9 else "",
        "part_email": f"family{record}@example.org" if random.random() < 0.85 else "",
        "part_text_ok": random.choice(("1", "1", "1", "0", "")),
        f"part_contact_time___{random.choice(('1', '2', '3', '_9'))}": "1",
        "part_consent_date": consent.isoformat() if random.random() < 0.94 else "",
        "participant_info_complete": random.choice("2221"),
        "elig_teeth": str(random.randint(9 if scene is _SCREENING else 12, 20)),
        "elig_consent___1": random.choice("0111") if scene is _SCREENING else "1",
        "elig_consent___2": random.choice("011"),
        "elig_allergy": random.choice(("0", "0", "0", "1", "")) if scene is _SCREENING else "0",
        "eligibility_complete": "2",
    }
    if record in _FATES:
        values |= {"part_mobile_number": f"(415) 555-01{_FATES[record]}", "part_text_ok": "1"}
        values |= {"part_email": f"family{record}@example.org"}
    if scene.withdrawn:
        values |= {
            "part_withdrawn": "1",
            "part_withdraw_date": (today - timedelta(days=random.randint(1, 30))).isoformat(),
            "part_withdraw_reason": "The family moved.\nThey wish us well.",
        }
    return values


def _follow_up(
    event: str, *, nominal: date, late: int | None, today: date, random: Random
) -> dict[Place, dict[str, str]]:
    rows = _calls(event, nominal=nominal, today=today, random=random)
    if late is None:
        return rows
    teeth = random.randint(14, 22)
    lost = random.random() < 0.4
    rows[Place(event)] = {
        "exam_date": min(nominal + timedelta(days=late), today).isoformat(),
        "exam_place": random.choice(("clinic", "clinic", "school", "home", "")),
        "exam_num_teeth": str(teeth),
        "exam_caries_count": str(random.randint(0, 5)) if random.random() < 0.9 else "",
        "exam_wiggle": str(random.randint(0, 100)),
        "exam_findings___1": "1" if lost else "",
        "exam_findings___4": "" if lost else "1",
        "exam_coin": random.choice("0123") if lost else "",
        "exam_remarks": random.choice(("", "", "Very brave.", 'Asked: "Is she real?"')),
        "exam_complete": "2",
    }
    return rows


def _calls(event: str, *, nominal: date, today: date, random: Random) -> dict[Place, dict[str, str]]:
    """One to three calls around the visit, as far as their days have come."""
    calls: dict[Place, dict[str, str]] = {}
    day = nominal - timedelta(days=random.randint(8, 14))
    for attempt in range(1, random.randint(1, 3) + 1):
        if day > today:
            break
        reached = attempt > 1 or random.random() < 0.5
        had_event = reached and random.random() < 0.1
        calls[Place(event, "phone_follow_up", str(attempt))] = {
            "pfu_attempt_number": str(attempt),
            "pfu_contact_date": day.isoformat(),
            "pfu_outcome": "2" if reached else random.choice("113"),
            "pfu_ae_reported": str(int(had_event)) if reached else "",
            "pfu_ae_grade": random.choice("112") if had_event else "",
            "phone_follow_up_complete": "2",
        }
        day += timedelta(days=random.randint(1, 5))
    return calls
