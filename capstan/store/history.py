"""Finds runs and reads what they kept: images, verdicts, held plans."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import pandas as pd
from sqlalchemy import Column, select

from capstan.errors import Refused, UsageError
from capstan.plan import CELL_COLUMNS
from capstan.store.batches import CELL_FLAGS
from capstan.store.connection import Store
from capstan.store.outbox_rows import Mailroom
from capstan.store.rows import Run, to_run
from capstan.store.states import RunState
from capstan.store.tables import BATCH, RUN, RUN_VALUES
from capstan.verdict import LINK, VERDICT_COLUMNS

IMAGE_COLUMNS = ("batch", "action", *CELL_COLUMNS, *CELL_FLAGS, "overwrite", "outcome")


class Change(NamedTuple):
    """What a flow made of a cell."""

    flow: str
    before: str
    after: str


def find_run(store: Store, name: str) -> Run:
    """The run whose id is, or alone begins with, `name`; UsageError when there is none or more than one."""
    with store.read() as connection:
        query = select(*RUN_VALUES).where(_begins(RUN.c.id, name)).order_by(RUN.c.id.desc()).limit(4)
        found = [to_run(row) for row in connection.execute(query).mappings()]
    if not found:
        raise UsageError(f"There is no run {name!r} in this store. `capstan journal list` lists the runs.")
    if len(found) > 1:
        ids = ", ".join(run.id for run in found[:3]) + (", …" if len(found) > 3 else "")
        raise UsageError(f"More than one run begins with {name!r}: {ids}. Give more of its id.")
    return found[0]


def list_runs(
    store: Store, study: str | None = None, *, state: RunState | None = None, limit: int = 50
) -> tuple[Run, ...]:
    """The latest runs, newest first; of one study, or in one state, when asked."""
    query = select(*RUN_VALUES).order_by(RUN.c.started_at.desc(), RUN.c.id.desc()).limit(limit)
    for column, value in ((RUN.c.study, study), (RUN.c.state, state)):
        query = query if value is None else query.where(column == value)
    with store.read() as connection:
        return tuple(to_run(row) for row in connection.execute(query).mappings())


def read_images(store: Store, run: Run) -> pd.DataFrame:
    """All journaled cells of a run as `IMAGE_COLUMNS`: batch is a number; `CELL_FLAGS`, overwrite are flags.

    The rest is text; `outcome` is blank while nobody knows it. Raises Refused when retention has deleted
    the images.
    """
    query = select(BATCH).where(BATCH.c.run_id == run.id).order_by(BATCH.c.number)
    with store.read() as connection:
        rows = connection.execute(query).mappings().all()
    if any(row["image"] is None for row in rows):
        raise Refused(f"The before-images of run {run.id} were deleted after the study's retention.")
    parts = [_image(store, dict(row)) for row in rows]
    return pd.concat(parts, ignore_index=True) if parts else _no_images()


def last_change(store: Store, room: Mailroom, *, place: Mapping[str, str]) -> Change | None:
    """The newest journaled change of a cell, named by `CELL_KEYS`; None where none is kept.

    It was at least tried: what REDCap holds now tells whether it is still there.
    """
    mine = [RUN.c[name] == value for name, value in room._asdict().items()]
    query = select(BATCH, RUN.c.flow).join(RUN, BATCH.c.run_id == RUN.c.id).where(*mine)
    kept = query.where(BATCH.c.image.is_not(None)).order_by(RUN.c.started_at.desc(), BATCH.c.number.desc())
    with store.read() as connection:
        for row in connection.execute(kept).mappings():
            cells = store.unseal(row["image"])
            found = cells[(cells[list(place)] == pd.Series(place)).all(axis=1)]
            if not found.empty:
                return Change(row["flow"], str(found["before"].iloc[0]), str(found["after"].iloc[0]))
    return None


def read_verdicts(store: Store, run: Run) -> pd.DataFrame:
    """The gate's verdicts: `VERDICT_COLUMNS` and `link`, text; Refused when retention has deleted them."""
    with store.read() as connection:
        query = select(RUN.c.verdicts, RUN.c.purged_at).where(RUN.c.id == run.id)
        token, purged_at = connection.execute(query).one()
    if token is not None:
        found = store.unseal(token)
        return found if LINK in found else found.assign(link="").astype("str")
    if purged_at:
        raise Refused(f"The verdicts of run {run.id} were deleted after the study's retention.")
    return pd.DataFrame({name: pd.Series(dtype="str") for name in (*VERDICT_COLUMNS, LINK)})


def read_plan(store: Store, run: Run) -> pd.DataFrame | None:
    """The plan that a run kept instead of writing it: a held run, or a dry run; None where it has none."""
    with store.read() as connection:
        token = connection.execute(select(RUN.c.plan).where(RUN.c.id == run.id)).scalar_one()
    return None if token is None else store.unseal(token)


def read_held_plan(store: Store, digest: str, *, study: str | None = None) -> tuple[Run, pd.DataFrame]:
    """The newest held run whose plan digest begins with `digest`, and its plan.

    Raises UsageError when no plan or several different ones fit, Refused when retention has deleted it.
    """
    query = select(*RUN_VALUES).where(_begins(RUN.c.plan_digest, digest), RUN.c.state == RunState.HELD)
    query = query if study is None else query.where(RUN.c.study == study)
    with store.read() as connection:
        ordered = query.order_by(RUN.c.started_at.desc(), RUN.c.id.desc())
        found = [to_run(row) for row in connection.execute(ordered).mappings()]
    if not found:
        raise UsageError(f"No held plan begins with {digest!r}. `capstan plan list` lists them.")
    if len({run.plan_digest for run in found}) > 1:
        raise UsageError(f"Several held plans begin with {digest!r}. Give more of the digest.")
    plan = read_plan(store, found[0])
    if plan is None:
        raise Refused(
            f"The plan of run {found[0].id} was deleted after the study's retention. Run the flow again."
        )
    return found[0], plan


def _begins(column: Column[Any], prefix: str) -> Any:
    # A blank prefix fits everything, which nobody means.
    return column.startswith(prefix, autoescape=True) if prefix.strip() else column == ""


def _image(store: Store, row: dict[str, Any]) -> pd.DataFrame:
    image = store.unseal(row["image"])
    outcome = (
        store.unseal(row["outcome"])["outcome"] if row["outcome"] else pd.Series("", image.index, dtype="str")
    )
    told = {"batch": row["number"], "action": row["action"], "overwrite": row["overwrite"]}
    # An image of an earlier version does not say it, and nothing must go for that.
    saved = image.get("form_saved", pd.Series(True, image.index))
    return image.assign(**told, form_saved=saved, outcome=outcome)[list(IMAGE_COLUMNS)].astype(
        {"action": "str"}
    )


def _no_images() -> pd.DataFrame:
    kinds = {"batch": "int64", "overwrite": "bool", **dict.fromkeys(CELL_FLAGS, "bool")}
    return pd.DataFrame({name: pd.Series(dtype=kinds.get(name, "str")) for name in IMAGE_COLUMNS})
