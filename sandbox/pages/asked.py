"""What a browser asked for, and how a page answers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from starlette.responses import HTMLResponse, RedirectResponse, Response

from sandbox.by_hand import open_project
from sandbox.call import Upload
from sandbox.errors import ApiError
from sandbox.pages.templates import link, render
from sandbox.project.model import Project
from sandbox.state import State

# What a page says after the browser was sent on to it; only these words can get there by an address.
_TOLD = {
    "saved": "The form was saved.",
    "deleted": "It was deleted.",
    "renamed": "The record was renamed.",
    "set": "That is how it is now.",
}


@dataclass(frozen=True)
class Asked:
    """One request of a browser; a form's fields and files are those of a POST."""

    project_id: int = 0
    query: Mapping[str, str] = field(default_factory=dict)
    form: Mapping[str, str] = field(default_factory=dict)
    files: Mapping[str, Upload] = field(default_factory=dict)

    def text(self, name: str, default: str = "") -> str:
        """Return a value of the form, or else of the address."""
        return self.form.get(name, self.query.get(name, default))

    def number(self, name: str, default: int = 1) -> int:
        """Return a positive number; what is none becomes the default."""
        text = self.text(name)
        return int(text) if text.isascii() and text.isdecimal() and len(text) < 10 and int(text) else default

    def project(self, state: State) -> Project:
        return open_project(state, self.project_id)


def page(name: str, state: State, *, asked: Asked, status: int = 200, **about: object) -> Response:
    """Show a template."""
    told = _TOLD.get(asked.query.get("told", ""), "")
    frame = {"version": state.version, "clock": state.clock, "waiting": len(state.faults), "told": told}
    return HTMLResponse(render(name, **frame, **about), status)


def go_to(path: str, **query: object) -> Response:
    """Send the browser on after a POST."""
    return RedirectResponse(link(path, **query), 303)


def error_page(state: State, error: ApiError) -> Response:
    return page("error.html", state, asked=Asked(), status=error.status, message=error.message)
