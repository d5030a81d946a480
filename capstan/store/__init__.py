"""The store: journal of runs, before-images, verdicts, approvals, quarantine, watermarks, outbox.

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
from capstan.store.inbound import (
    Incoming,
    act_on,
    forget_incoming,
    keep_incoming,
    new_incoming,
    open_incoming,
    settle_incoming,
)
from capstan.store.inbound_lists import Answered, answered_at, list_incoming, records_texted
from capstan.store.keys import KeyRing, load_keys, make_private_folder
from capstan.store.notices import (
    ClaimedNotice,
    claim_notices,
    forget_notices,
    notice_failed,
    notice_sent,
    raise_happenings,
)
from capstan.store.outbox_addresses import block_address, is_blocked, unblock_address
from capstan.store.outbox_answers import give_back, record_answer
from capstan.store.outbox_claims import claim_message, expire_messages
from capstan.store.outbox_events import record_event
from capstan.store.outbox_followup import (
    choose_instances,
    due_for_check,
    due_for_writing,
    heard_nothing_new,
    written_back,
)
from capstan.store.outbox_lists import (
    cancel_message,
    count_messages,
    list_messages,
    read_history,
    read_message,
)
from capstan.store.outbox_queue import queue_messages
from capstan.store.outbox_rows import (
    Attempt,
    Caps,
    Claimed,
    Content,
    Mailroom,
    Message,
    Pace,
    Queued,
    Try,
    Wait,
)
from capstan.store.outbox_stops import Stop, list_stops, resume_channel, stop_channel
from capstan.store.outbox_unknown import (
    Patience,
    owned_sids,
    settle_review,
    settle_unknown,
    sweep_claims,
    unknown_tries,
)
from capstan.store.outbox_waiting import waiting_messages, withdraw_messages
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
from capstan.store.troubles import Trouble, list_troubles
from capstan.store.watermarks import read_watermark, write_watermark

__all__ = [
    "CELL_KEYS",
    "IMAGE_COLUMNS",
    "ITEM_COLUMNS",
    "LEASE",
    "Action",
    "Answered",
    "Approval",
    "Attempt",
    "Batch",
    "BatchState",
    "Caps",
    "Claimed",
    "ClaimedNotice",
    "Content",
    "Incoming",
    "ItemState",
    "KeyRing",
    "Mailroom",
    "Message",
    "Outcome",
    "Pace",
    "Patience",
    "Queued",
    "Run",
    "RunKind",
    "RunState",
    "Stop",
    "Store",
    "Trouble",
    "Try",
    "Wait",
    "act_on",
    "adopt_run",
    "answered_at",
    "approve_held",
    "beat",
    "begin_run",
    "block_address",
    "cancel_message",
    "choose_instances",
    "claim_message",
    "claim_notices",
    "count_messages",
    "decide_items",
    "due_for_check",
    "due_for_writing",
    "end_run",
    "expire_messages",
    "find_approval",
    "find_run",
    "finish_batch",
    "forget_incoming",
    "forget_notices",
    "give_back",
    "heard_nothing_new",
    "hold_run",
    "is_blocked",
    "journal",
    "keep_incoming",
    "keep_plan",
    "keep_rejected",
    "list_batches",
    "list_incoming",
    "list_messages",
    "list_runs",
    "list_stops",
    "list_troubles",
    "load_keys",
    "make_private_folder",
    "mark_reverted",
    "mark_sent",
    "new_incoming",
    "notice_failed",
    "notice_sent",
    "open_incoming",
    "owned_sids",
    "purge",
    "queue_messages",
    "raise_happenings",
    "read_held_plan",
    "read_history",
    "read_images",
    "read_items",
    "read_message",
    "read_plan",
    "read_verdicts",
    "read_watermark",
    "record_answer",
    "record_event",
    "record_gate",
    "records_texted",
    "reject_held",
    "resume_channel",
    "settle_incoming",
    "settle_review",
    "settle_unknown",
    "stale_runs",
    "stop_channel",
    "sweep_claims",
    "unblock_address",
    "unknown_tries",
    "use_approval",
    "waiting_messages",
    "withdraw_messages",
    "write_watermark",
    "written_back",
]
