"""Links into REDCap: the address of the very form on which a cell is, built from what its API tells."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from typing import Self
from urllib.parse import quote, urlencode

import pandas as pd

from capstan.dictionary import Dictionary
from capstan.events import EventGrid
from capstan.plan import KEYS
from capstan.triggers import Place
from capstan.verdict import LINK

_WHOLE = re.compile("[0-9]+")
_API = re.compile(r"(/redcap_v[^/]*)?(/api)?/*$", re.IGNORECASE)


@dataclass(frozen=True)
class FormLinks:
    """Where one project's forms are, by the server's version, which is a part of each address.

    `event_ids` and `arms` are by unique event name. Only the export of events tells the ids, and on older
    servers not always (B.7). Without an id a link leads to the record's home page, which shows all forms.
    """

    root: str
    version: str
    project_id: int
    event_ids: Mapping[str, str]
    arms: Mapping[str, str]

    @classmethod
    def of(cls, url: str, *, version: str, project_id: int, grid: EventGrid) -> Self:
        """Make the links of a project from its server's address, with or without `/api/` at its end."""
        ids = {event.name: event.id for event in grid.events if event.id}
        root = _API.sub("/", url.strip(), count=1)
        return cls(root, version.strip(), project_id, ids, {event.name: event.arm for event in grid.events})

    @classmethod
    def from_text(cls, text: str) -> Self:
        """Read what `to_text` wrote."""
        return cls(**json.loads(text))

    def to_text(self) -> str:
        """Write it as JSON; it holds no participants' data."""
        return json.dumps(asdict(self), sort_keys=True)

    def link(self, place: Place) -> str:
        """The address of a form, or else of the record's home page; "" without a record."""
        if not place.record:
            return ""
        named = {"pid": str(self.project_id), "id": place.record}
        event_id = self.event_ids.get(place.event, "")
        if not place.instrument or (self.arms and not event_id):
            return self._page("record_home", {**named, "arm": self.arms.get(place.event, "")})
        instance = place.instance if _WHOLE.fullmatch(place.instance) else ""
        return self._page(
            "index", {**named, "event_id": event_id, "instance": instance, "page": place.instrument}
        )

    def _page(self, name: str, query: Mapping[str, str]) -> str:
        given = {key: value for key, value in query.items() if value}
        path = f"redcap_v{quote(self.version, safe='')}/DataEntry/{name}.php"
        return f"{self.root}{path}?{urlencode(given, safe='', errors='replace', quote_via=quote)}"


def with_links(
    verdicts: pd.DataFrame, *, links: FormLinks, dictionary: Dictionary, grid: EventGrid
) -> pd.DataFrame:
    """Give verdicts the column `link`; it leads to the form of the field, if its event has that form."""
    form_of = {column: field.form for column, field in dictionary.by_column.items()}
    form = verdicts["field"].map(form_of).fillna("")
    places = verdicts[list(KEYS)].assign(instrument=form.where(form != "", verdicts["instrument"]))
    distinct = places.drop_duplicates()
    found = [
        links.link(_opened(Place(*map(str, row)), grid=grid)) for row in distinct.itertuples(index=False)
    ]
    told = places.merge(distinct.assign(link=found), on=list(KEYS), how="left")
    return verdicts.assign(link=told[LINK].to_numpy()).astype({LINK: "str"})


def _opened(place: Place, *, grid: EventGrid) -> Place:
    """The form if it can be opened there; REDCap shows an error for one that the event does not have."""
    return place if (place.event, place.instrument) in grid.designated else replace(place, instrument="")
