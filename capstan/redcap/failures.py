"""Turns an answer that is not what was asked for into the error of ours that says what to do."""

from __future__ import annotations

import html
import json
import re
from dataclasses import dataclass

from capstan.errors import (
    RedcapBanned,
    RedcapError,
    RedcapUnavailable,
    RightMissing,
    RowsRefused,
    TokenRefused,
)
from capstan.redcap.rows import RefusedRow, refused_rows
from capstan.redcap.sentences import BANNED, NONE_DEFINED, OUT_OF_MEMORY, SENTENCES, Sentence

MAX_NAMES_SHOWN = 20
_NAME = r"[A-Za-z][A-Za-z0-9_]{0,99}"
_EVENT = r"[a-z0-9_]{1,60}_arm_[0-9]+[a-z]?"
_BUSY = frozenset({408, 425, 429, 500, 502, 503, 504})
_WRONG_ADDRESS = frozenset({404, 405, 410, 501})
_TOO_LARGE = frozenset({411, 413, 414})
_HIDDEN = "it refused the request with a message that is not shown because it may hold values"


class NoneDefined(RedcapError):
    """The project has none of what was asked for (arms of a classic project); callers answer with no rows."""


class TooMuch(RedcapError):
    """The server cannot take or give this much at once; callers that can ask for less do so."""


class TooLarge(TooMuch):
    """The request was refused before REDCap saw it, so that nothing was written."""


@dataclass(frozen=True, slots=True, repr=False)
class Answer:
    """An answer that failed; `place` names method and host. No repr, because `text` may hold values."""

    status: int
    text: str
    place: str


def failure(answer: Answer) -> RedcapError:
    """Return the error for an answer that is an error, a page, or nothing; never raises.

    Its text holds known sentences, counts and project names only. Source: sections A.3, A.4 and D.8.
    """
    if OUT_OF_MEMORY.search(answer.text):
        return _error(TooMuch, answer, "it ran out of memory: ask for fewer records, fields or rows at once")
    message = error_message(answer.text)
    return _from_page(answer) if message is None else _from_message(answer, message.strip())


def error_message(text: str) -> str | None:
    """Return the message of an API error in any of its three shapes, or None where the text is not one."""
    start = text.lstrip("\ufeff \r\n\t")
    if start.startswith("{"):
        return _json_message(start)
    if start[:6].upper() == "ERROR:":
        return start[6:]
    found = re.search(r"<error>(.*?)</error>", start, re.DOTALL) if start.startswith("<?xml") else None
    return html.unescape(found.group(1)) if found else None


def _json_message(text: str) -> str | None:
    try:
        document = json.loads(text, strict=False)
    except ValueError:
        return "" if text.startswith('{"error"') else None
    return str(document["error"]) if isinstance(document, dict) and "error" in document else None


def _from_message(answer: Answer, message: str) -> RedcapError:
    if NONE_DEFINED.match(message):
        return _error(NoneDefined, answer, "the project has none of these: it is classic or nothing repeats")
    for sentence in SENTENCES:
        found = sentence.pattern.fullmatch(message)
        if found:
            return _from_sentence(answer, sentence, found)
    if message.startswith('"'):
        return _from_rows(answer, refused_rows(message))
    return _from_status(answer)


def _from_sentence(answer: Answer, sentence: Sentence, found: re.Match[str]) -> RedcapError:
    groups = found.groupdict()
    records = _split(groups.get("records") or "")
    text = sentence.text.format(names=_named(groups, error=sentence.error), count=len(records))
    if sentence.error is RowsRefused:
        return _refused(answer, text, tuple((record, "", "The record does not exist") for record in records))
    return _error(sentence.error, answer, text)


def _named(groups: dict[str, str | None], *, error: type[RedcapError]) -> str:
    events = groups.get("events")
    if events is not None:
        return _shown(_split(events), pattern=_EVENT)
    names = groups.get("names") or ""
    return names if error is RightMissing else _shown(_split(names))


def _from_rows(answer: Answer, rows: tuple[RefusedRow, ...]) -> RedcapError:
    fields = _shown(list(dict.fromkeys(field for _, field, _ in rows)))
    count = f"{len(rows)} cells (fields {fields})" if rows else "rows, in a list that could not be read"
    return _refused(answer, f"nothing was imported, because it refused {count}", rows)


def _from_status(answer: Answer) -> RedcapError:
    if answer.status in _BUSY:
        return _error(RedcapUnavailable, answer, "it failed inside; it may work again in a while")
    kinds: dict[int, type[RedcapError]] = {401: TokenRefused, 403: RightMissing}
    return _error(kinds.get(answer.status, RedcapError), answer, _HIDDEN)


def _from_page(answer: Answer) -> RedcapError:
    status = answer.status
    if BANNED.search(answer.text):
        return _error(
            RedcapBanned, answer, "it banned this address; ask its administrator to lift the ban, and wait"
        )
    if status in _WRONG_ADDRESS or 300 <= status < 400:
        return _error(RedcapError, answer, "there is no API: the address is probably wrong")
    if status in _TOO_LARGE:
        return _error(TooLarge, answer, "the request was too large for it: lower max_bytes or max_rows")
    if status == 401:
        return _error(TokenRefused, answer, "the token was not accepted")
    if status in _BUSY or status < 300:
        kind = "an empty answer" if not answer.text.strip() else "a page or a text that is no answer"
        return _error(RedcapUnavailable, answer, f"it gave {kind}; it is overloaded or under maintenance")
    return _error(RedcapError, answer, "a web server or firewall before REDCap refused the request")


def _refused(answer: Answer, text: str, rows: tuple[RefusedRow, ...]) -> RowsRefused:
    return RowsRefused(f"{_opening(answer)}: {text}.", rows=rows)


def _error(kind: type[RedcapError], answer: Answer, text: str) -> RedcapError:
    return kind(f"{_opening(answer)}: {text}.")


def _opening(answer: Answer) -> str:
    return f"REDCap ({answer.place}, status {answer.status})"


def _split(names: str) -> list[str]:
    return [name.strip().strip("'\"") for name in names.split(",") if name.strip()]


def _shown(names: list[str], *, pattern: str = _NAME) -> str:
    """Show names that look like a project's; others may be values that slipped into a wrong column."""
    known = [name for name in names if re.fullmatch(pattern, name)]
    shown = ", ".join(f"'{name}'" for name in known[:MAX_NAMES_SHOWN])
    unshown = len(names) - len(known[:MAX_NAMES_SHOWN])
    return f"{shown} and {unshown} more" if shown and unshown else shown or f"({unshown} names not shown)"
