"""Frames: whether a table can be judged at all, and its normal form (text, trimmed, composed)."""

from __future__ import annotations

import os
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from difflib import get_close_matches
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import pandas as pd

from capstan.dictionary import Dictionary
from capstan.events import EventGrid
from capstan.plan import KEY_NAMES
from capstan.verdict import collected
from checks.catalogue import say_of_run
from checks.columns import Column, encode, encode_loosely, tidied

if TYPE_CHECKING:
    import pandera.pandas as pa

# REDCap accepts these columns; surveys and access groups are not ours to write.
IGNORED_COLUMNS = frozenset({"redcap_survey_identifier", "redcap_data_access_group"})


class Normal(NamedTuple):
    """A frame in normal form, its columns by their distinct texts, and how many cells had to be changed."""

    frame: pd.DataFrame
    columns: Mapping[str, Column]
    changed_cells: int


def judge_columns(columns: list[str], *, dictionary: Dictionary, grid: EventGrid) -> pd.DataFrame:
    """Judge the header of a table: unknown, missing and doubled columns are fatal verdicts."""
    found = [*_duplicates(columns), *_missing(columns, dictionary=dictionary, grid=grid)]
    return collected([*found, *_unknown(columns, dictionary=dictionary)])


def normalise(frame: pd.DataFrame) -> Normal:
    """Trim blanks and compose letters (NFC) in every cell; text in, text out."""
    changed = 0
    columns: dict[str, Column] = {}
    texts: dict[str, pd.Series] = {}
    # Arrow works outside Python's lock, so that columns are read on every core.
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        series = (frame[name] for name in frame.columns)
        tidy = list(pool.map(lambda texts: tidied(encode_loosely(texts)), series))
    for name, (column, moved) in zip(frame.columns, tidy, strict=True):
        columns[name] = column
        if moved is None and not frame[name].hasnans:
            texts[name] = frame[name].reset_index(drop=True).astype("str")
            continue
        changed += 0 if moved is None else int(moved.sum())
        texts[name] = pd.Series(column.taken(np.arange(len(frame))).to_pandas(), dtype="str")
    return Normal(pd.DataFrame(texts), columns, changed)


def normal_form(texts: pd.Series) -> pd.Series:
    """Give texts the normal form that `normalise` gives every cell."""
    column, _ = tidied(encode(texts))
    return pd.Series(
        column.taken(np.arange(len(texts))).to_pandas().to_numpy(), index=texts.index, dtype="str"
    )


def key_contract(record_field: str) -> pa.DataFrameSchema:
    """What one task may expect of a keyed frame of another: text keys, each row once.

    Validate eagerly: the first error is a programming mistake, not a finding.
    """
    # A flow that finds nothing to do has no frame to hand on, and must not wait for pandera.
    import pandera.pandas as pa

    names = [record_field, *KEY_NAMES]
    return pa.DataFrameSchema({name: pa.Column(str) for name in names}, unique=names)


def _duplicates(columns: list[str]) -> list[pd.DataFrame]:
    doubled = sorted({name for name in columns if columns.count(name) > 1})
    reason = "The column stands in the table twice; remove one."
    return [say_of_run("duplicate_column", reason, field=name) for name in doubled]


def _missing(columns: list[str], *, dictionary: Dictionary, grid: EventGrid) -> list[pd.DataFrame]:
    needed = [dictionary.record_field, *(KEY_NAMES[:1] if grid.is_longitudinal else ())]
    if _needs_repeat_columns(columns, dictionary=dictionary, grid=grid):
        needed += KEY_NAMES[1:]
    reason = "The column is needed to say where each row belongs; add it."
    return [say_of_run("missing_key_column", reason, field=name) for name in needed if name not in columns]


def _needs_repeat_columns(columns: list[str], *, dictionary: Dictionary, grid: EventGrid) -> bool:
    """Only a table with a field that lives nowhere but on repeating rows cannot do without them."""
    forms = {dictionary.by_column[name].form for name in columns if name in dictionary.by_column}
    plain = {form for event, form in grid.designated if not {(event, form), (event, "")} & grid.repeating}
    return bool(forms - plain - {dictionary.fields[0].form})


def _unknown(columns: list[str], *, dictionary: Dictionary) -> list[pd.DataFrame]:
    surveys = {f"{form}_timestamp" for form in dictionary.forms}
    known = {*dictionary.by_column, *KEY_NAMES, *IGNORED_COLUMNS, *surveys}
    unknown = [name for name in dict.fromkeys(columns) if name not in known]
    return [
        say_of_run("unknown_column", _unknown_reason(name, dictionary=dictionary), field=name)
        for name in unknown
    ]


def _unknown_reason(name: str, *, dictionary: Dictionary) -> str:
    boxes = dictionary.by_name.get(name.partition("___")[0])
    if boxes is not None and boxes.columns:
        return f"The project has this field as {', '.join(boxes.columns[:4])}; rename the column."
    near = get_close_matches(name, list(dictionary.by_column), n=1)
    hint = f"did you mean {near[0]}?" if near else "remove it or correct its name."
    return f"The data dictionary has no such field; {hint}"
