"""Frames of text as bytes and back, exactly: blanks, 'NA', leading zeros and line ends stay what they are."""

from __future__ import annotations

from collections.abc import Sequence
from io import BytesIO

import pandas as pd
from pandas.api.types import is_bool_dtype, is_string_dtype

from capstan.errors import StoreError


def take_columns(
    frame: pd.DataFrame, *, what: str, columns: Sequence[str], flags: Sequence[str] = ()
) -> pd.DataFrame:
    """The named columns of a frame; StoreError unless they are there: `flags` boolean, the rest text."""
    missing = [name for name in (*columns, *flags) if name not in frame.columns]
    if missing:
        raise StoreError(f"{what} lack the columns {', '.join(missing)}.")
    taken = frame[[*columns, *flags]]
    check_text(taken, what=what, flags=flags)
    return taken


def check_text(frame: pd.DataFrame, *, what: str, flags: Sequence[str] = ()) -> None:
    """Raise StoreError unless all columns of a frame are text, but `flags` booleans.

    Blank is ''; a missing value is an error, because it would come back as something else.
    """
    wrong = [str(name) for name in frame.columns if not _is_sound(frame[name], is_flag=name in flags)]
    if wrong:
        raise StoreError(f"{what} hold something else than text (or flags) in {', '.join(wrong)}.")


def pack(frame: pd.DataFrame) -> bytes:
    """Write a checked frame as compressed Arrow; the index is dropped."""
    texts = {name: "str" for name in frame.columns if not is_bool_dtype(frame[name])}
    buffer = BytesIO()
    try:
        frame.reset_index(drop=True).astype(texts).to_feather(buffer, compression="zstd")
        return buffer.getvalue()
    except ValueError:
        pass
    # Raised outside: the codec's error holds the text.
    raise StoreError("A frame cannot be stored: it holds text that is not valid Unicode.")


def unpack(data: bytes) -> pd.DataFrame:
    """Read what `pack` wrote."""
    return pd.read_feather(BytesIO(data))


def _is_sound(column: pd.Series, *, is_flag: bool) -> bool:
    if is_flag:
        return is_bool_dtype(column.dtype)
    values = column.cat.categories.to_series() if isinstance(column.dtype, pd.CategoricalDtype) else column
    return is_string_dtype(values) and not column.isna().any()
