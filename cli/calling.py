"""Calling a flow: through a Prefect server where one is configured, else here and now in this process."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from importlib import import_module
from typing import Any

import yaml

from capstan.errors import UsageError

FLOWS = ("poll_participants", "compute_visit_dates", "check_eligibility", "import_records", "revert_run")
EXIT_CODES = {"held": 3, "refused": 3, "partly": 4}


def call_flow(name: str, parameters: Mapping[str, Any]) -> dict[str, Any]:
    """Run a flow by its name and return its summary.

    Raises UsageError for an unknown flow or parameter, and whatever the flow raises.
    """
    chosen = name.replace("-", "_")
    if chosen not in FLOWS:
        raise UsageError(f"There is no flow {name!r}; the flows are {', '.join(FLOWS)}.")
    flow = getattr(import_module(f"flows.{chosen}"), chosen)
    given = _checked(flow, dict(parameters))
    if _has_server():
        return dict(flow(**given))
    logging.getLogger("capstan").setLevel(logging.WARNING)
    return dict(flow.fn(**given))


def read_parameters(pairs: list[str]) -> dict[str, Any]:
    """Read `key=value` pairs; numbers, dates and true or false are what they look like."""
    found: dict[str, Any] = {}
    for pair in pairs:
        key, equals, value = pair.partition("=")
        if not equals or not key:
            raise UsageError(f"-p {pair}: write it as key=value.")
        found[key.strip().replace("-", "_")] = yaml.safe_load(value)
    return found


def exit_code(summary: Mapping[str, Any]) -> int:
    """0 done, 3 held, refused or every row stopped, 4 partly done."""
    code = EXIT_CODES.get(str(summary["outcome"]), 0)
    if code == 0 and summary.get("rows_rejected"):
        return 4 if summary.get("cells_planned") else 3
    return code


def _checked(flow: Any, parameters: dict[str, Any]) -> dict[str, Any]:
    known = set(flow.parameters.properties)
    unknown = sorted(set(parameters) - known)
    if unknown:
        raise UsageError(f"{flow.name} has no parameter {unknown[0]!r}; it has {', '.join(sorted(known))}.")
    try:
        return dict(flow.validate_parameters(parameters))
    except ValueError as error:
        told = str(error).splitlines()
    raise UsageError(f"{flow.name}: {' '.join(line.strip() for line in told[:3])}")


def _has_server() -> bool:
    from prefect.settings import get_current_settings

    return get_current_settings().api.url is not None
