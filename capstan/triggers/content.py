"""The content of the forms that rules name: by it reconciliation knows what was worked and what was not."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property

import pandas as pd

from capstan.dictionary import Dictionary
from capstan.events import EventGrid
from capstan.needs import eligibility_targets, inbound_targets, log_targets, visit_targets
from capstan.plan import KEY_NAMES
from capstan.project_names import Project
from capstan.study import Study
from capstan.triggers import Place
from capstan.triggers.routing import Skip, completed, place_of

_EVENT, _REPEATS, _ = KEY_NAMES


@dataclass(frozen=True)
class Form:
    """A form that was saved, as it was exported; `repeats` if it does so by itself."""

    place: Place
    status: str
    repeats: bool
    content: str = field(repr=False)
    row: Mapping[str, str] = field(repr=False)


@dataclass(frozen=True)
class Contents:
    """Reads the content of forms out of exports of one project."""

    study: Study
    dictionary: Dictionary
    grid: EventGrid

    @cached_property
    def fields(self) -> frozenset[str]:
        """Every field that an export must have."""
        return frozenset().union(*self._fields.values())

    @property
    def instruments(self) -> frozenset[str]:
        """The instruments that rules name."""
        return frozenset(self._fields)

    def of(self, row: Mapping[str, str], instrument: str) -> str:
        """What an exported row says of a form, as a text that is equal for equal content."""
        values = {column: row.get(column, "") for column in self._columns[instrument]}
        # A box that nobody ticked may come as 0 or as nothing.
        zero = self.dictionary.zero_columns
        kept = {name: text for name, text in values.items() if text and not (text == "0" and name in zero)}
        return json.dumps(sorted(kept.items()))

    def forms(self, export: pd.DataFrame) -> Iterator[Form]:
        """Every form of a keyed export that a rule names and somebody saved.

        The status of forms that nobody saved is blank in the export.
        """
        for row in export.to_dict("records"):
            cells = {str(name): str(value) for name, value in row.items()}
            for instrument in self._columns:
                status = cells.get(f"{instrument}_complete", "")
                if status and self._is_at(cells, instrument):
                    place = place_of(cells, instrument=instrument, record_field=self.dictionary.record_field)
                    content = self.of(cells, instrument)
                    yield Form(place, status, bool(cells[_REPEATS]), content, cells)

    def is_wanted(self, form: Form) -> bool:
        """Whether a rule works a form as it is now."""
        rules = [rule for rule in self.study.triggers if rule.instrument == form.place.instrument]
        return not isinstance(completed(rules, form.row, project=self._project), Skip)

    def _is_at(self, cells: Mapping[str, str], instrument: str) -> bool:
        event, repeats = cells[_EVENT], cells[_REPEATS]
        if (event, instrument) not in self.grid.designated:
            return False
        # What repeats is not told to every token; then only the row says it.
        repeats_itself = (event, instrument) in self.grid.repeating or repeats == instrument
        return repeats == (instrument if repeats_itself else "")

    @cached_property
    def _project(self) -> Project:
        return Project(self.dictionary, self.grid)

    @cached_property
    def _columns(self) -> Mapping[str, tuple[str, ...]]:
        return {
            instrument: tuple(
                column for item in self.dictionary.fields if item.name in names for column in item.columns
            )
            for instrument, names in self._fields.items()
        }

    @cached_property
    def _fields(self) -> Mapping[str, frozenset[str]]:
        """The fields of each instrument, but for what runs write: that must not ask for another run."""
        study = self.study
        written = (
            visit_targets(study) | eligibility_targets(study) | log_targets(study) | inbound_targets(study)
        )
        left_out = written | {self.dictionary.record_field}
        found: dict[str, frozenset[str]] = {}
        for rule in study.triggers:
            own = {item.name for item in self.dictionary.fields if item.form == rule.instrument} - left_out
            found[rule.instrument] = found.get(rule.instrument, frozenset(own)).union(rule.fields)
        return found


def made_trigger(form: Form, *, base_url: str, version: str, project_id: int) -> dict[str, str]:
    """The trigger that REDCap would have posted for a form, to be worked like one that came."""
    place = form.place
    fields = {
        "redcap_url": base_url,
        "project_url": f"{base_url}redcap_v{version}/index.php?pid={project_id}",
        "project_id": str(project_id),
        "record": place.record,
        "redcap_event_name": place.event,
        "instrument": place.instrument,
        f"{place.instrument}_complete": form.status,
        "redcap_repeat_instance": place.instance,
        "redcap_repeat_instrument": place.instrument if form.repeats else "",
    }
    return {name: value for name, value in fields.items() if value}
