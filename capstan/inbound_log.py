"""Where replies are written down: each one a new instance of the study's inbound instrument."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING

import pandas as pd

from capstan.addresses import national_number
from capstan.logic import Layout
from capstan.plan import KEY_NAMES, keyed
from capstan.stamps import local_stamp

if TYPE_CHECKING:
    from capstan.study import Study
    from capstan.study.messages import Inbound


@dataclass(frozen=True)
class Written:
    """One reply of a participant."""

    sid: str
    received_at: datetime
    record: str = field(repr=False)
    sender: str = field(repr=False)
    text: str = field(repr=False)


def plan_inbound(
    study: Study,
    replies: Sequence[Written],
    *,
    present: pd.DataFrame,
    layout: Layout,
    events: Mapping[str, str],
) -> pd.DataFrame:
    """Say what REDCap should hold of replies, oldest first, as a keyed frame.

    `present` is a keyed export of their records with the fields of `inbound`; `events` gives the event by
    record. A reply that REDCap holds already stays in its instance, so that one of which only the end is not
    known is not written twice; a record without the event is left out.
    """
    inbound, keys = study.inbound, [layout.record_field, *KEY_NAMES]
    names = [str(name) for name in present.columns]
    lines: list[dict[str, str]] = []
    rows: dict[tuple[str, ...], list[dict[str, str]]] = defaultdict(list)
    for cells in present.to_numpy(dtype=object).tolist():
        row = dict(zip(names, cells, strict=True))
        rows[tuple(row[key] for key in keys[:3])].append(row)
    for reply in replies:
        event = events.get(reply.record, "")
        if layout.events and not event:
            continue
        whole_event = (event, inbound.instrument) not in layout.repeating
        place = (reply.record, event, "" if whole_event else inbound.instrument)
        values = _values(reply, inbound, study=study, layout=layout)
        instance = _instance(values, rows[place], inbound=inbound)
        lines.append({**dict(zip(keys, (*place, instance), strict=True)), **values})
        rows[place].append(lines[-1])
    return keyed(pd.DataFrame(lines, columns=None if lines else keys, dtype="str"), record_field=keys[0])


def _instance(values: Mapping[str, str], rows: Sequence[Mapping[str, str]], *, inbound: Inbound) -> str:
    """The instance that holds this very reply, else the next one."""
    names = inbound.fields
    telling = [names.sid] if names.sid else [names.received_at, names.sender] if names.received_at else []
    known = [name for name in telling if name]
    for row in rows if known else ():
        if all(row.get(name, "") == values[name] for name in known):
            return row[KEY_NAMES[2]]
    return str(max((int(row[KEY_NAMES[2]] or 0) for row in rows), default=0) + 1)


def _values(reply: Written, inbound: Inbound, *, study: Study, layout: Layout) -> dict[str, str]:
    names = inbound.fields
    time, phone = (layout.validation.get(name, "") for name in (names.received_at, names.sender))
    is_national = phone.startswith("phone") and reply.sender.startswith("+")
    values = {
        names.sender: national_number(reply.sender) if is_national else reply.sender,
        names.text: reply.text,
        names.received_at: local_stamp(reply.received_at, zone=study.zone, validation=time),
        names.sid: reply.sid,
    }
    return {name: value for name, value in values.items() if name}
