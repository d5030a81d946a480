"""GET /calendars/…: calendars of visits due, for the programs of whoever knows their secret addresses."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
from pathlib import Path

from starlette.requests import Request
from starlette.responses import Response

from capstan.store import KeyRing
from capstan.study import Study
from receiver.desk import desk_of
from receiver.refusals import unknown_sender
from tasks.calendar_addresses import calendar_file, calendar_word, calendars_in
from tasks.page_folders import calendars_of


async def give_calendar(request: Request) -> Response:
    """Give the calendar that has this address; one that the program has already is not sent again."""
    desk, name = desk_of(request), request.path_params["study"]
    study = next((each.study for each in desk.informants.studies if each.study.study == name), None)
    if study is None or study.page.calendars is None:
        raise unknown_sender("no such calendar")
    folder, keys = calendars_of(desk.home, study.study), desk.writer.store.keys
    content = await asyncio.to_thread(_read, folder, request.path_params["word"], study=study, keys=keys)
    if content is None:
        raise unknown_sender("no such calendar")
    tag = f'"{hashlib.sha256(content).hexdigest()[:32]}"'
    # It may be kept, by the program alone, and is asked for each time.
    headers = {"ETag": tag, "Cache-Control": "private, no-cache"}
    if _has(request, tag):
        return Response(status_code=304, headers=headers)
    return Response(content, headers=headers, media_type="text/calendar; charset=utf-8")


def _read(folder: Path, word: str, *, study: Study, keys: KeyRing) -> bytes | None:
    """The calendar with this word; how long it takes tells nothing of the words."""
    given = word.encode("utf-8", "surrogatepass")
    found = None
    for calendar in calendars_in(folder):
        if hmac.compare_digest(calendar_word(calendar, study=study, keys=keys).encode(), given):
            found = folder / calendar_file(calendar, keys=keys)
    try:
        return found.read_bytes() if found else None
    except OSError:  # it was just deleted
        return None


def _has(request: Request, tag: str) -> bool:
    """Whether the program says that it has the content of a tag; proxies may have made the tag a weak one."""
    told = request.headers.get("if-none-match", "")
    return any(one.strip().removeprefix("W/") in (tag, "*") for one in told.split(","))
