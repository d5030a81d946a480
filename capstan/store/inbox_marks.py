"""Names records and the forms in them by fingerprints, so that sealed items can be found."""

from __future__ import annotations

import json
from collections.abc import Mapping

from capstan.store.connection import Store

_PLACE = ("record", "redcap_event_name", "instrument", "redcap_repeat_instance")


def inbox_record_mark(store: Store, study: str, *, record: str) -> str:
    """The fingerprint of a record of a study; blank for none."""
    return _mark(store, "inbox record", study, record) if record else ""


def inbox_place_mark(store: Store, study: str, *, form: Mapping[str, str]) -> str:
    """The fingerprint of the form of a record that a trigger tells of; blank where it names no record."""
    return (
        _mark(store, "inbox place", study, *(form.get(name, "") for name in _PLACE))
        if form.get("record")
        else ""
    )


def _mark(store: Store, *parts: str) -> str:
    return store.keys.fingerprint(json.dumps(parts))
