"""Pages of the server itself: faults, the limit, clock and version, and triggers on their way."""

from __future__ import annotations

from starlette.responses import Response

from sandbox.control import server, triggers, weather
from sandbox.control.orders import Order
from sandbox.delivery import Trick
from sandbox.faults import Kind
from sandbox.pages.asked import Asked, go_to, page
from sandbox.state import State

KINDS = {
    Kind.STATUS: "an error status, with a page",
    Kind.HTML: "a page instead of data, status 200",
    Kind.EMPTY: "an empty answer, status 200",
    Kind.TRUNCATED: "half of the answer",
    Kind.CLOSE_BEFORE: "connection cut before the work",
    Kind.CLOSE_AFTER: "connection cut after the work",
    Kind.LATENCY: "seconds of waiting",
    Kind.ROW_LATENCY: "seconds of waiting for each row",
    Kind.BAN: "the client's address is banned",
}


def faults(state: State, asked: Asked) -> Response:
    """Show the faults that wait, and offer to add one."""
    return page(
        "faults.html", state, asked=asked, kinds=KINDS, faults=state.faults, limit=state.limit, tab="faults"
    )


def add_fault(state: State, asked: Asked) -> Response:
    """Add a fault."""
    weather.add_fault(state, Order(body=asked.form))
    return go_to("weather", told="set")


def clear_faults(state: State, _: Asked) -> Response:
    """Take back the faults that wait."""
    weather.clear_faults(state, Order())
    return go_to("weather", told="set")


def set_limit(state: State, asked: Asked) -> Response:
    """Set the limit on requests."""
    weather.set_limit(state, Order(body=asked.form))
    return go_to("weather", told="set")


def lift_bans(state: State, _: Asked) -> Response:
    """Lift every ban."""
    weather.lift_bans(state, Order())
    return go_to("weather", told="set")


def posts(state: State, asked: Asked) -> Response:
    """Show the triggers that were posted, newest first."""
    found = list(reversed(state.delivery.history()))
    return page(
        "posts.html",
        state,
        asked=asked,
        posts=found[:200],
        delivery=state.delivery,
        tricks=list(Trick),
        tab="posts",
    )


def add_trick(state: State, asked: Asked) -> Response:
    """Play a trick on the next posts."""
    triggers.add_trick(state, Order(body=asked.form))
    return go_to("posts", told="set")


def clear_tricks(state: State, _: Asked) -> Response:
    """Take back the tricks that wait."""
    triggers.clear_tricks(state, Order())
    return go_to("posts", told="set")


def settings(state: State, asked: Asked) -> Response:
    """Show clock and version."""
    return page("settings.html", state, asked=asked, tab="settings", base_url=state.base_url)


def set_clock(state: State, asked: Asked) -> Response:
    """Stop the clock, or let it run."""
    server.set_clock(state, Order(body=asked.form))
    return go_to("settings", told="set")


def run_clock(state: State, _: Asked) -> Response:
    """Let the clock run."""
    server.set_clock(state, Order())
    return go_to("settings", told="set")


def set_version(state: State, asked: Asked) -> Response:
    """Behave as another version."""
    server.set_version(state, Order(body=asked.form))
    return go_to("settings", told="set")
