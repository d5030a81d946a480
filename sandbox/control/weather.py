"""Controls of bad days: faults, and the limit on requests."""

from __future__ import annotations

from typing import Any

from sandbox.by_hand import open_project
from sandbox.control.orders import Order
from sandbox.control.projects import read_write
from sandbox.control.twilio_faults import count_faults
from sandbox.errors import ApiError
from sandbox.faults import Fault, Kind, SecondWrite, Waiting
from sandbox.limits import REDCAP_PER_MINUTE
from sandbox.state import State

MAX_COUNT = 1_000_000
MAX_SECONDS = 3600
MAX_WAITING = 1000


def add_fault(state: State, order: Order) -> Any:
    """Let the next `count` requests meet a fault of some `kind`."""
    if len(state.faults.waiting()) >= MAX_WAITING:
        raise ApiError("Too many faults wait; take them back first.")
    kind = Kind(order.choice("kind", Kind.STATUS, of=Kind))
    fault = Fault(
        kind,
        status=order.number("status", 503, low=200, high=599),
        seconds=order.decimal("seconds", 0, low=0, high=MAX_SECONDS),
        content=order.text("content"),
        action=order.text("action"),
        after=order.number("after", 0, low=0, high=MAX_COUNT),
        count=order.number("count", 1, low=1, high=MAX_COUNT),
        probability=order.decimal("probability", 1, low=0, high=1),
        seed=order.number("seed", 0, low=0, high=2**32),
        write=_second_write(state, order) if kind is Kind.SECOND_WRITER else None,
    )
    state.faults.add(fault)
    return list_faults(state, order)


def list_faults(state: State, _: Order) -> Any:
    """List the faults that wait, and say how often each kind was met; Twilio's are counted."""
    return {
        "waiting": len(state.faults),
        "faults": [_about(one) for one in state.faults.waiting()],
        "met": state.faults.met(),
        "twilio": count_faults(state),
    }


def clear_faults(state: State, order: Order) -> Any:
    """Take all waiting faults back, Twilio's too, and forget which were met."""
    state.faults.clear()
    state.twilio.faults.clear()
    return list_faults(state, order)


def set_limit(state: State, order: Order) -> Any:
    """Ban an address above so many requests a minute; 0 bans nobody."""
    state.limit.set(order.number("per_minute", REDCAP_PER_MINUTE, low=0, high=MAX_COUNT))
    return show_limit(state, order)


def show_limit(state: State, _: Order) -> Any:
    """Say the limit and which addresses are banned."""
    return {"per_minute": state.limit.per_minute, "banned": state.limit.banned()}


def lift_bans(state: State, _: Order) -> Any:
    """Lift every ban, as an administrator would."""
    return {"lifted": state.limit.lift()}


def _second_write(state: State, order: Order) -> SecondWrite:
    cell = order.part("cell")
    write = read_write(Order(cell.number("project_id", 0, low=0, high=2**53), cell.body))
    open_project(state, write.project_id)
    return write


def _about(waiting: Waiting) -> dict[str, Any]:
    fault = waiting.fault
    return {
        "kind": fault.kind.value,
        "content": fault.content,
        "action": fault.action,
        "status": fault.status,
        "seconds": fault.seconds,
        "after": waiting.to_pass,
        "left": waiting.left,
        "probability": fault.probability,
        "seed": fault.seed,
    }
