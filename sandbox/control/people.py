"""Controls for what people get on pages that no API method stands for."""

from __future__ import annotations

from typing import Any

from sandbox.by_hand import open_project
from sandbox.control.orders import Order
from sandbox.methods import groups
from sandbox.state import State

MAX_GROUPS = 10_000


def assign_groups(state: State, order: Order) -> Any:
    """Let a user switch between `groups` (unique names, comma separated), and to none with `none`."""
    names = [name.strip() for name in order.text("groups", longest=MAX_GROUPS).split(",")]
    chosen = [name for name in names if name] + [""] * order.flag("none", False)
    project, username = open_project(state, order.project_id), order.text("username", longest=100)
    groups.assign_groups(state.store, project, username=username, groups=chosen)
    return {"username": username, "groups": chosen}
