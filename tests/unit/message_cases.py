"""A small trial that writes to its participants, for the tests of messages."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pandas as pd

from capstan.contact.list import NO_LINKS, plan_messages
from capstan.message import BLOCK_COLUMNS, HISTORY_COLUMNS, History
from capstan.study import Study
from tests.unit import visit_cases

# Noon in Los Angeles on a Wednesday; the six-month visits of BASE are due four days later.
NOW = datetime(2026, 7, 1, 19, 0, tzinfo=UTC)
_FIELDS = ("phone", "mail", "ok", "name", "lang", "gone", "zone", "pause", "colors")
COLUMNS = (*visit_cases.COLUMNS, *(field for field in _FIELDS if field != "colors"), "colors___1")
LAYOUT = replace(
    visit_cases.LAYOUT,
    form_of={**visit_cases.FORM_OF, **dict.fromkeys(_FIELDS, "info")},
    checkboxes={**visit_cases.LAYOUT.checkboxes, "colors": {"1": "colors___1"}},
    choices={**visit_cases.LAYOUT.choices, "lang": {"1": "English", "2": "Spanish"}},
)
BASE = {
    "color": "2",
    "rand_date": "2026-01-05",
    "phone": "(206) 555-0100",
    "mail": "ann@example.org",
    "ok": "1",
    "name": "Ann",
}
FILES = {
    "six.txt.j2": "Dear {{ name }}, your visit is due.",
    "six.es.txt.j2": "Hola {{ name }}, su visita.",
    "mail.txt.j2": "Dear {{ name }}, please write.",
    "mail.html.j2": "<p>Dear {{ name }}</p>",
}
SMS = {"account": {"env": "ACCOUNT"}, "token": {"env": "TOKEN"}, "sender": "+12065550199"}
EMAIL = {"host": "127.0.0.1", "sender": "Trial <trial@example.org>"}
MESSAGING = {"live": True, "sms": SMS, "email": EMAIL}
SIX = {
    "id": "six",
    "channel": "sms",
    "to": "[baseline_arm_1][phone]",
    "consent": "[baseline_arm_1][ok] = '1'",
    "visit": {"name": "6 month"},
    "template": "six.txt.j2",
}
MAIL = {
    "id": "mail",
    "channel": "email",
    "to": "[baseline_arm_1][mail]",
    "consent": "[baseline_arm_1][ok] = '1'",
    "template": "mail.txt.j2",
    "subject": "Your visit",
}


def study_with(*messages: Mapping[str, Any], **policy: object) -> Study:
    """The trial with messages, and with changes to `messaging`."""
    return visit_cases.study_of(messages=messages or (SIX,), messaging=MESSAGING | policy)


def person(record: str = "1", **values: str) -> dict[str, str]:
    """A participant's baseline row: due for the six-month visit, with consent and a phone."""
    return visit_cases.baseline(record, **{**BASE, **values})


def export_of(*rows: dict[str, str]) -> pd.DataFrame:
    """A keyed export of text; a row names what is not blank."""
    filled = [{column: row.get(column, "") for column in COLUMNS} for row in rows]
    return pd.DataFrame(filled, columns=list(COLUMNS), dtype="str")


def planned(
    study: Study,
    *rows: dict[str, str],
    now: datetime = NOW,
    history: History | None = None,
    files: Mapping[str, str] = FILES,
    links: pd.DataFrame = NO_LINKS,
) -> pd.DataFrame:
    """The plan of a study for some participants."""
    return plan_messages(
        study,
        export_of(*(rows or (person(),))),
        layout=LAYOUT,
        now=now,
        history=history or History.empty(),
        templates=files,
        links=links,
    )


def rules_of(*arguments: Any, **options: Any) -> list[str]:
    """The rule of each row of a plan."""
    return list(planned(*arguments, **options)["rule"])


def told(*messages: Mapping[str, str], blocks: tuple[Mapping[str, str], ...] = ()) -> History:
    """What was sent before: a delivered "six" to record 1 yesterday, but for what each message changes."""
    usual = {
        "message": "six",
        "record": "1",
        "occasion": "6 month",
        "channel": "sms",
        "address": "+12065550100",
        "state": "delivered",
        "at": "2026-06-30T19:00:00Z",
        "segments": "1",
    }
    block = {"channel": "sms", "address": "+12065550100", "reason": "opted_out"}
    return History(
        pd.DataFrame([usual | message for message in messages], columns=list(HISTORY_COLUMNS), dtype="str"),
        pd.DataFrame([block | each for each in blocks], columns=list(BLOCK_COLUMNS), dtype="str"),
    )
