"""Removing: rows that go as a whole, journaled with all that they hold."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator

import pandas as pd

from capstan.dictionary import Dictionary, FieldType
from capstan.plan import KEY_NAMES, KEYS, same
from capstan.store import Action, Run
from checks.catalogue import say
from checks.identity import GROUP_COLUMN
from tasks.connections import LiveProject
from tasks.outcomes import held_now
from tasks.redcap import read_records
from tasks.shield import effect, run_logger
from tasks.steps import Clock, journaled
from tasks.written import Written

# The cells that may still go, as REDCap is now; and what makes them go.
Look = Callable[[LiveProject, pd.DataFrame, Written], pd.DataFrame]
Deed = Callable[[LiveProject, pd.DataFrame], None]


@effect("remove rows")
def remove_rows(live: LiveProject, run: Run, *, cells: pd.DataFrame, clock: Clock) -> Written:
    """Delete the rows that a run made, journaled like any write.

    Rows that somebody touched since the way back was planned stay as they are, and that is said.
    """
    return _deleted(live, run, cells=cells, look=_untouched, act=_delete, clock=clock)


@effect("delete records")
def delete_records(live: LiveProject, run: Run, *, cells: pd.DataFrame, clock: Clock) -> Written:
    """Delete the records that cells name, journaled with all that they hold.

    Records that are not what was planned stay as they are, and that is said.
    """

    def delete(live: LiveProject, cells: pd.DataFrame) -> None:
        live.writer.delete_records(sorted(set(cells["record"])))

    return _deleted(live, run, cells=cells, look=_as_planned, act=delete, clock=clock)


def _deleted(
    live: LiveProject, run: Run, *, cells: pd.DataFrame, look: Look, act: Deed, clock: Clock
) -> Written:
    written = Written()
    left = look(live, cells, written) if len(cells) else cells
    if left.empty:
        return written

    def send() -> None:
        # REDCap has no deletion on condition, so the last look is right before it.
        still = look(live, left, written)
        if len(still):
            act(live, still)

    image = left.assign(row_existed=True, form_saved=held_now(live, left)["form_saved"])
    _, outcomes = journaled(live, run, cells=image, act=send, clock=clock, action=Action.DELETE)
    written.count(outcomes)
    run_logger().info("deleted: %s", written.counts)
    return written


def _untouched(live: LiveProject, cells: pd.DataFrame, written: Written) -> pd.DataFrame:
    """The cells of rows that nobody touched since; of the others it is said."""
    now = held_now(live, cells)["value"]
    same_still = same(now, cells["before"], fields=cells["field"], zeros=live.dictionary.zero_columns)
    present = read_records(live, records=set(cells["record"]))
    rows = untouched_rows(present, made=cells[same_still], dictionary=live.dictionary)
    is_left = pd.MultiIndex.from_frame(cells[list(KEYS)]).isin(rows)
    reason = "Somebody touched this row since; it was left alone."
    written.hear(say("moved_on", cells[~is_left].drop_duplicates(list(KEYS)), reason=reason, field=""))
    return cells[is_left]


def _as_planned(live: LiveProject, cells: pd.DataFrame, written: Written) -> pd.DataFrame:
    """The cells of records that hold what was planned and nothing else; of the others it is said."""
    held = record_cells(live, records=set(cells["record"]))
    differing = pd.concat([held, cells[held.columns]]).drop_duplicates(keep=False)
    changed = cells["record"].isin(set(differing["record"]))
    reason = "Somebody changed this record since the plan was made; it was not deleted. Run again."
    written.hear(say("stale_base", cells[changed].drop_duplicates("record"), reason=reason, field=""))
    return cells[~changed]


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
