"""Calling a flow: through a Prefect server where one is configured, else here and now in this process."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from importlib import import_module
from inspect import signature
from typing import Any
from urllib.parse import urlsplit

import requests

from capstan.errors import CapstanError, UsageError

FLOWS = (
    "poll_participants",
    "compute_visit_dates",
    "check_eligibility",
    "import_records",
    "apply_plan",
    "rejudge_quarantine",
    "complete_forms",
    "send_messages",
    "send_surveys",
    "check_deliveries",
    "check_replies",
    "ingest_triggers",
    "check_partner_status",
    "reconcile_triggers",
    "run_monitors",
    "load_sessions",
    "data_quality",
    "revert_run",
    "run_studies",
    "audit_projects",
    "send_heartbeat",
    "try_alarm",
)


def call_flow(name: str, parameters: Mapping[str, Any]) -> dict[str, Any]:
    """Run a flow by its name and return its summary.

    Raises UsageError for an unknown flow or parameter, and whatever the flow raises.
    """
    flow = _find_flow(name)
    given = _checked(flow, parameters)
    from tasks.deployed import server_address

    if api := server_address():
        _check_server(api)
        return dict(flow(**given))
    return _run_here(flow, given)


def call_here(name: str, parameters: Mapping[str, Any]) -> dict[str, Any]:
    """Do what `call_flow` does in this process, so that a Prefect server hears nothing of it."""
    flow = _find_flow(name)
    return _run_here(flow, _checked(flow, parameters))


def parameters_of(name: str) -> frozenset[str]:
    """The names of a flow's parameters; raises UsageError for an unknown flow."""
    return frozenset(signature(_find_flow(name).fn).parameters)


def call_unrecorded(module: str, name: str, study: str, **parameters: Any) -> Any:
    """Call a function of `flows.<module>` that is no flow, because its parameters name participants.

    It runs here, whatever server is configured: Prefect keeps the parameters of its flows.
    """
    function = getattr(import_module(f"flows.{module}"), name)
    logging.getLogger("capstan").setLevel(logging.WARNING)
    return function(study, **parameters)


def read_parameters(pairs: list[str]) -> dict[str, str]:
    """Read `key=value` pairs as text; the flow's own types make numbers, dates and truth of them."""
    found: dict[str, str] = {}
    for pair in pairs:
        key, equals, value = pair.partition("=")
        if not equals or not key:
            raise UsageError(f"-p {pair}: write it as key=value.")
        found[key.strip().replace("-", "_")] = value.strip()
    return found


def _find_flow(name: str) -> Any:
    chosen = name.replace("-", "_")
    if chosen not in FLOWS:
        raise UsageError(f"There is no flow {name!r}; the flows are {', '.join(FLOWS)}.")
    return getattr(import_module(f"flows.{chosen}"), chosen)


def _checked(flow: Any, parameters: Mapping[str, Any]) -> dict[str, Any]:
    """Check before a server hears of them, because Prefect keeps what it is given."""
    from tasks.parameters import check_parameters

    return check_parameters(flow.fn, parameters)


def _run_here(flow: Any, parameters: Mapping[str, Any]) -> dict[str, Any]:
    logging.getLogger("capstan").setLevel(logging.WARNING)
    return dict(flow.fn(**parameters))


def _check_server(api: str) -> None:
    """Refuse a Prefect server that does not answer; any answer will do, also one that asks who we are."""
    try:
        requests.get(f"{api}/health", timeout=10)
    except requests.RequestException:
        host = urlsplit(api).hostname
        told = (
            f"The Prefect server at {host} does not answer; start it, or unset PREFECT_API_URL to run here."
        )
    else:
        return
    raise CapstanError(told)
