"""Controls of data entry triggers: where they go, what befalls them, and what was posted."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from sandbox.by_hand import open_project
from sandbox.control.orders import Order
from sandbox.delivery import MAX_WAITING, Sent, Trick
from sandbox.state import State
from sandbox.triggers import MAX_URL, Trigger, read_trigger, save_trigger

MAX_SECONDS = 3600


def show_trigger(state: State, order: Order) -> Any:
    """Show a project's trigger."""
    return asdict(read_trigger(state.store, open_project(state, order.project_id).project_id))


def set_trigger(state: State, order: Order) -> Any:
    """Set a project's trigger: `url`, `is_on`, and `on_imports`, which REDCap does not have."""
    project = open_project(state, order.project_id)
    old = read_trigger(state.store, project.project_id)
    trigger = Trigger(
        order.text("url", old.url, longest=MAX_URL).strip(),
        order.flag("is_on", old.is_on),
        order.flag("on_imports", old.on_imports),
    )
    save_trigger(state.store, project.project_id, trigger=trigger)
    return asdict(trigger)


def list_posts(state: State, _: Order) -> Any:
    """List the posts that were made or dropped, oldest first."""
    posts = [about_post(one) for one in state.delivery.history()]
    return {"posts": posts, "waiting": state.delivery.waiting(), "tricks": state.delivery.tricks()}


def clear_posts(state: State, _: Order) -> Any:
    """Forget the list of posts."""
    return {"forgotten": state.delivery.clear_history()}


def add_trick(state: State, order: Order) -> Any:
    """Drop, delay, duplicate or reorder the next `count` posts."""
    kind = Trick(order.choice("kind", "", of=Trick))
    count = order.number("count", 1, low=1, high=MAX_WAITING)
    state.delivery.trick(kind, count=count, seconds=order.decimal("seconds", 1, low=0, high=MAX_SECONDS))
    return {"tricks": state.delivery.tricks()}


def clear_tricks(state: State, _: Order) -> Any:
    """Take back what no post has met; posts that were held go out."""
    state.delivery.clear_tricks()
    return {"tricks": []}


def about_post(sent: Sent) -> dict[str, Any]:
    """Return a post as it is listed."""
    return {
        "at": sent.post.at,
        "project_id": sent.post.project_id,
        "url": sent.post.url,
        "status": sent.status,
        "note": sent.note,
        "fields": dict(sent.post.fields),
    }
