"""Starting: the flows that triggers asked for, for the named records alone, and those that were put off."""

from __future__ import annotations

from importlib import import_module
from inspect import signature

from capstan.errors import CapstanError
from flows.job import utc_now
from tasks.asked import due_flows
from tasks.flow_runs import flow_run_context
from tasks.shield import run_logger


def run_asked(study: str) -> dict[str, str]:
    """Run each flow that is due, one after the other; gives their outcomes by name.

    Under Prefect each is a flow run of its own. One that fails has told staff so, and is due again later.
    """
    due = due_flows(study, now=utc_now())
    return {name: _run(name, study, is_for_records=due[name]) for name in due}


def _run(name: str, study: str, *, is_for_records: bool) -> str:
    flow = getattr(import_module(f"flows.{name}"), name)
    # Outside of Prefect, as `capstan run` is without a server, nothing may start one.
    call = flow if flow_run_context() else flow.fn
    # One that was put off is asked for the study as a whole.
    is_limited = is_for_records and "triggered" in signature(flow.fn).parameters
    asked = {"triggered": True} if is_limited else {}
    try:
        return str(call(study=study, **asked)["outcome"])
    except CapstanError as error:
        run_logger().warning("%s did not run: %s", name, type(error).__name__)
        return "failed"
