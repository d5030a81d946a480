"""What the tests of the inbox share: items that came in, and one worker's round."""

from __future__ import annotations

from datetime import datetime

from store_cases import NOW

from capstan.store import Asking, Result, Store, Worked, claim_items, keep_item, log_items

FLOW = "ingest_triggers"


def came_in(store: Store, *records: str, study: str = "demo", now: datetime = NOW, **more: str) -> None:
    """Keep an item of one form of each record."""
    for record in records:
        form = {"record": record, "instrument": "exam", "redcap_event_name": "baseline", **more}
        keep_item(store, study=study, source="redcap", form=form, now=now)


def work(
    store: Store,
    outcome: Worked = Worked.LOADED,
    *,
    now: datetime = NOW,
    limit: int = 100,
    revision: int = 1,
    asks: tuple[Asking, ...] = (),
) -> list[str]:
    """Claim items and give them all one outcome; returns their records."""
    items = claim_items(store, "demo", limit=limit, now=now)
    results = [Result(item, outcome, "as told", asks) for item in items]
    log_items(store, "demo", results=results, flow=FLOW, revision=revision, now=now)
    return [(item.form or {}).get("record", "?") for item in items]
