"""What staff are told of a reply: no word of it, and where to read it."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from datetime import datetime

from capstan.notice import Cause, Happening
from capstan.replies import Meaning, Reply

_READ = "Read it with `capstan replies list --values`"
_SAID = {
    Meaning.WISH_TO_STOP: "A reply sounds like a wish to stop, so nothing more is sent there. "
    f"{_READ}, and decide with `capstan replies settle`.",
    Meaning.WRONG_NUMBER: "A reply says that it is the wrong number, so nothing more is sent there. "
    f"{_READ}, and correct the number in REDCap.",
    Meaning.QUESTION: f"Somebody wrote what a person must read. {_READ}.",
    Meaning.STOP: "A participant asked for no more texts with STOP; none are sent to this phone.",
    Meaning.START: "A participant asked for texts again with START; look whether the record says otherwise.",
}


def urgent_news(reply: Reply, *, sid: str, records: Collection[str], at: datetime) -> Iterator[Happening]:
    """What cannot wait: words of distress; `records` are those that have been texted at this number."""
    if Meaning.DISTRESS in reply.meanings:
        said = f"A reply sounds like danger. Read it now: `capstan replies show {sid} --values`."
        yield Happening(Cause.DISTRESS, said, at, ", ".join(sorted(records)))


def reply_news(reply: Reply, *, records: Collection[str], at: datetime) -> Iterator[Happening]:
    """What a person is to know of the rest; `records` are the participants who have this number."""
    named = ", ".join(sorted(records))
    for meaning in reply.meanings:
        if meaning in _SAID:
            yield Happening(Cause.QUESTION, _SAID[meaning], at, named)
    if reply.keyword and reply.keyword.notify:
        said = f"Somebody wrote {reply.keyword.words[0]}."
        yield Happening(Cause.QUESTION, said, at, named)
    if not records:
        said = f"A text came from a phone that no participant has, so it is not in REDCap. {_READ}."
        yield Happening(Cause.QUESTION, said, at)
    if len(records) > 1:
        said = f"A text came from a phone that several participants have, so it is not in REDCap. {_READ}."
        yield Happening(Cause.QUESTION, said, at, named)
