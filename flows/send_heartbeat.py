"""Send a heartbeat: tell a dead man's switch outside of this machine that all is well, or that it is not."""

from __future__ import annotations

from capstan.errors import CapstanError, UsageError
from capstan.settings import load_settings
from flows.job import Summary, utc_now
from flows.parameters import DryRun, StudyNames
from tasks.alarms.posting import post, secret_address
from tasks.alarms.wellness import find_faults
from tasks.report import publish_report
from tasks.shield import flow_run_id, study_flow

FLOW = "send_heartbeat"
_TOLD = 20  # faults that are named


@study_flow("send-heartbeat")
def send_heartbeat(
    studies: StudyNames = [],  # noqa: B006 - Prefect reads the default, nothing changes it
    dry_run: DryRun = False,
) -> Summary:
    """Look whether store, workers, due runs, receiver and alarm are well, and tell the switch.

    Args:
        studies: The names of the studies to look at; all if empty.
        dry_run: Say what is wrong; tell nothing to the switch.
    """
    url = secret_address(load_settings().heartbeat_url, name="CAPSTAN_HEARTBEAT_URL")
    if not (url or dry_run):
        raise UsageError(
            "Set CAPSTAN_HEARTBEAT_URL to the address of a dead man's switch; see docs/alarms.md."
        )
    faults = _faults(studies)
    if not dry_run:
        _tell(url, faults)
    summary = _summary(faults, dry_run=dry_run)
    publish_report(summary)
    return summary


def _faults(studies: list[str]) -> list[str]:
    """What is wrong; that one cannot even look is a fault too, so that the switch hears of it."""
    try:
        return find_faults(studies, now=utc_now())
    except CapstanError as error:
        return [str(error)]


def _tell(url: str, faults: list[str]) -> None:
    # The count only: the switch is another's machine.
    said = f"{len(faults)} things are wrong; `capstan heartbeat --dry-run` names them"
    taken = post(f"{url.rstrip('/')}/fail", text=said) if faults else post(url)
    if not taken:
        raise CapstanError("The dead man's switch did not take the heartbeat; look at CAPSTAN_HEARTBEAT_URL.")


def _summary(faults: list[str], *, dry_run: bool) -> Summary:
    summary: Summary = {
        "study": "all",
        "flow": FLOW,
        "outcome": "partly" if faults else "dry run" if dry_run else "done",
        "dry_run": dry_run,
        "flow_run": flow_run_id(),
        "faults": len(faults),
    }
    more = f"; and {len(faults) - _TOLD} more" if len(faults) > _TOLD else ""
    return summary | ({"reason": f"{'; '.join(faults[:_TOLD])}{more}"} if faults else {})
