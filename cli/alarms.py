"""`capstan alarms`: Prefect's own alarms, set at the server that is configured."""

from __future__ import annotations

from typing import Annotated

import typer

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
