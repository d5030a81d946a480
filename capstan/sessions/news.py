"""What staff are told of sessions: that one came in, or that a form of one waits for a person."""

from __future__ import annotations

from datetime import datetime

from capstan.notice import Cause, Happening
from capstan.sessions import SessionId


def new_session(session: SessionId, *, at: datetime, record: str = "") -> Happening:
    """A session came in that was not known; its id is not told."""
    text = f"A new session came in at the site {session.site}."
    return Happening(Cause.SESSION, text, at, record=record, site=session.site)


def waiting_form(reason: str, *, at: datetime, record: str) -> Happening:
    """A form that tells of a session waits for a person."""
    return Happening(Cause.WAITING, f"A form that tells of a session waits. {reason}", at, record=record)
