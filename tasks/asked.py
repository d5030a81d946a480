"""What is asked for: the records for which a flow is to run, and what became of that."""

from __future__ import annotations

from datetime import datetime

from capstan import store as asked
from capstan.settings import load_settings
from capstan.store import Asked, Asking
from tasks.connections import LiveProject, open_store
from tasks.shield import run_logger


def read_asked(live: LiveProject, *, flow: str) -> tuple[Asked, ...]:
    """The records for which triggers asked for a flow, and no run of it has seen to."""
    return asked.read_asked(live.store, live.study.study, flow=flow)


def settle_asked(live: LiveProject, seen: tuple[Asked, ...], *, is_done: bool, now: datetime) -> None:
    """Strike off what a run has seen to; what it could not do is due again later."""
    study = live.study.study
    if is_done:
        asked.strike_asked(live.store, study, asked=seen)
    else:
        asked.put_off_asked(live.store, study, asked=seen, now=now)


def ask_again(study: str, *, flow: str, now: datetime) -> None:
    """Ask for a run for the study as a whole, because one was put off."""
    with open_store(load_settings()) as store, store.write() as connection:
        asked.add_asked(store, connection, study, asks=[Asking(flow, record="")], now=now)


def due_flows(study: str, *, now: datetime) -> dict[str, bool]:
    """The flows that are to run now, and whether for the named records alone.

    None while a run of the study is open, for which they would have to wait.
    """
    with open_store(load_settings()) as store:
        due = asked.flows_due(store, study, now=now)
        if due and asked.is_busy(store, study, now=now):
            run_logger().info("a run of the study is open; %d flows wait for the next time", len(due))
            return {}
        return {flow: all(one.record for one in asked.read_asked(store, study, flow=flow)) for flow in due}
