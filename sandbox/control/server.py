"""Controls of the server: the list of requests, and its version."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from sandbox.control.orders import Order
from sandbox.errors import ApiError
from sandbox.session import read_version
from sandbox.state import State


def list_requests(state: State, _: Order) -> Any:
    """List the API requests that were made, without values or tokens."""
    return [asdict(one) for one in list(state.requests)]


def clear_requests(state: State, _: Order) -> Any:
    """Forget the list of requests."""
    count = len(state.requests)
    state.requests.clear()
    return {"forgotten": count}


def set_version(state: State, order: Order) -> Any:
    """Behave as another version of REDCap."""
    try:
        state.redcap.version = read_version(order.text("version"))
    except ValueError as error:
        raise ApiError(str(error)) from error
    return {"version": state.version}
