"""POST /redcap/SECRET: REDCap's data entry triggers."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response

from capstan.errors import TriggerError
from capstan.store import Arrival
from capstan.triggers import read_trigger
from receiver.addresses import is_within
from receiver.desk import desk_of, sender_at
from receiver.informants import TriggerSource
from receiver.reading import read_body, read_form
from receiver.refusals import Refusal, unknown_sender


async def take_trigger(request: Request) -> Response:
    """Keep a trigger of the study that the secret in the path belongs to.

    A trigger of another project has the secret when a project was copied with its settings. It is refused
    like a wrong secret, so that whoever only knows the secret cannot find out the project.
    """
    desk = desk_of(request)
    source = desk.informants.find_trigger_source(request.path_params["secret"])
    if source is None:
        raise unknown_sender("wrong secret")
    if source.networks and not is_within(sender_at(request), source.networks):
        raise unknown_sender("wrong address")
    form = read_form(await read_body(request))
    _check(form, source)
    await desk.keep(Arrival(source.study, "redcap", form))
    return Response(status_code=204)


def _check(form: dict[str, str], source: TriggerSource) -> None:
    try:
        trigger = read_trigger(form)
    except TriggerError:
        raise Refusal(400, "no trigger") from None
    if (trigger.host.lower(), trigger.project_id) != (source.host, source.project_id):
        raise unknown_sender("wrong project")
