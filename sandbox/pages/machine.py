"""Pages of the server itself: faults, the limit, clock and version, and triggers on their way."""

from __future__ import annotations

from collections.abc import Callable

from starlette.responses import Response

from sandbox.control import clock
from sandbox.control.orders import Order
from sandbox.control.routes import Work
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


def ordering(work: Work, *, then: str) -> Callable[[State, Asked], Response]:
    """Make what a button does: a control's work with the fields of the form, and the page again."""

    def done(state: State, asked: Asked) -> Response:
        work(state, Order(body=asked.form))
        return go_to(then, told="set")

    return done


def faults(state: State, asked: Asked) -> Response:
    """Show the faults that wait, and offer to add one."""
    return page(
        "faults.html", state, asked=asked, kinds=KINDS, faults=state.faults, limit=state.limit, tab="faults"
    )


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


def settings(state: State, asked: Asked) -> Response:
    """Show clock and version."""
    return page("settings.html", state, asked=asked, tab="settings", base_url=state.base_url)


def run_clock(state: State, _: Asked) -> Response:
    """Let the clock run; the moment in the form beside the button does not count."""
    clock.set_clock(state, Order())
    return go_to("settings", told="set")
