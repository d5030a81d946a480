"""Marks: how a participant's record shows that a phone may not, or cannot, be texted."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from enum import StrEnum
from typing import TYPE_CHECKING, NamedTuple

import pandas as pd

from capstan.choices import to_codes
from capstan.delivery import Channel
from capstan.delivery.codes import Action, rule_for
from capstan.logic import Layout
from capstan.plan import KEY_NAMES, keyed

if TYPE_CHECKING:
    from capstan.study import Study
    from capstan.study.parts import Mark


class MarkKind(StrEnum):
    """The marks that a study may have; the names are those of `messaging.mark`."""

    OPTED_OUT = "opted_out"
    BAD_NUMBER = "bad_number"


class Marked(NamedTuple):
    """One record, and what its mark shall say."""

    record: str
    kind: MarkKind


_OF_ACTION = {Action.STOP: MarkKind.OPTED_OUT, Action.BAD_ADDRESS: MarkKind.BAD_NUMBER}


def mark_for(channel: Channel, *, code: int, status: str) -> MarkKind | None:
    """The mark that an attempt's end asks for; only phones are marked."""
    if channel is not Channel.SMS or not code:
        return None
    return _OF_ACTION.get(rule_for(code, status=status).action)


def mark_of(study: Study, kind: MarkKind) -> Mark | None:
    """Where the study marks records in this way; None where it does not."""
    found: Mark | None = getattr(study.messaging.mark, kind.value)
    return found


def wanted_marks(
    study: Study, marked: Iterable[Marked], *, layout: Layout, events: Mapping[tuple[str, str], str]
) -> pd.DataFrame:
    """Say what the marked records should hold, as `wanted_cells` does."""
    found = ((one.record, mark_of(study, one.kind)) for one in marked)
    return wanted_cells([(record, mark) for record, mark in found if mark], layout=layout, events=events)


def wanted_cells(
    marks: Iterable[tuple[str, Mark]], *, layout: Layout, events: Mapping[tuple[str, str], str]
) -> pd.DataFrame:
    """Say what records should hold, as a keyed frame in which a blank leaves a cell as it is.

    `marks` are records and what is to stand there; of several for one cell the last one counts. `events`
    gives the unique event by record and the mark's event name; a record without it is left out. Raises
    StudyError for a value that the field has no choice for.
    """
    keys = (layout.record_field, *KEY_NAMES[:1])
    rows: dict[tuple[str, str], dict[str, str]] = {}
    for record, mark in marks:
        event = events[record, mark.event]
        if event or not layout.events:
            rows.setdefault((record, event), {})[mark.field] = mark.value
    lines = [dict(zip(keys, place, strict=True)) | values for place, values in rows.items()]
    frame = pd.DataFrame(lines, columns=None if lines else list(keys), dtype="str").fillna("")
    for name in frame.columns[2:]:
        frame[name] = to_codes(frame[name], field=name, layout=layout)
    return keyed(frame, record_field=layout.record_field)
