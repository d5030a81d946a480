"""Zombies: what Prefect itself must be told, so that runs of a dead worker end and make room."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

# As `capstan alarms` has it. What the run left undone its study's next run does; scheduled again instead, a
# run whose last heartbeat came late would begin again and again.
_CRASHED = {
    "type": "change-flow-run-state",
    "state": "CRASHED",
    "message": "Its worker is gone.",
    "force": False,
}
_ENDS = [f"prefect.flow-run.{state}" for state in ("Completed", "Failed", "Cancelled", "Crashed")]
_RUN = {"prefect.resource.id": ["prefect.flow-run.*"]}


def crash_zombies(ask: Callable[..., Any]) -> None:
    """Make the automations: a run that is silent for 90 s, or claimed and not begun, has crashed."""
    silent = {"after": ["prefect.flow-run.heartbeat"], "expect": ["prefect.flow-run.heartbeat", *_ENDS]}
    claimed = {
        "after": ["prefect.flow-run.Pending"],
        "expect": ["prefect.flow-run.Running", "prefect.flow-run.AwaitingConcurrencySlot", *_ENDS],
    }
    for name, when, seconds in (("silent", silent, 90), ("never begun", claimed, 90)):
        trigger = {
            "type": "event",
            "posture": "Proactive",
            "match": _RUN,
            "for_each": ["prefect.resource.id"],
            "threshold": 1,
            "within": seconds,
            **when,
        }
        ask("automations/", name=f"runs that are {name}", trigger=trigger, actions=[_CRASHED])
