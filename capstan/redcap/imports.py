"""Checks the rows of an import before they are sent, and reads what REDCap says that it wrote."""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Sequence

import pandas as pd
from pandas.api.types import is_string_dtype

from capstan.errors import RedcapUnavailable, RowsRefused, UsageError
from capstan.redcap.batching import Format
from capstan.redcap.body import Body

_UNCLEAR_IN_CSV = r"\\|\r[^\n]|\r$"


def check_rows(frame: pd.DataFrame, *, record_field: str) -> None:
    """Refuse, with `UsageError`, rows that REDCap would take otherwise than they are meant.

    A cell that is not text, a row without its record (a new one might be made), a blank event (REDCap takes
    the first, section D.2) and a repeating row without its instance (REDCap takes the first, D.6).
    """
    if record_field not in frame.columns:
        raise UsageError(f"The rows have no column '{record_field}': each row must name its record.")
    if not frame.columns.is_unique:
        raise UsageError("The rows have two columns of the same name: keep one of them.")
    untyped = [name for name in frame.columns if frame[name].isna().any() or not is_string_dtype(frame[name])]
    if untyped and len(frame):
        raise UsageError(
            f"Only text can be imported, with '' for blank; change the columns {', '.join(untyped)}."
        )
    _check_keys(frame, record_field=record_field)


def format_for(frame: pd.DataFrame) -> Format:
    """Return CSV, which is small; or JSON for cells that readers of CSV disagree about.

    These hold a backslash, by which PHP may escape a quotation mark, or a carriage return alone, which
    Python's writer leaves unquoted.
    """
    is_unclear = any(frame[name].str.contains(_UNCLEAR_IN_CSV).any() for name in frame.columns)
    return "json" if is_unclear else "csv"


def written_ids(body: Body) -> list[str]:
    """Return the record ids of an import's answer in any of its formats; none for a background import.

    Raises `RedcapUnavailable` for a text that is none of them. Source: section D.7.
    """
    text = body.read().decode("utf-8-sig", errors="replace").strip()
    ids = _ids(text)
    if ids is None:
        raise RedcapUnavailable("REDCap's answer to an import is not a list of record ids.")
    return ids


def check_count(ids: Sequence[str], frame: pd.DataFrame, *, record_field: str) -> None:
    """Raise `RowsRefused` when REDCap names fewer records than were sent, whatever its status was."""
    sent = {record.strip().casefold(): record for record in frame[record_field]}
    named = {name.strip().casefold() for name in ids}
    missing = [record for key, record in sent.items() if key not in named]
    if len(ids) < len(sent):
        rows = tuple((record, "", "REDCap did not name it among the written records") for record in missing)
        raise RowsRefused(
            f"REDCap wrote {len(ids)} of the {len(sent)} records that were sent: read back.", rows=rows
        )


def _check_keys(frame: pd.DataFrame, *, record_field: str) -> None:
    for name in (record_field, "redcap_event_name"):
        blank = int((frame[name].str.strip() == "").sum()) if name in frame.columns and len(frame) else 0
        if blank:
            raise UsageError(f"{blank} rows have a blank '{name}': each row must carry its key columns.")
    if "redcap_repeat_instrument" in frame.columns:
        if "redcap_repeat_instance" not in frame.columns:
            raise UsageError(
                "The rows name a repeating instrument but have no column 'redcap_repeat_instance'."
            )
        repeats = frame["redcap_repeat_instrument"].str.strip() != ""
        blank = (
            int((repeats & (frame["redcap_repeat_instance"].str.strip() == "")).sum()) if len(frame) else 0
        )
        if blank:
            raise UsageError(f"{blank} rows of a repeating instrument have a blank 'redcap_repeat_instance'.")


def _ids(text: str) -> list[str] | None:
    if re.fullmatch(r"success:\s*true", text):
        return []
    if text.startswith(("[", "{")):
        return _json_ids(text)
    if text.startswith("<"):
        return re.findall(r"<id>(?:<!\[CDATA\[)?(.*?)(?:\]\]>)?</id>", text) if "<ids>" in text else None
    rows = [row for row in csv.reader(io.StringIO(text)) if row]
    return [",".join(row) for row in rows[1:]] if rows and rows[0] == ["id"] else None


def _json_ids(text: str) -> list[str] | None:
    try:
        document = json.loads(text)
    except ValueError:
        return None
    if isinstance(document, list):
        return [str(item) for item in document]
    return [] if document in ({"success": True}, {"count": 0}) else None
