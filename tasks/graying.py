"""Graying: forms that nobody had saved before a run lose the status that its values gave them."""

from __future__ import annotations

import pandas as pd

from capstan.dictionary import FieldType
from capstan.plan import KEYS, row_index
from capstan.store import Action
from tasks.connections import LiveProject
from tasks.redcap import read_records
from tasks.shield import effect

_PLACE = [*KEYS, "form"]


@effect("find forms to gray")
def gray_cells(live: LiveProject, images: pd.DataFrame) -> pd.DataFrame:
    """The cells (`CELL_COLUMNS`) that blank the status of forms as nobody had saved them before a run.

    REDCap makes a form with any imported value Incomplete. `images` are cells of such forms: of deleted
    records, which are whole again, and of writes, whose forms must be empty again.
    """
    columns = live.dictionary.by_column
    asked = images[list(KEYS)].assign(form=images["field"].map(lambda name: columns[name].form))
    present = read_records(live, records=set(images["record"]), blank_for_gray=True)
    hidden = {columns[name].form for name in columns if name not in present.columns}
    deleted = _among(asked, asked[images["action"] == Action.DELETE])
    places = asked.assign(deleted=deleted).drop_duplicates().merge(_filled_forms(live, present), on=_PLACE)
    places = places[~places["form"].isin(hidden) & (places["status"] == "0")]
    chosen = places[places["deleted"] | (places["filled"] == 1)]
    return chosen[list(KEYS)].assign(field=chosen["form"] + "_complete", before="0", after="").astype("str")


def _filled_forms(live: LiveProject, present: pd.DataFrame) -> pd.DataFrame:
    """Each form that holds something: `KEYS`, form, its status, and how many columns are filled."""
    columns = live.dictionary.by_column
    rows = present.set_axis(row_index(present, record_field=live.dictionary.record_field), axis=0)
    cells = rows.iloc[:, 4:].melt(ignore_index=False, var_name="field", value_name="value").reset_index()
    boxes = {name for name, item in columns.items() if item.type is FieldType.CHECKBOX}
    # A file that is put on a form gives it no status.
    files = {name for name, item in columns.items() if item.type is FieldType.FILE}
    blank = (cells["value"] == "") | (cells["field"].isin(boxes) & (cells["value"] == "0"))
    blank |= cells["field"].isin(files)
    cells = cells[~blank].assign(form=lambda left: left["field"].map(lambda name: columns[name].form))
    status = cells["value"].where(cells["field"] == cells["form"] + "_complete", "")
    told = cells.assign(status=status).groupby(_PLACE, as_index=False)
    return told.agg(status=("status", "max"), filled=("field", "size"))


def _among(places: pd.DataFrame, chosen: pd.DataFrame) -> pd.Series:
    found = pd.MultiIndex.from_frame(places).isin(pd.MultiIndex.from_frame(chosen))
    return pd.Series(found, index=places.index)
