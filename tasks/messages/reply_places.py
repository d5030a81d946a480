"""Where replies are written down in REDCap, and whose record is marked for them."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

import pandas as pd

from capstan.arms import events_of_records, participant_arms
from capstan.contact.marks import Marked, MarkKind, mark_of, wanted_cells, wanted_marks
from capstan.inbound_log import Written, plan_inbound
from capstan.needs import inbound_fields
from capstan.plan import CELL_COLUMNS, as_table, compare, overlay
from capstan.replies import Meaning
from capstan.store import CELL_KEYS
from capstan.study.parts import Mark
from checks.case import Present
from tasks.connections import LiveProject
from tasks.messages.reply_desk import Heard
from tasks.messages.taking_back import cells_to_take_back
from tasks.redcap import export_records, list_records
from tasks.shield import effect

_MARKS = {Meaning.STOP: MarkKind.OPTED_OUT, Meaning.WRONG_NUMBER: MarkKind.BAD_NUMBER}
_NO_TEXT = "[no text; media: {}]"


@dataclass(frozen=True, eq=False, repr=False)
class ReplyPlan:
    """What REDCap should hold of replies, as a keyed frame in which a blank erases, and what it holds.

    `erased` is how many cells become blank again.
    """

    wanted: pd.DataFrame
    present: Present
    erased: int


@effect("plan replies")
def plan_replies(live: LiveProject, *, heard: Sequence[Heard]) -> ReplyPlan:
    """Say what REDCap should hold of the replies whose sender is one participant, and no other."""
    study, layout = live.study, live.layout
    matched = [one for one in heard if one.record]
    records = {one.record for one in matched}
    fields = inbound_fields(study, dictionary=live.dictionary) or {live.dictionary.record_field}
    frame = export_records(live, fields=fields, records=records)
    homes = {mark.event for kind in MarkKind if (mark := mark_of(study, kind))}
    homes |= {keyword.writes.event for keyword in study.inbound.keywords if keyword.writes}
    events = {
        name: _events(live, frame, name=name, records=records) for name in {study.inbound.event, *homes}
    }
    log = plan_inbound(
        study,
        [_written(one) for one in matched] if study.inbound.instrument else [],
        present=frame,
        layout=layout,
        events=events[study.inbound.event],
    )
    places = {(record, name): event for name, found in events.items() for record, event in found.items()}
    marks = wanted_marks(study, _marked(matched), layout=layout, events=places)
    words = wanted_cells(_of_keywords(matched), layout=layout, events=places)
    name = layout.record_field
    wanted = overlay([log, marks, words], record_field=name)
    back = cells_to_take_back(live, matched, present=frame, events=places)
    cells = pd.concat([compare(wanted, present=frame, record_field=name)[list(CELL_COLUMNS)], back])
    table = as_table(cells.drop_duplicates(list(CELL_KEYS)), present=frame, record_field=name)
    return ReplyPlan(table, Present(frame, list_records(live)), erased=int((back["after"] == "").sum()))


def _of_keywords(matched: Sequence[Heard]) -> list[tuple[str, Mark]]:
    """What the study's own words ask to write, oldest first."""
    words = ((one.record, one.reply.keyword) for one in matched)
    return [(record, keyword.writes) for record, keyword in words if keyword and keyword.writes]


def _marked(matched: Sequence[Heard]) -> list[Marked]:
    """The marks that replies ask for, oldest first: who took STOP back at once is not marked for it."""
    found: dict[Marked, None] = {}
    for one in matched:
        for meaning in one.reply.meanings:
            if meaning in _MARKS:
                found[Marked(one.record, _MARKS[meaning])] = None
            elif meaning is Meaning.START:
                found.pop(Marked(one.record, MarkKind.OPTED_OUT), None)
    return list(found)


def _written(one: Heard) -> Written:
    form = one.incoming.form or {}
    count = form.get("NumMedia", "0")
    media = "" if count == "0" else _NO_TEXT.format(count)
    text = one.incoming.text.strip() or media
    return Written(one.incoming.sid, one.incoming.received_at, one.record, one.incoming.sender, text)


def _events(live: LiveProject, frame: pd.DataFrame, *, name: str, records: Collection[str]) -> dict[str, str]:
    """Each record's own event for a whole or partial name; "" for those who have none."""
    study, known = live.study, live.layout.events
    assigned = participant_arms(
        frame, study.arms.assigned_by, record_field=live.layout.record_field, events=known
    )
    found = events_of_records(
        name, records=pd.Index(sorted(records)), assigned=assigned, arms=study.arms, events=known
    )
    return {str(record): str(event) for record, event in found.items()}
