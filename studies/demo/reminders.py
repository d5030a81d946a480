"""The demo's messages: reminders through the sandbox's Twilio and mail server, and what became of them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import Any

import requests

from capstan.delivery.codes import CODES
from capstan.message import MessageState
from cli.showing import console, plain_table

Step = Callable[..., dict[str, Any]]
# Long enough for every delivery of the sandbox, whose senders have a rate too.
_SANDBOX_SECONDS = 120


def send_reminders(step: Step, *, study: str, control_url: str) -> dict[str, int]:
    """Send the trial's reminders, look at what became of them, and send once more; returns counts."""
    sent = step("7. Remind families whose visit is due, by text message", "send_messages")
    _let_time_pass(control_url)
    step("8. What became of them? It is written down in REDCap", "check_deliveries")
    step("9. Once more: nobody twice; whose phone cannot be texted gets a letter", "send_messages")
    heard = step("10. Who wrote back STOP gets no more texts, and REDCap says so", "check_replies")
    _show_deliveries(study)
    counts = _counts(study)
    return {
        "planned": sum(counts.values()) - counts[MessageState.SUPPRESSED],
        "suppressed": int(sent["messages"]["suppressed"]),
        "delivered": counts[MessageState.DELIVERED],
        "failed": counts[MessageState.FAILED],
        "unknown": counts[MessageState.UNKNOWN] + counts[MessageState.REVIEW],
        "duplicates": _duplicates(control_url),
        "replies": sum(heard["replies"].values()),
    }


def _let_time_pass(control_url: str) -> None:
    ahead = requests.post(f"{control_url}clock/advance", json={"seconds": _SANDBOX_SECONDS}, timeout=60)
    ahead.raise_for_status()


def _duplicates(control_url: str) -> int:
    """How many texts the sandbox was sent that it had already: the same words to the same phone."""
    state = requests.get(f"{control_url}state", timeout=60).json()
    return sum(int(one["count"]) - 1 for one in state["counts"])


def _counts(study: str) -> Counter[MessageState]:
    from capstan.store import count_messages
    from cli.stores import open_store_here

    with open_store_here() as store:
        return Counter(count_messages(store, study=study))


def _show_deliveries(study: str) -> None:
    """Print how many messages ended how, and what the provider said of those that did not go well."""
    from capstan.store import list_messages, read_message
    from cli.stores import open_store_here

    ends: Counter[tuple[str, str, str]] = Counter()
    with open_store_here() as store:
        for message in list_messages(store, study=study, limit=None):
            attempts = read_message(store, message.id)[1]
            if attempts:
                codes = dict.fromkeys(one.code for one in attempts if one.code in CODES)
                meanings = "; ".join(CODES[code].meaning for code in codes)
                ends[message.channel, message.state, meanings] += 1
    table = plain_table("messages", "by", "state", "what was said on the way", whole=("by", "state"))
    for (channel, state, said), count in sorted(ends.items()):
        table.add_row(str(count), channel, state, said)
    console.print(table)
