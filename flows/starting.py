"""Starting: the flows that triggers asked for, right after the items, for the named records alone."""

from __future__ import annotations

from importlib import import_module
from inspect import signature

from prefect.context import FlowRunContext

from capstan.errors import CapstanError
from flows.job import utc_now
from tasks.asked import due_flows
from tasks.shield import run_logger


def run_asked(study: str) -> dict[str, str]:
    """Run each flow that is due, one after the other; gives their outcomes by name.

    Under Prefect each is a flow run of its own. One that fails has told staff so, and is due again later.
    """
    return {name: _run(name, study) for name in due_flows(study, now=utc_now())}


def _run(name: str, study: str) -> str:
    flow = getattr(import_module(f"flows.{name}"), name)
    # Outside of Prefect, as `capstan run` is without a server, nothing may start one.
    call = flow if FlowRunContext.get() else flow.fn
    asked = {"triggered": True} if "triggered" in signature(flow.fn).parameters else {}
    try:
        return str(call(study=study, **asked)["outcome"])
    except CapstanError as error:
        run_logger().warning("%s did not run: %s", name, type(error).__name__)
        return "failed"
