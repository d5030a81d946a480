"""Which forms are saved, and with which status, as an export tells it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from capstan.plan import KEY_NAMES
from capstan.triggers import Place

if TYPE_CHECKING:
    import pandas as pd

    from capstan.study.monitors import Follow, Start


class SavedForm(NamedTuple):
    """A form that is there, and its status."""

    place: Place
    status: str


@dataclass(frozen=True, repr=False)
class SavedForms:
    """All forms that were asked for, by record, and the access group of each record."""

    by_record: Mapping[str, tuple[SavedForm, ...]]
    groups: Mapping[str, str]

    @property
    def every(self) -> list[SavedForm]:
        """All of them."""
        return [form for forms in self.by_record.values() for form in forms]


def read_forms(
    export: pd.DataFrame, *, forms: Collection[str], record_field: str, group_column: str
) -> SavedForms:
    """Read a keyed export that has the status of `forms`, blank where a form was never saved."""
    found: dict[str, list[SavedForm]] = {record: [] for record in export[record_field].unique()}
    for form in sorted(forms):
        rows = export[export[f"{form}_complete"] != ""]
        keys = rows[[record_field, KEY_NAMES[0], KEY_NAMES[2], f"{form}_complete"]]
        for record, event, instance, status in keys.itertuples(index=False, name=None):
            found[record].append(SavedForm(Place(record, event, form, instance), status))
    groups: dict[str, str] = defaultdict(str)
    if group_column in export.columns:
        groups.update(zip(export[record_field], export[group_column], strict=True))
    return SavedForms({record: tuple(saved) for record, saved in found.items()}, groups)


def started(start: Start, saved: SavedForms, *, events: Collection[str]) -> list[Place]:
    """The places at which a start's form, or any form of its event, is complete; `events` are the start's.

    Of an event it is the event itself that starts, once, whichever of its forms is complete first.
    """
    done = [
        each.place
        for each in saved.every
        if each.status in start.completed
        and (not start.form or each.place.instrument == start.form)
        and (not start.event or each.place.event in events)
    ]
    if start.form:
        return done
    return list(dict.fromkeys(Place(place.record, place.event, "", place.instance) for place in done))


def has_followed(follow: Follow, saved: SavedForms, *, place: Place, events: Collection[str]) -> bool:
    """Whether the form that must follow is complete for a place's record, on one of `events`.

    Where both are instances of the same event, they must be the same instance.
    """
    return any(
        each.place.instrument == follow.form
        and each.status in follow.completed
        and each.place.event in events
        and _is_same_instance(each.place, place)
        for each in saved.by_record.get(place.record, ())
    )


def _is_same_instance(one: Place, other: Place) -> bool:
    if one.event != other.event or not (one.instance and other.instance):
        return True
    return one.instance == other.instance
