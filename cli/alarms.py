"""`capstan alarms` and `capstan heartbeat`: what rings when the runs themselves cannot."""

from __future__ import annotations

from typing import Annotated

import typer

from cli.deployments import Studies
from cli.running import AsJson, DryRun
from cli.showing import console

Block = Annotated[
    str, typer.Option(help="Notification block TYPE/NAME that tells people; else CAPSTAN_ALARM_URL.")
]


def alarms(block: Block = "") -> None:
    """Make Prefect tell people of failed, crashed, late and silent runs, and of missing workers.

    Calling it again changes what is there and makes nothing twice.

    Example: capstan alarms --block slack-webhook/team
    """
    from tasks.alarms.automations import set_automations

    for name in set_automations(block):
        console.print(name)


def heartbeat(
    studies: Studies = [],  # noqa: B006 - typer reads the default, nothing changes it
    dry_run: DryRun = False,
    as_json: AsJson = False,
) -> None:
    """Tell the dead man's switch at CAPSTAN_HEARTBEAT_URL that all is well, or that it is not.

    Example: capstan heartbeat --dry-run
    """
    from capstan.verdict import NO_VERDICTS
    from cli.calling import call_flow
    from cli.finishing import finish

    summary = call_flow("send_heartbeat", {"studies": studies, "dry_run": dry_run})
    finish(summary, stopped=NO_VERDICTS, as_json=as_json)
