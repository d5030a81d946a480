"""Data entry triggers: what REDCap posts after a form was saved. It is a hint, and nothing is believed."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from capstan.errors import TriggerError

_NEEDED = ("record", "project_id", "redcap_url", "project_url", "instrument")
_VERSION = re.compile(r"/redcap_v([0-9]{1,3}(?:\.[0-9]{1,3}){1,3})/")


@dataclass(frozen=True)
class Place:
    """Where a form was saved; `instance` is blank where nothing repeats."""

    record: str = field(repr=False)
    event: str
    instrument: str
    instance: str


@dataclass(frozen=True)
class Trigger:
    """What one trigger says: which form, where, in which project; blank is what it does not say.

    `status` is the form's, 0 to 2. `repeats` is the instrument that repeats by itself, blank where the whole
    event does. `username` is who saved it.
    """

    place: Place
    project_id: str
    redcap_url: str
    project_url: str
    status: str = ""
    repeats: str = ""
    group: str = ""
    username: str = field(default="", repr=False)

    @property
    def host(self) -> str:
        """The host that it says it comes from; blank where that is no address."""
        try:
            return urlsplit(self.redcap_url).hostname or ""
        except ValueError:
            return ""

    @property
    def version(self) -> str:
        """The version of REDCap, such as 15.2.1; blank where the address does not tell it."""
        found = _VERSION.search(self.project_url)
        return found[1] if found else ""


def read_trigger(form: Mapping[str, str]) -> Trigger:
    """Read the fields of a trigger; raises TriggerError that names the ones that are missing."""
    missing = [name for name in _NEEDED if not form.get(name, "").strip()]
    if missing:
        raise TriggerError(f"This is no trigger of REDCap: {', '.join(missing)} missing.")
    instrument = form["instrument"].strip()
    place = Place(
        record=form["record"],
        event=form.get("redcap_event_name", "").strip(),
        instrument=instrument,
        instance=form.get("redcap_repeat_instance", "").strip(),
    )
    return Trigger(
        place=place,
        project_id=form["project_id"].strip(),
        redcap_url=form["redcap_url"].strip(),
        project_url=form["project_url"].strip(),
        status=form.get(f"{instrument}_complete", "").strip(),
        repeats=form.get("redcap_repeat_instrument", "").strip(),
        group=form.get("redcap_data_access_group", "").strip(),
        username=form.get("username", "").strip(),
    )
