"""The dictionary and the events of projects that grow."""

from __future__ import annotations

import pandas as pd

from capstan.dictionary import Dictionary
from capstan.events import EventGrid
from tests.projects import dictionary

LOG = "calls"
_RANGES = ("30 | 200", "0 | 40", "0 | 100", "100 | 250")
_ENROL = """
record_id   | enrol | text     |                    |          |   |    |
enrolled    | enrol | text     |                    | date_ymd |   |    |
born        | enrol | text     |                    | date_ymd |   |    |
phone       | enrol | text     |                    | phone    |   |    |
mail        | enrol | text     |                    | email    |   |    |
visit_date  | visit | text     |                    | date_ymd |   |    |
ticks       | visit | checkbox | 1, Milk | 2, Juice |          |   |    |
remark      | visit | notes    |                    |          |   |    |
"""
_CALLS = """
called      | calls | text     |                    | date_ymd |   |    |
minutes     | calls | text     |                    | integer  | 0 | 200 |
outcome     | calls | radio    | 1, A | 2, B | 3, C |          |   |    |
"""


def make_dictionary(numbers: int, codes: int) -> Dictionary:
    """Three forms: enrolment, a visit with so many numbers and codes, and calls."""
    lines = [f"number_{n} | visit | text | | number | {_RANGES[n % 4]} |" for n in range(numbers)]
    lines += [f"code_{n} | visit | radio | 1, A | 2, B | 3, C | | | |" for n in range(codes)]
    born = {"born": {"identifier": "y"}, "phone": {"identifier": "y"}, "mail": {"identifier": "y"}}
    return dictionary(_ENROL + "\n".join(lines) + _CALLS, **born)


def make_grid(events: int, repeats: bool) -> EventGrid:
    """So many events, the first of which has the enrolment and the calls; one event is a classic project."""
    names = [f"visit_{n}_arm_1" for n in range(events)] if events > 1 else []
    places = [(name, "visit") for name in names]
    places += [(name, form) for name in names[:1] for form in ("enrol", LOG)]
    repeating = pd.DataFrame({"form_name": [LOG]}) if repeats else pd.DataFrame(columns=["form_name"])
    if names:
        repeating["event_name"] = names[0]
    return EventGrid.from_frames(
        arms=pd.DataFrame({"arm_num": ["1"] * bool(names), "name": ["Arm"] * bool(names)}),
        events=pd.DataFrame(
            {"event_name": names, "arm_num": "1", "unique_event_name": names},
        ),
        mapping=pd.DataFrame(places, columns=["unique_event_name", "form"]),
        repeating=repeating,
        forms=("enrol", "visit", LOG),
    )
