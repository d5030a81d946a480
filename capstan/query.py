"""The words of queries: how far one has come, how it was closed, and what can become of it."""

from __future__ import annotations

from enum import StrEnum


class QueryState(StrEnum):
    """How far a query has come."""

    OPEN = "open"
    ANSWERED = "answered"
    DISMISSED = "dismissed"
    CLOSED = "closed"


class How(StrEnum):
    """How a query was closed."""

    GONE = "gone"
    DELETED = "record deleted"


class Happened(StrEnum):
    """What can become of a query."""

    OPENED = "opened"
    ANSWERED = "answered"
    DISMISSED = "dismissed"
    REOPENED = "reopened"
    CLOSED = "closed"
