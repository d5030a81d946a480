"""Flow runs: whether Prefect runs us, found out without its import, which takes a second."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from prefect.context import FlowRunContext

_CONTEXTS = "prefect.context"


def flow_run_context() -> FlowRunContext | None:
    """The flow run that goes on; None outside of one, where Prefect may not even be imported."""
    if _CONTEXTS not in sys.modules:
        return None
    from prefect.context import FlowRunContext

    return FlowRunContext.get()


def is_in_task() -> bool:
    """Whether a task goes on."""
    if _CONTEXTS not in sys.modules:
        return False
    from prefect.context import TaskRunContext

    return TaskRunContext.get() is not None
