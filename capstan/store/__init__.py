"""The store: the journal of runs with before-images and verdicts, and how far polls have come.

Open it with `Store.open(settings.store_url, load_keys(settings.key, home=settings.home))`; the other
functions take the store first. Participants' data is sealed; everything that is returned besides
frames is free of it. `now` is always an argument, aware. `states` draws how runs and batches move.
"""

from capstan.store.batches import CELL_KEYS, finish_batch, journal, list_batches, mark_sent
from capstan.store.connection import Store
from capstan.store.history import (
    IMAGE_COLUMNS,
    find_run,
    list_runs,
    read_held_plan,
    read_images,
    read_verdicts,
)
from capstan.store.keys import KeyRing, load_keys, make_private_folder
from capstan.store.owners import LEASE
from capstan.store.retention import purge
from capstan.store.rows import Batch, Run
from capstan.store.runs import (
    begin_run,
    decide_held,
    end_run,
    hold_run,
    mark_reverted,
    record_gate,
)
from capstan.store.states import BatchState, Outcome, RunKind, RunState
from capstan.store.takeover import adopt_run, beat, stale_runs
from capstan.store.watermarks import read_watermark, write_watermark

__all__ = [
    "CELL_KEYS",
    "IMAGE_COLUMNS",
    "LEASE",
    "Batch",
    "BatchState",
    "KeyRing",
    "Outcome",
    "Run",
    "RunKind",
    "RunState",
    "Store",
    "adopt_run",
    "beat",
    "begin_run",
    "decide_held",
    "end_run",
    "find_run",
    "finish_batch",
    "hold_run",
    "journal",
    "list_batches",
    "list_runs",
    "load_keys",
    "make_private_folder",
    "mark_reverted",
    "mark_sent",
    "purge",
    "read_held_plan",
    "read_images",
    "read_verdicts",
    "read_watermark",
    "record_gate",
    "stale_runs",
    "write_watermark",
]
