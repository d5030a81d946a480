"""Project XML to a project's structure (E.2 to E.7)."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from lxml import etree

from sandbox.numbers import read_number, read_whole
from sandbox.odm.read_fields import form_of, read_fields, read_forms
from sandbox.odm.text import NAMESPACES, O, R, ours, verbatim
from sandbox.project.model import MAX_EVENTS, Project
from sandbox.project.names import is_name, unique_event_name, unique_group_name
from sandbox.project.parts import Arm, Event, Form, Group, Repeat

_MODELLED = ("DataAccessGroupsGroup", "RepeatingInstrumentsAndEvents", "UserRolesGroup")
CLASSIC_EVENT = "event_1_arm_1"
NextId = Callable[[], int]


@dataclass(frozen=True)
class Ids:
    """Numbers for what REDCap numbers itself; `take` gives the next one."""

    project_id: int
    take: NextId


def read_project(study: etree._Element, ids: Ids) -> Project:
    """Read everything but data; raises `ValueError` when no record id field is in it."""
    version = study.find("o:MetaDataVersion", NAMESPACES)
    variables = study.find("o:GlobalVariables", NAMESPACES)
    fields = () if version is None else tuple(read_fields(version))
    if version is None or not fields or fields[0].field_type != "text":
        raise ValueError("no text field to begin with, which names the records")
    _check_size(variables, version)
    forms = read_forms(version)
    found = tuple(_events(version, ids, forms=forms))
    events = found or (_only_event(ids, forms),)
    return Project(
        project_id=ids.project_id,
        title=study.findtext("o:GlobalVariables/o:StudyName", "", NAMESPACES) or "",
        longitudinal=bool(found),
        arms=_arms(version) or (Arm(1, "Arm 1"),),
        events=events,
        forms=forms,
        fields=fields,
        repeats=tuple(_repeats(variables, version, events=events)),
        groups=_groups(variables, ids),
        surveys=_surveys(variables, forms),
        settings=_settings(variables),
        extra_xml=_extra(variables),
    )


def _check_size(variables: etree._Element | None, version: etree._Element) -> None:
    counts = (len(version.findall(f"{O}StudyEventDef")), len(list(_inside(variables, "DataAccessGroups"))))
    if max(counts) > MAX_EVENTS:
        raise ValueError("too many events or groups")


def _only_event(ids: Ids, forms: Sequence[Form]) -> Event:
    return Event(ids.take(), "Event 1", 1, CLASSIC_EVENT, forms=tuple(form.name for form in forms))


def _arms(version: etree._Element) -> tuple[Arm, ...]:
    found = {_arm(one): ours(one, "ArmName") for one in version.findall(f"{O}StudyEventDef")}
    return tuple(Arm(number, found[number]) for number in sorted(found))


def _arm(event: etree._Element) -> int:
    return read_whole(ours(event, "ArmNum"))


def _events(version: etree._Element, ids: Ids, *, forms: Sequence[Form]) -> Iterator[Event]:
    taken: set[str] = set()
    for one in version.findall(f"{O}StudyEventDef"):
        label, arm = ours(one, "EventName"), _arm(one)
        name = ours(one, "UniqueEventName")
        if not is_name(name) or name in taken:
            name = unique_event_name(label, arm, taken=taken)
        taken.add(name)
        designated = {form_of(ref) for ref in one.findall(f"{O}FormRef")}
        yield Event(
            ids.take(),
            label,
            arm,
            name,
            day_offset=read_number(ours(one, "DayOffset"), 1),
            offset_min=read_number(ours(one, "OffsetMin")),
            offset_max=read_number(ours(one, "OffsetMax")),
            custom_label=ours(one, "CustomEventLabel"),
            forms=tuple(form.name for form in forms if form.name in designated),
        )


def _repeats(
    variables: etree._Element | None, version: etree._Element, *, events: Sequence[Event]
) -> Iterator[Repeat]:
    ids = {event.unique_name: event.event_id for event in events}
    if len(events) == 1:
        # Whatever the only event is called, here it has its name in classic projects.
        ids[CLASSIC_EVENT] = events[0].event_id
    whole = [ours(one, "UniqueEventName") for one in _inside(variables, "RepeatingEvent")]
    whole += [
        ours(one, "UniqueEventName")
        for one in version.findall(f"{O}StudyEventDef")
        if one.get("Repeating") == "Yes"
    ]
    repeating = dict.fromkeys(ids[name] for name in whole if name in ids)
    yield from map(Repeat, repeating)
    forms = {form for event in events for form in event.forms}
    for one in _inside(variables, "RepeatingInstrument"):
        event_id = ids.get(ours(one, "UniqueEventName"))
        form = ours(one, "RepeatInstrument")
        if event_id is not None and event_id not in repeating and form in forms:
            yield Repeat(event_id, form, ours(one, "CustomLabel"))


def _inside(variables: etree._Element | None, name: str) -> Iterator[etree._Element]:
    return iter(()) if variables is None else variables.iter(R + name)


def _groups(variables: etree._Element | None, ids: Ids) -> tuple[Group, ...]:
    found: dict[str, Group] = {}
    for one in _inside(variables, "DataAccessGroups"):
        name = one.get("group_name", "")
        unique = unique_group_name(name, found)
        found[unique] = Group(ids.take(), name, unique)
    return tuple(found.values())


def _surveys(variables: etree._Element | None, forms: Sequence[Form]) -> tuple[str, ...]:
    enabled = {
        one.get("form_name", "")
        for one in _inside(variables, "Surveys")
        if one.get("survey_enabled", "1") == "1"
    }
    return tuple(form.name for form in forms if form.name in enabled)


def _settings(variables: etree._Element | None) -> dict[str, str]:
    return {etree.QName(one).localname: one.text or "" for one in _own(variables) if _is_plain(one)}


def _extra(variables: etree._Element | None) -> tuple[str, ...]:
    kept = (one for one in _own(variables) if not _is_plain(one))
    return tuple(verbatim(one) for one in kept if etree.QName(one).localname not in _MODELLED)


def _own(variables: etree._Element | None) -> list[etree._Element]:
    found = [] if variables is None else list(variables)
    return [one for one in found if isinstance(one.tag, str) and one.tag.startswith(R)]


def _is_plain(element: etree._Element) -> bool:
    return len(element) == 0 and not element.attrib
