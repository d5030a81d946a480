"""The answers of a record import (D.7, D.8)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from xml.sax.saxutils import escape

from sandbox.call import Call
from sandbox.errors import ApiError
from sandbox.imports.addressing import RowError
from sandbox.render import PROLOG, Answer, quote, to_json

IN_BACKGROUND = {"json": '{"success": true}', "csv": "success:true"}


def error_block(errors: Iterable[RowError]) -> ApiError:
    """Return the refusal of an import: one csv line per wrong cell, every cell quoted."""
    lines = (",".join('"' + cell.replace('"', '""') + '"' for cell in error) for error in errors)
    return ApiError("\n".join(lines))


def import_answer(call: Call, records: Sequence[str], *, given: Mapping[str, str]) -> Answer:
    """Answer as `returnContent` asks; `given` are the payload's ids by the new ones, if they were forced."""
    fmt, content = call.answer_format, call.text("returnContent", "count")
    if call.flag("backgroundProcess"):
        # The answer in xml was not recorded (J.1).
        return Answer(IN_BACKGROUND.get(fmt, f"{PROLOG}<success>true</success>"), fmt)
    if content == "nothing":
        return Answer("", fmt)
    if content == "auto_ids" and given:
        return _ids_answer([f"{record},{given[record]}" for record in records], fmt)
    if content in ("ids", "auto_ids"):
        return _ids_answer(records, fmt)
    return _count_answer(len(records), fmt)


def _count_answer(count: int, fmt: str) -> Answer:
    if fmt == "json":
        return Answer(f'{{"count": {count}}}', fmt)
    return Answer(str(count) if fmt == "csv" else f"{PROLOG}<count>{count}</count>", fmt)


def _ids_answer(ids: Sequence[str], fmt: str) -> Answer:
    if fmt == "json":
        return Answer(to_json(list(ids)), fmt)
    if fmt == "csv":
        return Answer("\n".join(["id", *map(quote, ids)]), fmt)
    items = "".join(f"<id>{escape(one)}</id>" for one in ids)
    return Answer(f"{PROLOG}<ids>{items}</ids>", fmt)
