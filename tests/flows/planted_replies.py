"""What planted participants write, what a planted partner says of them, and the flows that take both."""

from __future__ import annotations

import os
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import requests
from planted_study import MARK

import tasks.messages.reply_places
import tasks.partners
from capstan.store import keep_incoming
from cli.stores import open_store_here

if TYPE_CHECKING:
    from planted_flows import Stage

OURS, PHONE, STRANGER = "+15005550006", "+14155550161", "+16285550162"
TEXTS = (
    (PHONE, f"{MARK} when shall we come?"),
    (PHONE, f"I want to die, {MARK}"),
    (PHONE, "RIDE"),
    (STRANGER, f"please stop texting me, says {MARK}"),
)
ROSTERS = {
    "rosters partners": f"id,parent\n{{record}},{MARK} guardian\nXPLANTEDX-999,{MARK}\n",
    "rosters ragged": f"id,parent\n{{record}},{MARK},{MARK}\n",
    "rosters headless": f"{MARK},{MARK}\n{{record}},{MARK}\n",
}


def run_replies(stage: Stage, *, bug: Callable[..., Any], tell_values: Callable[..., Any]) -> None:
    """Replies and rosters, with and without faults."""
    record = _give_phone(stage)
    with open_store_here() as store:
        for number, (sender, text) in enumerate(TEXTS):
            form = {"MessageSid": f"SM{number:032x}", "From": sender, "To": OURS, "Body": text}
            keep_incoming(store, form, now=datetime.now(UTC))
    stage.run("replies dry", "check_replies", dry_run=True)
    with bug(tasks.messages.reply_places, "plan_inbound", _raising(tell_values)):
        stage.run("replies value error", "check_replies")
    stage.run("replies", "check_replies")
    for name, text in ROSTERS.items():
        _roster().write_text(text.format(record=record), encoding="utf-8")
        stage.run(name, "check_partner_status", max_share=1)
        with bug(tasks.partners, "compare_roster", _raising(tell_values)):
            stage.run(f"{name} value error", "check_partner_status", max_share=1)


def _raising(tell_values: Callable[..., Any]) -> Callable[..., Any]:
    """The bug that tells the first row of the frame that it is given."""

    def broken(first: Any, second: Any, *, present: Any = None, **_: Any) -> Any:
        return tell_values(second, first if present is None else present)

    return broken


def _give_phone(stage: Stage) -> str:
    """Give a randomized participant a phone of their own."""
    asked = {"token": os.environ["TOKEN_PLANTED"], "content": "record", "format": "json"}
    url = os.environ["REDCAP_URL"]
    rows = requests.post(url, data={**asked, "fields": "record_id,rand_color"}, timeout=30).json()
    record = next(str(row["record_id"]) for row in rows if row["rand_color"])
    cell = {
        "record": record,
        "event": "baseline_arm_1",
        "field": "part_mobile_number",
        "value": "(415) 555-0161",
    }
    cells = f"{stage.control}projects/{os.environ['REDCAP_PROJECT_ID']}/cells"
    requests.post(cells, json=cell, timeout=30).raise_for_status()
    return record


def _roster() -> Path:
    return Path(os.environ["CAPSTAN_STUDIES"]) / "planted" / "roster.csv"
