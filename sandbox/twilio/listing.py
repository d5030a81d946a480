"""Lists of messages, page by page (2.4)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from sandbox.twilio.exchange import Exchange
from sandbox.twilio.messages import Filter
from sandbox.twilio.moments import read_moment
from sandbox.twilio.refusals import Refused
from sandbox.twilio.resources import list_resource, message_resource

MAX_PAGE = 1000
_USUAL_PAGE = 50
_DAY_SECONDS = 86_400.0
_MARK = "PA"
_SIZE = re.compile("[0-9]{1,6}")


def list_messages(exchange: Exchange, path: str, *, query: Mapping[str, str]) -> dict[str, Any]:
    """Return one page; the next begins after its last message, so new ones shift nothing.

    Raises `Refused` for a filter that cannot be read.
    """
    size = min(max(_number(query.get("PageSize", ""), _USUAL_PAGE), 1), MAX_PAGE)
    found = [] if _hides(exchange, query) else exchange.page(_read_filter(exchange, query), size + 1)
    rows = [message_resource(exchange.config, one) for one in found[:size]]
    token = f"{_MARK}{found[size - 1].sid}" if len(found) > size else ""
    kept = {**query, "PageSize": str(size), "Page": str(_number(query.get("Page", ""), 0))}
    return list_resource(path, rows, key="messages", query=kept, next_token=token)


def _hides(exchange: Exchange, query: Mapping[str, str]) -> bool:
    """Whether a person's number is asked for where numbers are hidden: then nothing is found."""
    asked = [query[name] for name in ("To", "From") if query.get(name)]
    return exchange.config.redaction and any(exchange.config.number(one) is None for one in asked)


def _read_filter(exchange: Exchange, query: Mapping[str, str]) -> Filter:
    start: float | None = None
    end: float | None = None
    try:
        if query.get("DateSent"):
            # It means a day, though clients spell it as its first moment.
            start = read_moment(query["DateSent"]) // _DAY_SECONDS * _DAY_SECONDS
            end = start + _DAY_SECONDS
        if query.get("DateSent>"):
            start = read_moment(query["DateSent>"])
        if query.get("DateSent<"):
            # It means "at or before", and moments are told without parts of seconds.
            end = read_moment(query["DateSent<"]) + 1
    except ValueError as error:
        raise Refused(20001, detail="DateSent is a day or a moment.") from error
    return Filter(query.get("To", ""), query.get("From", ""), start, end, _below(exchange, query))


def _below(exchange: Exchange, query: Mapping[str, str]) -> int | None:
    token = query.get("PageToken", "")
    if not token:
        return None
    last = exchange.find(token.removeprefix(_MARK), with_deleted=True)
    if last is None:
        raise Refused(20001, detail="The PageToken is not known.")
    return last.number


def _number(text: str, usual: int) -> int:
    return int(text) if _SIZE.fullmatch(text) else usual
