"""Routing: which rules of a study a trigger falls under, and which row of a fresh export it means."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from enum import StrEnum
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from capstan.plan import KEY_NAMES
from capstan.project_names import Project
from capstan.study.triggers import TriggerRule
from capstan.triggers import Place, Trigger

if TYPE_CHECKING:
    from capstan.study import Study

_EVENT, _REPEATS, _INSTANCE = KEY_NAMES


class Skip(StrEnum):
    """Why nothing is done for a trigger."""

    NO_TRIGGER = "not a trigger of REDCap"
    NO_PARTNER = "no partner of this name"
    OTHER_SERVER = "from another server than the study's"
    OTHER_PROJECT = "from another project than the study's"
    NO_RULE = "no rule for this instrument"
    NO_RULE_HERE = "no rule for this instrument on this event"
    RECORD_GONE = "the record is gone"
    FORM_GONE = "the form is gone"
    SEVERAL_ROWS = "several rows fit, and the trigger does not say which"
    NOT_COMPLETED = "the form is not completed"


def why_foreign(trigger: Trigger, study: Study) -> Skip | None:
    """Why a trigger is not of the study's project; None if it says it is."""
    if trigger.host != (urlsplit(study.redcap.url).hostname or ""):
        return Skip.OTHER_SERVER
    return None if trigger.project_id == str(study.redcap.project.id) else Skip.OTHER_PROJECT


def rules_for(trigger: Trigger, study: Study, *, project: Project) -> tuple[TriggerRule, ...] | Skip:
    """The rules of a trigger's form on its event, or why there is none; one that names no event has any."""
    if foreign := why_foreign(trigger, study):
        return foreign
    named = [rule for rule in study.triggers if rule.instrument == trigger.place.instrument]
    here = tuple(rule for rule in named if _is_on(rule, trigger.place.event, project=project))
    return here or (Skip.NO_RULE_HERE if named else Skip.NO_RULE)


def find_row(
    rows: Sequence[Mapping[str, str]], trigger: Trigger, *, project: Project
) -> Mapping[str, str] | Skip:
    """The row that a trigger means, of all rows of its record in a keyed export; or why there is none."""
    if not rows:
        return Skip.RECORD_GONE
    found = [row for row in rows if _is_meant(row, trigger, project=project)]
    if not found:
        return Skip.FORM_GONE
    return found[0] if len(found) == 1 else Skip.SEVERAL_ROWS


def completed(
    rules: Sequence[TriggerRule], row: Mapping[str, str], *, project: Project
) -> tuple[TriggerRule, ...] | Skip:
    """The rules that hold on the exported row: its event is theirs, and the form is completed."""
    here = [rule for rule in rules if _is_on(rule, row[_EVENT], project=project)]
    if not here:
        return Skip.NO_RULE_HERE
    return tuple(rule for rule in here if row[rule.completion] in rule.completed) or Skip.NOT_COMPLETED


def place_of(row: Mapping[str, str], *, instrument: str, record_field: str) -> Place:
    """Where a row of an export is."""
    return Place(row[record_field], row[_EVENT], instrument, row[_INSTANCE])


def _is_on(rule: TriggerRule, event: str, *, project: Project) -> bool:
    events = {one for name in rule.events for one in project.events_of(name)}
    return not (rule.events and event) or event in events


def _is_meant(row: Mapping[str, str], trigger: Trigger, *, project: Project) -> bool:
    place, grid = trigger.place, project.grid
    event, form = row[_EVENT], place.instrument
    if event != place.event if place.event else (event, form) not in grid.designated:
        return False
    # What repeats is not told to every token; then the trigger must say it.
    repeats_itself = (event, form) in grid.repeating or trigger.repeats == form
    if row[_REPEATS] != (form if repeats_itself else ""):
        return False
    return not place.instance or (row[_INSTANCE] or "1") == place.instance
