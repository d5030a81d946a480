"""Automations: Prefect's own alarms as code, for what no run of ours can tell, such as a dead worker."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import TYPE_CHECKING, Any
from uuid import UUID

from capstan.errors import CapstanError, UsageError
from capstan.settings import load_settings
from tasks.alarms.posting import secret_address
from tasks.deployed import server_address

if TYPE_CHECKING:
    from prefect.client.orchestration import SyncPrefectClient

_OUR_BLOCK = "custom-webhook/capstan-alarm"
_RUNS, _POOLS = {"prefect.resource.id": "prefect.flow-run.*"}, {"prefect.resource.id": "prefect.work-pool.*"}
# Only what deployments of ours made.
_OURS = {"prefect.resource.id": "prefect.tag.capstan", "prefect.resource.role": "tag"}
_ENDS = {f"prefect.flow-run.{state}" for state in ("Completed", "Failed", "Cancelled", "Crashed")}
_BEAT = "prefect.flow-run.heartbeat"
_RUNNING, _QUEUED = "prefect.flow-run.Running", "prefect.flow-run.AwaitingConcurrencySlot"
_CLAIMED = {f"prefect.flow-run.{state}" for state in ("Pending", "Submitting", "InfrastructurePending")}
# Three heartbeats, of which our deployments ask for one in 30 s; the least that Prefect allows.
_SILENT, _LATE, _STALLED = timedelta(seconds=90), timedelta(minutes=15), timedelta(hours=25)
# A container may have to be fetched first.
_UNBEGUN = timedelta(minutes=10)
_GONE = {
    # It crashed, then: "capstan: a run crashed" tells of it, and its place is free for the next run.
    "type": "change-flow-run-state",
    "state": "CRASHED",
    "message": "Its worker is gone.",
    # A last heartbeat may arrive after the run's end: what has ended stays as it ended.
    "force": False,
}


def set_automations(block: str = "") -> list[str]:
    """Make Prefect's server have the alarms, each once however often this is called; returns their names.

    They tell through a notification block, `TYPE/NAME`; without one through CAPSTAN_ALARM_URL. Raises
    UsageError where no server is configured or the block is missing.
    """
    from httpx import HTTPError
    from prefect.client.orchestration import get_client

    if not server_address():
        raise UsageError("No Prefect server is configured; set PREFECT_API_URL.")
    try:
        with get_client(sync_client=True) as client:
            told = _block_id(client, block)
            return [_set(client, wanted) for wanted in automations(told)]
    except HTTPError as error:
        kind = type(error).__name__
    raise CapstanError(f"The Prefect server did not take the automations ({kind}); look at its log.")


def automations(block: UUID) -> Iterator[dict[str, Any]]:
    """Every automation, as Prefect's API takes it; `block` sends the notifications."""
    yield _ended("failed", "Failed", block)
    yield _ended("crashed", "Crashed", block)
    yield {
        "name": "capstan: a run is late",
        "trigger": _missing({"prefect.flow-run.Late"}, {_RUNNING, *_ENDS}, _LATE, _RUNS),
        "actions": [_tell(block, "A run is late. Look whether a worker is alive.")],
    }
    yield from ending_dead_runs()
    yield {
        "name": "capstan: a work pool has no worker",
        "trigger": _seen("prefect.work-pool.not-ready", _POOLS),
        "actions": [_tell(block, "A work pool has no worker that lives. Start one.")],
    }
    yield {
        "name": "capstan: nothing completes any more",
        "trigger": {
            **_missing(set(), {"prefect.flow-run.Completed"}, _STALLED, _RUNS),
            "for_each": [],
        },
        "actions": [
            _tell(block, "No run has completed for 25 hours. Look at server, workers and schedules.")
        ],
    }


def ending_dead_runs(unbegun: timedelta = _UNBEGUN) -> Iterator[dict[str, Any]]:
    """The automations that end what a dead worker left: runs it carried, and runs it had claimed.

    A run may die before its first heartbeat, so that its beginning counts as one.
    """
    yield {
        "name": "capstan: a run went silent",
        "trigger": _missing({_RUNNING, _BEAT}, {_BEAT, *_ENDS}, _SILENT, _RUNS),
        "actions": [_GONE],
    }
    yield {
        "name": "capstan: a run was claimed and did not begin",
        "trigger": _missing(_CLAIMED, {_RUNNING, _QUEUED, *_ENDS}, unbegun, _RUNS),
        "actions": [_GONE],
    }


def _ended(word: str, state: str, block: UUID) -> dict[str, Any]:
    trigger = {**_seen(f"prefect.flow-run.{state}", _RUNS), "match_related": _OURS}
    said = f"Run {{{{ flow_run.name }}}} {word}. Its page and log say why."
    return {"name": f"capstan: a run {word}", "trigger": trigger, "actions": [_tell(block, said)]}


def _seen(event: str, match: dict[str, str]) -> dict[str, Any]:
    return {
        "type": "event",
        "posture": "Reactive",
        "match": match,
        "expect": [event],
        "for_each": ["prefect.resource.id"],
        "threshold": 1,
        "within": 0,
    }


def _missing(after: set[str], expect: set[str], within: timedelta, match: dict[str, str]) -> dict[str, Any]:
    return {
        "type": "event",
        "posture": "Proactive",
        "match": match,
        "match_related": _OURS,
        "after": sorted(after),
        "expect": sorted(expect),
        "for_each": ["prefect.resource.id"],
        "threshold": 1,
        "within": within.total_seconds(),
    }


def _tell(block: UUID, body: str) -> dict[str, Any]:
    return {
        "type": "send-notification",
        "block_document_id": str(block),
        "subject": "[capstan] {{ automation.name }}",
        "body": body,
    }


def _set(client: SyncPrefectClient, wanted: dict[str, Any]) -> str:
    from prefect.events.schemas.automations import AutomationCore

    made = AutomationCore.model_validate(wanted)
    found = client.read_automations_by_name(made.name)
    for old in found[1:]:
        client.delete_automation(old.id)
    if found:
        # A person may have paused it on purpose.
        client.update_automation(found[0].id, made.model_copy(update={"enabled": found[0].enabled}))
    else:
        client.create_automation(made)
    return made.name


def _block_id(client: SyncPrefectClient, block: str) -> UUID:
    from prefect.exceptions import ObjectNotFound

    slug, _, name = (block or _our_block()).partition("/")
    try:
        return client.read_block_document_by_name(name, slug, include_secrets=False).id
    except ObjectNotFound:
        pass
    raise UsageError(f"Prefect has no block {slug}/{name}; make it on Prefect's page of blocks.")


def _our_block() -> str:
    """Keep the address of the webhook as a secret of a block; returns the block's name."""
    from prefect.blocks.notifications import CustomWebhookNotificationBlock

    url = secret_address(load_settings().alarm_url, name="CAPSTAN_ALARM_URL")
    if not url:
        raise UsageError("Set CAPSTAN_ALARM_URL, or name a notification block: --block slack-webhook/team.")
    kept = CustomWebhookNotificationBlock(
        name="capstan",
        url="{{url}}",
        json_data={"text": "{{subject}}\n{{body}}"},
        secrets={"url": url},  # type: ignore[arg-type]
        headers=None,
        cookies=None,
    )
    kept.save(_OUR_BLOCK.partition("/")[2], overwrite=True)
    return _OUR_BLOCK
