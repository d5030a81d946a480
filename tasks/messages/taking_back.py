"""Taking back: START undoes the mark that STOP made, if it is ours and nobody has changed it since."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import pandas as pd

from capstan.choices import to_codes
from capstan.contact.marks import MarkKind, mark_of
from capstan.delivery import Channel
from capstan.plan import CELL_COLUMNS, empty_cells, held
from capstan.replies import Meaning
from capstan.store import CELL_KEYS, is_blocked, last_change
from tasks.connections import LiveProject
from tasks.messages.queueing import room_of
from tasks.messages.reply_desk import Heard

# Only these make marks. What anything else wrote there is not ours to take back.
_MARKING = frozenset({"check_replies", "check_deliveries", "send_messages", "send_surveys"})


def cells_to_take_back(
    live: LiveProject,
    matched: Iterable[Heard],
    *,
    present: pd.DataFrame,
    events: Mapping[tuple[str, str], str],
) -> pd.DataFrame:
    """The cells (`CELL_COLUMNS`) that get back what they held before the participant opted out.

    None where anything else still stands against the phone. `events` gives the unique event by record and
    the mark's event name.
    """
    mark = mark_of(live.study, MarkKind.OPTED_OUT)
    if mark is None:
        return empty_cells()
    code = to_codes(pd.Series([mark.value]), field=mark.field, layout=live.layout).iloc[0]
    found = []
    for one in _started(matched):
        event = events[one.record, mark.event]
        place = dict(zip(CELL_KEYS, (one.record, event, "", "", mark.field), strict=True))
        change = last_change(live.store, room_of(live.study), place=place)
        is_free = not is_blocked(live.store, Channel.SMS, address=one.incoming.sender)
        # What we wrote there last may be another mark, or what an earlier START gave back.
        if change and change.flow in _MARKING and change.after == code and is_free:
            found.append({**place, "before": change.after, "after": change.before})
    cells = pd.DataFrame(found, columns=list(CELL_COLUMNS), dtype="str")
    now = held(cells, present=present, record_field=live.layout.record_field)
    return cells[now["value"] == cells["before"]]


def _started(matched: Iterable[Heard]) -> list[Heard]:
    """The last text of each participant that says STOP or START, where it is START."""
    last: dict[str, tuple[Heard, Meaning]] = {}
    for one in matched:
        for meaning in one.reply.meanings:
            if meaning in (Meaning.STOP, Meaning.START):
                last[one.record] = (one, meaning)
    return [one for one, meaning in last.values() if meaning is Meaning.START]
