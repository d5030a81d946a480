"""What one rule asks for once a form is completed: a session, a monitor, a run."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import NamedTuple

from capstan.store import Asking
from capstan.study.triggers import TriggerRule
from capstan.triggers import Place, Trigger
from tasks.connections import LiveProject


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
    """Do what a rule says for an exported row; the same row once more changes nothing."""
    asks = (Asking(rule.starts, place.record),) if rule.starts else ()
    return Followed(is_loaded=True, asks=asks)
