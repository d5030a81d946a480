"""Pages for staff: short, without scripts, and without anything from elsewhere."""

from __future__ import annotations

import base64
import hashlib
import re
from pathlib import Path
from urllib.parse import urlsplit

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response

from receiver.desk import desk_of

_FOLDER = Path(__file__).with_name("templates")
_STYLE = (_FOLDER / "style.css").read_text(encoding="utf-8")
_DIGEST = base64.b64encode(hashlib.sha256(_STYLE.encode()).digest()).decode()
_POLICY = (
    f"default-src 'none'; style-src 'sha256-{_DIGEST}'; form-action 'self'; base-uri 'none'; "
    "frame-ancestors 'none'"
)
_PATH = re.compile(
    r"/records/[0-9a-f]{1,64}|/studies(/[a-z][a-z0-9_-]{0,99}/(runs/[0-9a-f-]{1,32}(\.html)?)?)?", re.ASCII
)
_environment = Environment(
    loader=FileSystemLoader(_FOLDER), autoescape=True, undefined=StrictUndefined, trim_blocks=True
)


def show_page(request: Request, name: str, *, status: int = 200, **about: object) -> Response:
    """Show a template; whatever goes into it is shown as text."""
    filled = _environment.get_template(name).render(style=_STYLE, root=_root(request), **about)
    return HTMLResponse(filled, status, headers={"Content-Security-Policy": _POLICY})


def go_to(request: Request, path: str) -> Response:
    """Send the browser to a path of ours; never to an address that came with a request."""
    return RedirectResponse(f"{_root(request)}{path}", 303)


def own_path(text: str) -> str:
    """The path to go on to, if it is one of ours; else ""."""
    return text if _PATH.fullmatch(text) else ""


def _root(request: Request) -> str:
    """What stands before each path of ours, where we share a host with others."""
    return urlsplit(desk_of(request).public_url).path
