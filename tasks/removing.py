"""Removing: rows that go as a whole, journaled with all that they hold."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator

import pandas as pd

from capstan.dictionary import Dictionary, FieldType
from capstan.errors import Refused
from capstan.plan import KEY_NAMES, KEYS, same
from capstan.store import Action, Run
from checks.identity import GROUP_COLUMN
from tasks.connections import LiveProject
from tasks.outcomes import found_counts, held_now
from tasks.redcap import read_records
from tasks.shield import effect, run_logger
from tasks.steps import Clock, journaled


@effect("remove rows")
def remove_rows(live: LiveProject, run: Run, *, cells: pd.DataFrame, clock: Clock) -> dict[str, int]:
    """Delete the rows that a run made, journaled like any write; returns counts by outcome.

    Rows that somebody touched since the way back was planned stay as they are.
    """
    cells = _still_untouched(live, cells) if len(cells) else cells
    if cells.empty:
        return {}
    image = cells.assign(row_existed=True, form_saved=held_now(live, cells)["form_saved"])
    _, outcomes = journaled(
        live, run, cells=image, act=lambda: _delete(live, cells), clock=clock, action=Action.DELETE
    )
    counts = found_counts(outcomes)
    run_logger().info("removed rows: %s", counts)
    return counts


@effect("delete records")
def delete_records(live: LiveProject, run: Run, *, cells: pd.DataFrame, clock: Clock) -> dict[str, int]:
    """Delete the records that cells name, journaled with all that they hold; returns counts by outcome.

    Raises Refused, and deletes none, when one of them is not what was planned.
    """
    records = sorted(set(cells["record"]))
    held = record_cells(live, records=records)
    if set(held.itertuples(index=False)) != set(cells[held.columns].itertuples(index=False)):
        raise Refused("Somebody changed these records in this moment; none was deleted. Run again.")
    image = cells.assign(row_existed=True, form_saved=held_now(live, cells)["form_saved"])
    _, outcomes = journaled(
        live,
        run,
        cells=image,
        act=lambda: live.writer.delete_records(records),
        clock=clock,
        action=Action.DELETE,
    )
    return found_counts(outcomes)


def record_cells(live: LiveProject, *, records: Collection[str]) -> pd.DataFrame:
    """Everything that an import could bring back of some records: the cells that deleting them empties.

    The record id and the record's access group are cells of the record's first row.
    """
    record_field, columns = live.dictionary.record_field, live.dictionary.by_column
    present = read_records(live, records=records, blank_for_gray=True, access_groups=True)
    boxes = {name for name, item in columns.items() if item.type == FieldType.CHECKBOX}
    kept = [name for name in present.columns[4:] if name in columns and columns[name].is_importable]
    keys = present.iloc[:, :4].set_axis(list(KEYS), axis=1)
    firsts = keys.drop_duplicates("record")
    ids = firsts.assign(field=record_field, before=firsts["record"])
    groups = firsts.assign(field=GROUP_COLUMN, before=present.get(GROUP_COLUMN, ""))
    cells = pd.concat([keys, present[kept]], axis=1).melt(list(KEYS), var_name="field", value_name="before")
    filled = (cells["before"] != "") & ~(cells["field"].isin(boxes) & (cells["before"] == "0"))
    named = groups[groups["before"] != ""]
    return pd.concat([ids, named, cells[filled]], ignore_index=True).assign(after="").astype("str")


def delete_made_rows(live: LiveProject, cells: pd.DataFrame) -> bool:
    """Delete the rows of some cells if they hold nothing else, as a step of whoever takes the cells back."""
    present = read_records(live, records=set(cells["record"]))
    untouched = untouched_rows(present, made=cells, dictionary=live.dictionary)
    is_untouched = bool(pd.MultiIndex.from_frame(cells[list(KEYS)]).isin(untouched).all())
    if is_untouched:
        _delete(live, cells)
    return is_untouched


def untouched_rows(present: pd.DataFrame, *, made: pd.DataFrame, dictionary: Dictionary) -> pd.MultiIndex:
    """Rows that a run made and that hold nothing but what it wrote; none where some fields cannot be seen."""
    if not dictionary.by_column.keys() <= set(present.columns):
        return pd.MultiIndex.from_frame(made[list(KEYS)].head(0))
    record_field = dictionary.record_field
    rows = pd.MultiIndex.from_frame(present[[record_field, *KEY_NAMES]], names=list(KEYS))
    index = pd.MultiIndex.from_frame(made[list(KEYS)])
    mine = present[rows.isin(index)].set_axis(rows[rows.isin(index)], axis=0)
    told = made.assign(ours=True).pivot(index=list(KEYS), columns="field", values="ours")
    computed = (item.name for item in dictionary.fields if item.is_computed)
    free = {record_field, *KEY_NAMES, GROUP_COLUMN, *computed}
    foreign = pd.Series(False, index=mine.index)
    for column in (name for name in mine.columns if name not in free):
        filled = ~mine[column].isin(["", "0"] if column in dictionary.zero_columns else [""])
        if column in told.columns:
            filled &= told[column].reindex(mine.index).isna()
        foreign |= filled
    return pd.MultiIndex.from_tuples(list(foreign.index[~foreign]), names=list(KEYS))


def _still_untouched(live: LiveProject, cells: pd.DataFrame) -> pd.DataFrame:
    now = held_now(live, cells)["value"]
    same_still = same(now, cells["before"], fields=cells["field"], zeros=live.dictionary.zero_columns)
    present = read_records(live, records=set(cells["record"]))
    left = untouched_rows(present, made=cells[same_still], dictionary=live.dictionary)
    return cells[pd.MultiIndex.from_frame(cells[list(KEYS)]).isin(left)]


def _delete(live: LiveProject, cells: pd.DataFrame) -> None:
    for deletion in _deletions(live, cells):
        deletion()


def _deletions(live: LiveProject, cells: pd.DataFrame) -> Iterator[Callable[[], int]]:
    """The API calls that delete rows: whole records where nothing else is left of them, else form by form."""
    record_field = live.dictionary.record_field
    present = read_records(live, fields=[record_field], records=set(cells["record"]))
    left = pd.MultiIndex.from_frame(present[[record_field, *KEY_NAMES]])
    gone = left.isin(pd.MultiIndex.from_frame(cells[list(KEYS)]))
    survivors = set(present.loc[~gone, record_field])
    whole = sorted(set(cells["record"]) - survivors)
    if whole:
        yield lambda: live.writer.delete_records(whole)
    partly = cells[cells["record"].isin(survivors)].drop_duplicates(list(KEYS))
    for (event, instrument, instance), group in partly.groupby(
        ["event", "instrument", "instance"], sort=False
    ):
        # Every form of the row, not only ours: an empty one may have left a form status that keeps the row.
        for form in _forms_of_row(live, event=str(event), instrument=str(instrument)):
            records = sorted(set(group["record"]))
            yield _form_deletion(live, records, event=str(event), form=form, instance=str(instance))


def _forms_of_row(live: LiveProject, *, event: str, instrument: str) -> list[str]:
    if instrument:
        return [instrument]
    forms = live.grid.forms_of(event)
    return [
        form for form in live.dictionary.forms if form in forms and (event, form) not in live.grid.repeating
    ]


def _form_deletion(
    live: LiveProject, records: list[str], *, event: str, form: str, instance: str
) -> Callable[[], int]:
    return lambda: live.writer.delete_records(
        records, event=event or None, instrument=form, instance=int(instance) if instance else None
    )
