"""The answers of a record import (D.7, D.8)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from xml.sax.saxutils import escape

from sandbox.errors import ApiError
from sandbox.imports.addressing import RowError
from sandbox.render import PROLOG, Answer, to_json


def error_block(errors: Sequence[RowError]) -> ApiError:
    """Return the refusal of an import: one csv line per wrong cell, every cell quoted."""
    lines = (",".join('"' + cell.replace('"', '""') + '"' for cell in error) for error in errors)
    return ApiError("\n".join(lines))


def count_answer(count: int, fmt: str) -> Answer:
    """Answer with the number of distinct records."""
    if fmt == "json":
        return Answer(f'{{"count": {count}}}', fmt)
    if fmt == "csv":
        return Answer(str(count), fmt)
    return Answer(f"{PROLOG}<count>{count}</count>", "xml")


def ids_answer(ids: Sequence[str], fmt: str) -> Answer:
    """Answer with the records' ids."""
    if fmt == "json":
        return Answer(to_json(list(ids)), fmt)
    if fmt == "csv":
        return Answer("\n".join(["id", *ids]), fmt)
    items = "".join(f"<id>{escape(one)}</id>" for one in ids)
    return Answer(f"{PROLOG}<ids>{items}</ids>", "xml")


def auto_ids_answer(given: Mapping[str, str], fmt: str) -> Answer:
    """Answer with pairs of new id and given id; `given` maps new to given."""
    pairs = [f"{new},{old}" for new, old in given.items()]
    if fmt == "csv":
        return Answer("\n".join(["id", *(f'"{pair}"' for pair in pairs)]), fmt)
    return ids_answer(pairs, fmt)
