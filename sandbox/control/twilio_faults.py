"""Controls of Twilio's bad days: answers that the next requests get in place of their own."""

from __future__ import annotations

import json
from typing import Any

from sandbox.control.orders import Order
from sandbox.errors import ApiError
from sandbox.state import State
from sandbox.twilio.faults import Fault

MAX_COUNT = 1_000_000
MAX_SECONDS = 3600
MAX_BODY = 1 << 16


def add_faults(state: State, order: Order) -> Any:
    """Let the next requests get other answers: those of the list `faults`."""
    listed = order.body["faults"]
    if not all(isinstance(one, dict) for one in listed):
        raise ApiError("Faults are a list of objects.")
    state.twilio.faults.add([_read_fault(Order(body=one)) for one in listed])
    return count_faults(state)


def count_faults(state: State) -> dict[str, int]:
    """Say how many requests will meet a fault, and how many did."""
    waiting, met = state.twilio.faults.counts()
    return {"waiting": waiting, "met": met}


def _read_body(order: Order) -> str:
    """Return a fault's body; an object is what Twilio would have answered."""
    given = order.body.get("body")
    return json.dumps(given) if isinstance(given, dict) else order.text("body", longest=MAX_BODY)


def _read_fault(order: Order) -> Fault:
    headers = order.part("headers")
    if not all(name.isascii() and name.replace("-", "").isalnum() for name in headers.body):
        raise ApiError("headers have names of letters and digits.")
    if not all(headers.text(name).isascii() and headers.text(name).isprintable() for name in headers.body):
        raise ApiError("headers have values of ASCII.")
    return Fault(
        status=order.number("status", 503, low=200, high=599),
        headers={name: headers.text(name) for name in headers.body},
        body=_read_body(order),
        is_after=order.flag("after", False),
        closes=order.flag("close", False),
        seconds=order.decimal("seconds", 0, low=0, high=MAX_SECONDS),
        count=order.number("count", 1, low=1, high=MAX_COUNT),
        probability=order.decimal("probability", 1, low=0, high=1),
        seed=order.number("seed", 0, low=0, high=2**32),
        method=order.text("method", longest=10),
    )
