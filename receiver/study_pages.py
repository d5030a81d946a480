"""GET /studies/…: the pages of a study and of its runs, for signed-in staff of the study."""

from __future__ import annotations

import asyncio
import html
import os
import re
from collections.abc import Callable
from pathlib import Path
from types import MappingProxyType

from starlette.requests import Request
from starlette.responses import Response

from receiver.desk import desk_of
from receiver.pages import go_to, own_path, show_page
from receiver.staff import person_of, studies_of
from tasks.page_folders import STUDY_PAGE, docs_of, pages_of, runs_of

_KINDS = MappingProxyType(
    {".html": "text/html", ".css": "text/css", ".png": "image/png", ".svg": "image/svg+xml"}
)
# Before anything of a study stands in it, a page says which scripts of its own may run.
_SAYS = re.compile(rb'<meta http-equiv="Content-Security-Policy" content="([^"]{1,2000})"')
_HEAD_BYTES = 2048
_POLICY = re.compile(r"[A-Za-z0-9 '+/=:;_-]+")
_WITHOUT_SCRIPTS = "default-src 'none'; style-src 'unsafe-inline'; img-src data:"
_ALWAYS = "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"


async def list_studies(request: Request) -> Response:
    """List the studies that name who asks."""
    person = person_of(request)
    if not person:
        return _ask_who(request)
    named = studies_of(person, desk_of(request).informants.studies)
    listed = sorted((each.study for each in named), key=lambda study: study.study)
    return show_page(request, "studies.html", person=person, studies=listed)


async def enter_study(request: Request) -> Response:
    """Send on to a study's page, whose links need the slash at its end."""
    return go_to(request, own_path(f"/studies/{request.path_params['study']}/") or "/studies")


async def show_study(request: Request) -> Response:
    """Show a study's page."""
    return await _show(request, STUDY_PAGE, folder_of=pages_of)


async def show_run(request: Request) -> Response:
    """Show the page of a run."""
    run = str(request.path_params["run"]).removesuffix(".html")
    return await _show(request, f"{run}.html", folder_of=runs_of)


async def show_docs(request: Request) -> Response:
    """Show a page of a study's Data Docs."""
    return await _show(request, request.path_params["name"] or STUDY_PAGE, folder_of=docs_of)


async def _show(request: Request, name: str, *, folder_of: Callable[[Path, str], Path]) -> Response:
    """Show a file of a study's folder; who may not see it cannot tell it from one that is not there."""
    person = person_of(request)
    if not person:
        return _ask_who(request)
    desk, asked = desk_of(request), request.path_params["study"]
    known = [each.study.study for each in studies_of(person, desk.informants.studies)]
    study = next((one for one in known if one == asked), "")
    content = await asyncio.to_thread(_read, folder_of(desk.home, study), name) if study else None
    if content is None:
        return show_page(request, "no_page.html", status=404, person=person, study=study)
    headers = {"Content-Security-Policy": f"{_policy_of(content)}; {_ALWAYS}"}
    return Response(content, headers=headers, media_type=_KINDS[Path(name).suffix])


def _ask_who(request: Request) -> Response:
    back = own_path(request.url.path)
    return go_to(request, f"/sign-in?next={back}" if back else "/sign-in")


def _read(folder: Path, name: str) -> bytes | None:
    """A file by its path in a folder, as the folder itself lists it: no address is made part of a path."""
    path = _listed(folder).get(name)
    try:
        return path.read_bytes() if path else None
    except OSError:  # it was just deleted
        return None


def _listed(folder: Path) -> dict[str, Path]:
    """The files that may be shown of a folder and all below it, by their path in it; no link is followed."""
    found = [Path(place, name) for place, _, names in os.walk(folder) for name in names]
    shown = [path for path in found if path.suffix in _KINDS and not path.is_symlink()]
    return {path.relative_to(folder).as_posix(): path for path in shown}


def _policy_of(content: bytes) -> str:
    """What the browser may load and run for a page: what the page says of itself, if it is plain."""
    said = _SAYS.search(content[:_HEAD_BYTES])
    policy = html.unescape(said[1].decode("ascii", "replace")) if said else ""
    return policy if _POLICY.fullmatch(policy) else _WITHOUT_SCRIPTS
