"""GET /records/<reference>: sends a signed-in member of the staff to the very form in REDCap."""

from __future__ import annotations

import asyncio

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from capstan.errors import StoreError
from capstan.store import Store, form_address, read_reference
from receiver.desk import desk_of
from receiver.pages import go_to, own_path, show_page
from receiver.refusals import Refusal
from receiver.staff import person_of, studies_of


async def open_record(request: Request) -> Response:
    """Go to the form that a reference names; who may not see it cannot tell it from one that is not there."""
    person, reference = person_of(request), request.path_params["reference"]
    if not person:
        back = own_path(f"/records/{reference}")
        return go_to(request, f"/sign-in?next={back}" if back else "/sign-in")
    desk = desk_of(request)
    names = {each.study.study for each in studies_of(person, desk.informants.studies)}
    try:
        address = await asyncio.to_thread(_address, desk.writer.store, reference, studies=names)
    except StoreError:
        raise Refusal(503, "the store cannot be used") from None
    if not address:
        return show_page(request, "not_found.html", status=404, person=person)
    return RedirectResponse(address, 303)


def _address(store: Store, reference: str, *, studies: set[str]) -> str:
    """The form's address in REDCap; "" if there is none for who is named by these studies."""
    referred = read_reference(store, reference)
    return form_address(store, referred) if referred and referred.study in studies else ""
