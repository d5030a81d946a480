"""Runs every flow on the planted study, well and badly, in one process; says how each ended as JSON.

    python planted_flows.py STUDY FOLDER_OF_FILES CONTROL_URL

It is a process of its own, so that everything that it prints can be searched.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType
from typing import Any

import pandas as pd
import prefect
import requests
from planted_inbox import run_inbox
from planted_replies import run_replies
from planted_study import CONTROL, TODAY
from planted_triggers import run_triggers
from prefect.artifacts import create_markdown_artifact

import capstan.redcap.wire
import checks.gate
import tasks.messages.planning
import tasks.quality.looking
import tasks.redcap
import tasks.rules
import tasks.steps
from capstan.errors import RedcapError
from capstan.plan import keyed
from cli.calling import call_flow
from tasks.references import references_of
from tasks.shield import run_logger, study_flow

capstan.redcap.wire.BACKOFF_SECONDS = 0.01


class Panic(BaseException):
    """What libraries written in Rust raise: no Exception."""


class Stage:
    """A study to run flows on, and how each run ended, by name."""

    def __init__(self, study: str, files: Path, control: str) -> None:
        self.study, self.files, self.control = study, files, control
        self.ended: dict[str, Any] = {}

    def run(self, name: str, flow: str, **parameters: Any) -> None:
        """Run a flow, whatever becomes of it."""
        try:
            self.ended[name] = call_flow(flow, {"study": self.study, **parameters})
        except BaseException as error:
            self.ended[name] = {"outcome": type(error).__name__, "text": str(error)}

    def compute(self, name: str) -> None:
        """Run visit dates, for all participants."""
        self.run(name, "compute_visit_dates", today=TODAY, max_share=1)

    def load(self, name: str, file: str, **parameters: Any) -> None:
        """Run an import."""
        self.run(name, "import_records", file=str(self.files / file), **{"max_share": 1, **parameters})

    def undo(self, name: str, *, of: str, **parameters: Any) -> None:
        """Run a revert of what another run wrote."""
        self.run(name, "revert_run", run=self.ended[of]["run"], **parameters)

    @contextmanager
    def fault(self, kind: str, **about: Any) -> Iterator[None]:
        """Let the next calls meet a fault."""
        requests.post(f"{self.control}faults", json={"kind": kind, **about}, timeout=30).raise_for_status()
        yield
        requests.delete(f"{self.control}faults", timeout=30).raise_for_status()

    @contextmanager
    def import_fault(self, kind: str) -> Iterator[None]:
        """Let the next import meet a fault; what is read before it, and once more beside it, does not."""

        def meet(point: str) -> None:
            if point == "sent":
                asked = {"kind": kind, "content": "record", "action": "import"}
                requests.post(f"{self.control}faults", json=asked, timeout=30).raise_for_status()

        with bug(tasks.steps, "crash_point", meet):
            yield
        requests.delete(f"{self.control}faults", timeout=30).raise_for_status()


@contextmanager
def bug(module: ModuleType, name: str, broken: Callable[..., Any]) -> Iterator[None]:
    """Put a bug into a function for a while."""
    sound = getattr(module, name)
    setattr(module, name, broken)
    yield
    setattr(module, name, sound)


def tell_values(_study: object, export: pd.DataFrame, **_: object) -> Any:
    raise ValueError(f"cannot read {export.iloc[0].to_dict()}")


def chain_values(_study: object, result: Any, **_: object) -> Any:
    record = result.participants["record"].iloc[0]
    try:
        raise KeyError(record)
    except KeyError as error:
        error.add_note(f"while at {record}")
        raise RuntimeError(f"participant {record}") from error


def hide_values(_study: object, export: pd.DataFrame, **_: object) -> Any:
    try:
        raise KeyError(export.iloc[0, 0])
    except KeyError:
        raise RedcapError("One of ours, while another was handled.")  # noqa: B904 - that is what is tried


def panic(_study: object, export: pd.DataFrame, **_: object) -> Any:
    raise Panic(f"called on a None value: {export.iloc[0, 0]}")


def double(frame: pd.DataFrame, *, record_field: str) -> pd.DataFrame:
    whole = keyed(frame, record_field=record_field)
    return pd.concat([whole, whole], ignore_index=True)


def hear_nothing(*_: object, **__: object) -> None:
    return None


@study_flow("careless")
def careless(study: str) -> str:
    """Log what nobody should."""
    for text in ("(628) 555-0123", "+16285550123", "6285550123", "family@example.org"):
        run_logger().info("calling %s now, or %s", text, [text])
    run_logger().warning(f"token {'0123456789ABCDEF' * 2} of {study}")
    try:
        raise ValueError("at 628-555-0177")
    except ValueError:
        run_logger().exception("mail to careless@example.org failed")
    return study


@prefect.task(persist_result=True)
def keep(text: str) -> dict[str, str]:
    """Return a value that Prefect stores."""
    return {"kept": text}


@prefect.flow(flow_run_name="named {text}", log_prints=True)
def control(text: str) -> None:
    """Leak a text in every way there is, so that the searcher has something to find."""
    prefect.get_run_logger().info("logged %s", text)
    create_markdown_artifact(markdown=f"shown {text}", key="control")
    keep(text)
    raise ValueError(f"told {text}")


def run_all(stage: Stage) -> None:
    """Every flow, well and badly."""
    for name, broken in (("value error", tell_values), ("our error", hide_values), ("panic", panic)):
        with bug(tasks.rules, "compute_visits", broken):
            stage.compute(name)
    for kind in ("status", "close_before"):
        with stage.fault(kind, count=4, content="record", status=500):
            stage.compute(f"visits {kind}")
    stage.compute("visits")
    with bug(tasks.rules, "wanted_eligibility", chain_values):
        stage.run("key error", "check_eligibility", today=TODAY)
    with bug(tasks.redcap, "keyed", double):
        stage.run("contract", "check_eligibility", today=TODAY)
    stage.run("eligibility", "check_eligibility", today=TODAY, max_share=1)
    named = references_of(stage.study, records=["XPLANTEDX-7"])["XPLANTEDX-7"]
    stage.run("one participant", "check_eligibility", today=TODAY, participant=named)
    stage.run("record id", "check_eligibility", today=TODAY, participant="XPLANTEDX-7")
    stage.run("poll", "poll_participants", today=TODAY, everybody=True)
    with bug(tasks.quality.looking, "audit_rows", tell_values):
        stage.run("quality value error", "data_quality")
    stage.run("quality", "data_quality")
    run_imports(stage)


def run_imports(stage: Stage) -> None:
    """Imports of all files, with and without faults, and their undoing."""
    stage.load("held", "mixed.csv", max_records=1)
    for file in ("headless", "ragged", "latin"):
        stage.load(file, f"{file}.csv")
    stage.load("mixed", "mixed.csv")
    stage.undo("revert one field", of="mixed", fields=["exam_remarks"])
    with stage.fault("html", content="record", count=4):
        stage.undo("revert html", of="mixed")
    stage.undo("revert", of="mixed")
    stage.run("rejudged", "rejudge_quarantine")
    stage.run("completed", "complete_forms", form="exam", when="[exam_date] <> ''", max_share=1)
    stage.run("unapproved", "apply_plan", plan=stage.ended["held"]["plan"])
    approved = {"approved_by": "Ann Lee", "reason": "as planned"}
    stage.run("approved", "apply_plan", plan=stage.ended["held"]["plan"], **approved)
    stage.undo("revert approved", of="approved")
    with bug(checks.gate, "_judge_cells", hear_nothing):
        stage.load("refused rows", "mixed.csv")
    stage.undo("revert refused rows", of="refused rows")
    with stage.import_fault("close_after"):
        stage.load("closed", "good.csv")
    with stage.import_fault("html"):
        stage.undo("revert closed", of="closed")
    stage.load("later", "later.csv")
    stage.undo("moved on", of="closed")


def run_messages(stage: Stage) -> None:
    """Messages planned and sent, with and without faults, and what became of them."""
    stage.run("messages dry", "send_messages", dry_run=True)
    with bug(tasks.messages.planning, "plan_messages", tell_values):
        stage.run("messages value error", "send_messages")
    stage.run("messages", "send_messages")
    requests.post(f"{stage.control}clock/advance", json={"seconds": 120}, timeout=60).raise_for_status()
    faults = [{"status": 500, "method": "GET", "count": 1}]
    requests.post(f"{stage.control}faults", json=faults, timeout=30).raise_for_status()
    stage.run("no answer", "check_deliveries")
    stage.run("deliveries", "check_deliveries")
    stage.run("letters", "send_messages")
    stage.run("surveys", "send_surveys")
    stage.run("monitors", "run_monitors")


def main(study: str, files: str, address: str) -> None:
    stage = Stage(study, Path(files), address)
    run_all(stage)
    run_messages(stage)
    run_replies(stage, bug=bug, tell_values=tell_values)
    run_triggers(stage, bug=bug)
    run_inbox(stage, bug=bug)
    careless(study)
    control(CONTROL, return_state=True)
    print(json.dumps(stage.ended))  # noqa: T201


if __name__ == "__main__":
    main(*sys.argv[1:])
