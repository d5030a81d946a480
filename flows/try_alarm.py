"""Try the alarm: make it ring on purpose, and keep when every way of it worked."""

from __future__ import annotations

from typing import Annotated

from capstan.errors import CapstanError, UsageError
from capstan.settings import load_settings
from capstan.study import find_study, read_study
from flows.job import Summary, telling_of_failure, utc_now
from flows.parameters import DryRun, StudyName, titled
from tasks.alarms.ringing import ring
from tasks.alarms.trials import note_trial
from tasks.connections import open_store
from tasks.folders import study_folders
from tasks.report import publish_report
from tasks.shield import flow_run_id, study_flow

FLOW = "try_alarm"
_TEXT = "This is a trial of the alarm. Nothing is wrong, and nothing is to be done."
EndAsFailed = Annotated[bool, titled("End as failed")]


@study_flow("try-alarm")
def try_alarm(study: StudyName, end_as_failed: EndAsFailed = False, dry_run: DryRun = False) -> Summary:
    """Tell a marked trial to all staff of a study and to the webhook, past every limit of notices.

    Args:
        study: The name of the study.
        end_as_failed: End this run as failed on purpose, so that Prefect's own alarms must ring too.
        dry_run: Say whether there is anybody to tell; tell nobody.
    """
    with telling_of_failure(study, flow=FLOW, dry_run=dry_run):
        ways = _try(study, dry_run=dry_run)
    summary = _summary(study, ways, dry_run=dry_run)
    publish_report(summary)
    if end_as_failed and not dry_run:
        raise CapstanError("This run failed on purpose, as a trial of the alarm. Nothing is wrong.")
    return summary


def _try(name: str, *, dry_run: bool) -> dict[str, str]:
    folder = find_study(name, folders=study_folders(load_settings()))
    study = read_study(folder)
    staff = study.notify.staff
    if not (staff.email or staff.sms or load_settings().alarm_url):
        raise UsageError("Nobody can be told: fill notify.staff in study.yaml, or set CAPSTAN_ALARM_URL.")
    if dry_run:
        return {}
    ways = ring(study, folder=folder, subject=f"[{name}] trial of the alarm", text=_TEXT)
    if all(said == "accepted" for said in ways.values()):
        with open_store(load_settings()) as store:
            note_trial(store, study, now=utc_now())
    return ways


def _summary(study: str, ways: dict[str, str], *, dry_run: bool) -> Summary:
    odd = {way: said for way, said in ways.items() if said != "accepted"}
    outcome = "partly" if odd else "done"
    summary: Summary = {
        "study": study,
        "flow": FLOW,
        "outcome": "dry run" if dry_run else outcome,
        "dry_run": dry_run,
        "flow_run": flow_run_id(),
        "ways": {f"{way}: {said}": 1 for way, said in ways.items()},
    }
    told = ", ".join(f"{way} was {said}" for way, said in odd.items())
    return summary | ({"reason": f"The alarm does not reach everybody: {told}."} if odd else {})
