"""Addresses of the pages, and from a browser's request to a page."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import nullcontext
from typing import Any, Protocol

from starlette.concurrency import run_in_threadpool
from starlette.datastructures import UploadFile
from starlette.requests import Request
from starlette.responses import FileResponse, Response
from starlette.routing import Route

from sandbox.call import Upload
from sandbox.control import clock, server, triggers, weather
from sandbox.control import mails as control_mails
from sandbox.control import twilio as control_twilio
from sandbox.errors import ApiError
from sandbox.imports.saving import FormRefused
from sandbox.pages import clockwork, forms, lists, machine, mails, phones, projects, records, survey
from sandbox.pages.asked import Asked, error_page, go_to
from sandbox.pages.templates import FOLDER
from sandbox.state import State
from sandbox.web.intake import BadBody, read_page_form
from sandbox.web.numbers import NUMBER, PROJECT_ID

Show = Callable[[State, Asked], Response]


class ShowRefused(Protocol):
    """Shows a form again whose values were refused."""

    def __call__(self, state: State, asked: Asked, *, refused: FormRefused) -> Response: ...


_PROJECT = f"project/{PROJECT_ID}"
SHOWN: dict[str, Show] = {
    "": projects.home,
    _PROJECT: records.dashboard,
    f"{_PROJECT}/record": records.record,
    f"{_PROJECT}/form": forms.show,
    f"{_PROJECT}/file": forms.download,
    f"{_PROJECT}/log": lists.log_page,
    f"{_PROJECT}/tokens": projects.tokens,
    f"{_PROJECT}/trigger": projects.trigger,
    "made": lists.requests,
    "weather": machine.faults,
    "posts": machine.posts,
    "messages": phones.talks,
    "messages/phone": phones.talk,
    "messages/webhooks": phones.webhooks,
    "mail": mails.inbox,
    "mail/letter": mails.letter,
    "mail/certificate": mails.certificate,
    "settings": machine.settings,
}
DONE: dict[str, Show] = {
    "load": projects.load,
    f"{_PROJECT}/add": records.add,
    f"{_PROJECT}/rename": records.rename,
    f"{_PROJECT}/delete-record": records.delete,
    f"{_PROJECT}/form": forms.save,
    f"{_PROJECT}/lock": forms.change_lock,
    f"{_PROJECT}/tokens": projects.make_token,
    f"{_PROJECT}/trigger": projects.set_trigger,
    f"{_PROJECT}/status": projects.set_status,
    f"{_PROJECT}/delete": projects.delete,
    "made/clear": lists.clear_requests,
    "weather": machine.ordering(weather.add_fault, then="weather"),
    "weather/clear": machine.ordering(weather.clear_faults, then="weather"),
    "weather/limit": machine.ordering(weather.set_limit, then="weather"),
    "weather/lift": machine.ordering(weather.lift_bans, then="weather"),
    "posts": machine.ordering(triggers.add_trick, then="posts"),
    "messages/start": phones.start,
    "messages/write": phones.write,
    "messages/fate": phones.set_fate,
    "messages/clock": clockwork.turn,
    "messages/clear": machine.ordering(control_twilio.reset, then="messages"),
    "mail/clear": machine.ordering(control_mails.clear_mails, then="mail"),
    "posts/clear": machine.ordering(triggers.clear_tricks, then="posts"),
    "settings/clock": machine.ordering(clock.set_clock, then="settings"),
    "settings/clock/run": machine.run_clock,
    "settings/version": machine.ordering(server.set_version, then="settings"),
}
# They keep their own order, and some last until a receiver has answered, who may ask REDCap meanwhile.
_BESIDE_REDCAP = frozenset(
    show for path, show in (*SHOWN.items(), *DONE.items()) if path.partition("/")[0] == "messages"
)
# How a form is shown again whose values were refused.
REFUSED: dict[Show, ShowRefused] = {forms.save: forms.show_refused, survey.answer: survey.show_refused}
# Nothing is loaded from elsewhere, no script runs, and no other site may frame a page.
_HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; style-src 'self'; img-src 'self' data:; form-action 'self'; base-uri 'none'; "
        "frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Cache-Control": "no-store",
}


def page_routes(state: State) -> list[Route]:
    """Return the routes of the pages, their style sheet, and REDCap's own addresses of them."""
    shown = [Route(f"/_sandbox/{path}", _get(state, show), methods=["GET"]) for path, show in SHOWN.items()]
    done = [Route(f"/_sandbox/{path}", _post(state, show), methods=["POST"]) for path, show in DONE.items()]
    known = [Route(path, work) for path, work in _KNOWN.items()]
    surveys = [
        Route("/surveys/", _get(state, survey.show), methods=["GET"]),
        Route("/surveys/", _post(state, survey.answer), methods=["POST"]),
    ]
    return [*shown, *done, *surveys, *known, Route("/_sandbox/style.css", _style)]


def _get(state: State, show: Show) -> Callable[[Request], Any]:
    async def endpoint(request: Request) -> Response:
        asked = Asked(request.path_params.get("project_id", 0), dict(request.query_params))
        return await run_in_threadpool(_answer, state, show, asked=asked)

    return endpoint


def _post(state: State, show: Show) -> Callable[[Request], Any]:
    async def endpoint(request: Request) -> Response:
        try:
            form = await read_page_form(request)
        except BadBody as error:
            return error_page(state, ApiError("What was sent cannot be used.", error.status))
        project_id, query = request.path_params.get("project_id", 0), dict(request.query_params)
        texts = {name: value for name, value in form.items() if isinstance(value, str)}
        files = {
            name: Upload(value.filename or "", value.content_type or "", await value.read())
            for name, value in form.items()
            if isinstance(value, UploadFile) and value.filename
        }
        await form.close()
        return await run_in_threadpool(_answer, state, show, asked=Asked(project_id, query, texts, files))

    return endpoint


def _answer(state: State, show: Show, *, asked: Asked) -> Response:
    try:
        answer = _show(state, show, asked=asked)
    except ApiError as error:
        answer = error_page(state, error)
    answer.headers.update(_HEADERS)
    return answer


def _show(state: State, show: Show, *, asked: Asked) -> Response:
    try:
        with nullcontext() if show in _BESIDE_REDCAP else state.writing():
            return show(state, asked)
    except FormRefused as refused:
        # A transaction of its own: the one before is undone, whatever it had written by then.
        with state.writing():
            return REFUSED[show](state, asked, refused=refused)


async def _style(_: Request) -> Response:
    return FileResponse(FOLDER / "style.css", media_type="text/css")


async def _to_project(request: Request) -> Response:
    return _known(request, "")


async def _to_record(request: Request) -> Response:
    return _known(request, "/record", id="id", arm="arm")


async def _to_form(request: Request) -> Response:
    return _known(request, "/form", id="id", event_id="event_id", form="page", instance="instance")


def _known(request: Request, path: str, **names: str) -> Response:
    """Lead from REDCap's address of a page to ours; `names` are its query values by ours."""
    query = request.query_params
    number = query.get("pid", "")
    if not NUMBER.fullmatch(number):
        return go_to("")
    return go_to(f"project/{number}{path}", **{ours: query.get(theirs, "") for ours, theirs in names.items()})


_KNOWN: dict[str, Callable[[Request], Any]] = {
    "/": _to_project,
    "/redcap_v{version}/index.php": _to_project,
    "/redcap_v{version}/DataEntry/record_home.php": _to_record,
    "/redcap_v{version}/DataEntry/index.php": _to_form,
}
