"""Marking: whose record must show that a phone may not, or cannot, be texted."""

from __future__ import annotations

from collections.abc import Iterable

from capstan.contact.marks import Marked, mark_for
from capstan.store import Try


def marks_of(tries: Iterable[Try]) -> tuple[Marked, ...]:
    """The marks that the ends of some attempts ask for; the address itself is blocked already."""
    found = []
    for attempt, message in tries:
        kind = mark_for(message.channel, code=attempt.code, status=attempt.status)
        if kind and message.content:
            found.append(Marked(message.content.record, kind))
    return tuple(dict.fromkeys(found))
