"""What one rule asks for once a form is completed: a session, a monitor, a run."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import NamedTuple

from capstan.store import Asking, Worked
from capstan.study.triggers import TriggerRule
from capstan.triggers import Place, Trigger
from checks.identity import GROUP_COLUMN
from tasks.connections import LiveProject
from tasks.monitors import end_former, open_monitors
from tasks.sessions import load_session


class Followed(NamedTuple):
    """What a rule did; a reason says what it could not do, and may name a session."""

    is_loaded: bool
    reason: str = ""
    asks: tuple[Asking, ...] = ()


def follow_rule(
    live: LiveProject,
    rule: TriggerRule,
    *,
    trigger: Trigger,
    row: Mapping[str, str],
    place: Place,
    now: datetime,
) -> Followed:
    """Do what a rule says for an exported row; the same row once more changes nothing.

    A monitor of a form that names no session of the study is not opened: nobody would know whom to ask.
    """
    asks = (Asking(rule.starts, place.record),) if rule.starts else ()
    session, site, reason = "", row.get(GROUP_COLUMN, ""), ""
    if rule.session_id:
        loaded = load_session(
            live.store,
            live.study,
            rule=rule,
            row=row,
            place=place,
            now=now,
            version=trigger.version,
            event_id=_event_id(live, place.event),
            user=trigger.username,
        )
        session, site = loaded.session, loaded.site or site
        reason = "" if loaded.outcome is Worked.LOADED else loaded.reason
        end_former(live.store, live.study, place=place, session=session, now=now)
    if rule.expects and not reason:
        open_monitors(
            live.store, live.study, monitor=rule.expects, place=place, now=now, session=session, site=site
        )
    return Followed(is_loaded=bool(asks) or not reason, reason=reason, asks=asks)


def _event_id(live: LiveProject, event: str) -> str:
    return next((each.id for each in live.grid.events if each.name == event), "")
