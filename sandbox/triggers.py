"""The data entry trigger: what is posted after a form was saved, and to where (F)."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from urllib.parse import urlsplit

from sandbox.data.places import Place
from sandbox.errors import ApiError
from sandbox.session import Session
from sandbox.storage import Store

SURVEY_RESPONDENT = "[survey respondent]"
MAX_URL = 2000


@dataclass(frozen=True)
class Trigger:
    """A project's trigger; `on_imports` also fires it after API imports, which REDCap never does."""

    url: str = ""
    is_on: bool = True
    on_imports: bool = False


def read_trigger(store: Store, project_id: int) -> Trigger:
    """Return the project's trigger; without a URL it never fires."""
    return Trigger(**json.loads(store.meta(_name(project_id), "{}")))


def save_trigger(store: Store, project_id: int, *, trigger: Trigger) -> None:
    """Keep a project's trigger; raises `ApiError` for an address that nothing can be posted to."""
    if trigger.url and not _can_be_posted_to(trigger.url):
        raise ApiError("The URL of a trigger starts with http:// or https:// and names a host.")
    store.set_meta(_name(project_id), json.dumps(asdict(trigger)))


def trigger_fields(session: Session, place: Place, *, base_url: str) -> dict[str, str]:
    """Return the form fields of a post, in the order that was recorded.

    The places of the access group and of the two repeat fields are not recorded (J.1).
    """
    project = session.project
    version = ".".join(str(part) for part in session.version)
    cells = dict(session.store.values.rows(project.project_id, [place.record])).get(place.key(project), {})
    status = f"{place.form}_complete"
    group_id = session.store.groups.of(project.project_id, place.record)
    fields = {
        "redcap_url": base_url,
        "project_url": f"{base_url}redcap_v{version}/index.php?pid={project.project_id}",
        "project_id": str(project.project_id),
        "username": session.member.username,
        "record": place.record,
        "redcap_event_name": place.event.unique_name if project.is_longitudinal else "",
        "redcap_data_access_group": session.group_name(group_id),
        "instrument": place.form,
        status: cells.get(status, "0"),
    }
    key = place.key(project)
    if key.instance:
        fields["redcap_repeat_instance"] = str(key.instance)
        fields["redcap_repeat_instrument"] = key.instrument
    return {name: value for name, value in fields.items() if value}


def _name(project_id: int) -> str:
    return f"trigger_{project_id}"


def _can_be_posted_to(url: str) -> bool:
    if len(url) > MAX_URL or not url.isprintable() or " " in url:
        return False
    try:
        parts = urlsplit(url)
        return parts.scheme in ("http", "https") and bool(parts.hostname) and (parts.port or 1) > 0
    except ValueError:
        return False
