"""The checks of imported cells, in REDCap's order (D.4, D.6)."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import NamedTuple

from sandbox.exports.cells import event_label
from sandbox.imports.addressing import Placed
from sandbox.imports.validation import Rule
from sandbox.imports.values import column_rule, refuse
from sandbox.project.field import Field
from sandbox.project.model import Project
from sandbox.project.parts import RowKey
from sandbox.storage import item
from sandbox.storage.values import Cells

NOT_DESIGNATED = (
    "This field ('{0}') exists on an instrument that is not designated for the event named '{1}'. You are "
    "not allowed to import data for this field into this event."
)
NO_REPEAT_COLUMNS = (
    "This field ('{0}') exists on a Repeating Instrument named '{1}'. However, the fields "
    "'redcap_repeat_instance' and/or 'redcap_repeat_instrument' for this row of data have no value, which "
    "are both required for importing data into a Repeating Instrument.  You are not allowed to import data "
    "for this field into a non-repeating instrument."
)
# This text was never recorded (J.1).
OTHER_INSTRUMENT = (
    "This field ('{0}') does not exist on the Repeating Instrument named '{1}'.  You are not allowed to "
    "import data for this field into this row of data."
)
MAX_KNOWN = 5000
# Half a character, which is no value that a cell could have.
REFUSED = "\ud800"


class Wanted(NamedTuple):
    """The values that a row wants to store by `item`, its record id first, and the forms they fill in."""

    cells: Cells
    forms: set[str]


class Judge(dict[str, str | None]):
    """What one column stores for a value in one kind of row; equal values are judged once.

    None is a cell to be left alone; one that is `REFUSED` becomes an error with the rule's message.
    """

    def __init__(self, rule: Rule, *, item: str = "", form: str = "", blank: str | None = None) -> None:
        super().__init__()
        self._read, self.message = rule
        self.item, self.form, self._blank = item, form, blank

    def __missing__(self, value: str) -> str | None:
        text = self._read(value)
        if text is None:
            # Blanks are welcome everywhere, so that a full export can be imported again.
            text = self._blank if not value.strip() else REFUSED if self.message else None
        if len(self) < MAX_KNOWN:
            self[value] = text
        return text


class Kind(NamedTuple):
    """What decides, besides the value, whether a row may have a cell."""

    event_id: int
    instrument: str
    is_instance: bool
    is_complete: bool


@dataclass
class CellReader:
    """Reads the cells of one import; a blank is stored (and so erases) only in overwrite mode."""

    project: Project
    date_format: str = "YMD"
    overwrite: bool = False
    _judges: dict[Kind, dict[str, Judge]] = field(default_factory=dict)

    def read(self, row: Placed) -> Wanted:
        """Return what a row wants to store; refused values become its errors."""
        judges = self._judges_of(row)
        texts = [*map(Judge.__getitem__, judges, row.cells.values())]
        if REFUSED in texts:
            _refuse(row, judges, texts=texts)
        cells = {judge.item: text for judge, text in zip(judges, texts, strict=True) if text is not None}
        forms = {judge.form for judge, text in zip(judges, texts, strict=True) if text}
        if row.is_complete:
            cells = {self.project.id_field: row.key.record} | cells
        return Wanted(cells, forms - {""})

    def _judges_of(self, row: Placed) -> list[Judge]:
        """Return the judge of each cell of a row."""
        key = row.key
        kind = Kind(key.event_id, key.instrument, key.instance > 0, row.is_complete)
        known = self._judges.setdefault(kind, {})
        if not row.cells.keys() <= known.keys():
            known |= {name: self._judge_of(name, kind) for name in row.cells.keys() - known.keys()}
        return [*map(known.__getitem__, row.cells)]

    def _judge_of(self, name: str, kind: Kind) -> Judge:
        column = self.project.column_by_name.get(name)
        if column is None or column.name == self.project.id_field or column.field.is_calculated:
            # Pseudo columns have their own rules, and calculated values are computed instead.
            return Judge(Rule(refuse))
        one = column.field
        misplaced = self._misplaced(one, kind)
        if misplaced:
            return Judge(Rule(refuse, misplaced))
        return Judge(
            column_rule(self.project, column, date_format=self.date_format),
            item=item(one.field_name, column.code),
            form="" if one.is_status else one.form_name,
            blank="" if self.overwrite else None,
        )

    def _misplaced(self, one: Field, kind: Kind) -> str:
        form, project = one.form_name, self.project
        key = RowKey("", kind.event_id, kind.instrument, int(kind.is_instance))
        if kind.is_complete and project.is_applicable(key, form):
            return ""
        if not project.is_designated(kind.event_id, form):
            return NOT_DESIGNATED.format(one.field_name, event_label(project, kind.event_id))
        if (kind.event_id, form) in project.repeating and kind.instrument in ("", form):
            return NO_REPEAT_COLUMNS.format(one.field_name, form)
        return OTHER_INSTRUMENT.format(one.field_name, kind.instrument)


def _refuse(row: Placed, judges: list[Judge], *, texts: list[str | None]) -> None:
    """Make errors of refused cells, which are left alone then."""
    for place, (name, value) in enumerate(row.cells.items()):
        if texts[place] == REFUSED:
            row.refuse(name, value, message=judges[place].message)
            texts[place] = None
