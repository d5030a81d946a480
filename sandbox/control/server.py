"""Controls of the server: the list of requests, clock and version."""

from __future__ import annotations

from dataclasses import asdict
from datetime import datetime
from typing import Any

from sandbox.control.orders import Order
from sandbox.errors import ApiError
from sandbox.session import read_version
from sandbox.state import State

FIRST_YEAR = 1000


def list_requests(state: State, _: Order) -> Any:
    """List the API requests that were made, without values or tokens."""
    return [asdict(one) for one in list(state.requests)]


def clear_requests(state: State, _: Order) -> Any:
    """Forget the list of requests."""
    count = len(state.requests)
    state.requests.clear()
    return {"forgotten": count}


def set_clock(state: State, order: Order) -> Any:
    """Stop the clock at `now` (ISO), or let it run with null."""
    moment = order.text("now")
    try:
        state.clock.freeze(_read_moment(moment) if moment else None)
    except ValueError as error:
        raise ApiError("now must be a moment like 2026-06-01T12:00:00.") from error
    return {"now": state.clock.stamp()}


def _read_moment(text: str) -> datetime:
    moment = datetime.fromisoformat(text)
    # The log is sorted as text, for which a year needs its four digits.
    if moment.year < FIRST_YEAR:
        raise ValueError("too early")
    return moment


def set_version(state: State, order: Order) -> Any:
    """Behave as another version of REDCap."""
    try:
        state.redcap.version = read_version(order.text("version"))
    except ValueError as error:
        raise ApiError(str(error)) from error
    return {"version": state.version}
