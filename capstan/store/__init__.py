"""The store: the journal of runs with before-images and verdicts, approvals, quarantine, watermarks.

Open it with `Store.open(settings.store_url, load_keys(settings.key, home=settings.home))`; the other
functions take the store first. Participants' data is sealed; everything that is returned besides
frames is free of it. `now` is always an argument, aware. `states` draws how runs and batches move.
"""

from capstan.store.approvals import approve_held, find_approval, reject_held, use_approval
from capstan.store.batches import CELL_KEYS, finish_batch, journal, list_batches, mark_sent
from capstan.store.connection import Store
from capstan.store.history import (
    IMAGE_COLUMNS,
    find_run,
    list_runs,
    read_held_plan,
    read_images,
    read_plan,
    read_verdicts,
)
from capstan.store.keys import KeyRing, load_keys, make_private_folder
from capstan.store.owners import LEASE
from capstan.store.quarantine import ITEM_COLUMNS, decide_items, keep_rejected, read_items
from capstan.store.retention import purge
from capstan.store.rows import Approval, Batch, Run
from capstan.store.runs import (
    begin_run,
    end_run,
    hold_run,
    keep_plan,
    mark_reverted,
    record_gate,
)
from capstan.store.states import Action, BatchState, ItemState, Outcome, RunKind, RunState
from capstan.store.takeover import adopt_run, beat, stale_runs
from capstan.store.watermarks import read_watermark, write_watermark

__all__ = [
    "CELL_KEYS",
    "IMAGE_COLUMNS",
    "ITEM_COLUMNS",
    "LEASE",
    "Action",
    "Approval",
    "Batch",
    "BatchState",
    "ItemState",
    "KeyRing",
    "Outcome",
    "Run",
    "RunKind",
    "RunState",
    "Store",
    "adopt_run",
    "approve_held",
    "beat",
    "begin_run",
    "decide_items",
    "end_run",
    "find_approval",
    "find_run",
    "finish_batch",
    "hold_run",
    "journal",
    "keep_plan",
    "keep_rejected",
    "list_batches",
    "list_runs",
    "load_keys",
    "make_private_folder",
    "mark_reverted",
    "mark_sent",
    "purge",
    "read_held_plan",
    "read_images",
    "read_items",
    "read_plan",
    "read_verdicts",
    "read_watermark",
    "record_gate",
    "reject_held",
    "stale_runs",
    "use_approval",
    "write_watermark",
]
