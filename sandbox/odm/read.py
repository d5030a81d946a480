"""Project XML to a project's structure (E.2 to E.7)."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from lxml import etree

from sandbox.model import Arm, Event, Field, Form, Group, Project, Repeat
from sandbox.names import unique_event_name, unique_group_name
from sandbox.odm.text import NAMESPACES, O, R

_TYPES = {"textarea": "notes", "select": "dropdown"}
_VALIDATIONS = {"int": "integer", "float": "number"}
_MODELLED = ("DataAccessGroupsGroup", "RepeatingInstrumentsAndEvents")
_DECLARATION = re.compile(r' xmlns(?::\w+)?="[^"]*"')
NextId = Callable[[], int]


@dataclass(frozen=True)
class Ids:
    """Numbers for what REDCap numbers itself; `take` gives the next one."""

    project_id: int
    take: NextId


def read_project(root: etree._Element, ids: Ids) -> Project:
    """Read everything but data; raises `ValueError` when there is no study in it."""
    study = root.find("o:Study", NAMESPACES)
    version = None if study is None else study.find("o:MetaDataVersion", NAMESPACES)
    if study is None or version is None:
        raise ValueError("no Study")
    forms = tuple(Form(_r(one, "FormName"), one.get("Name", "")) for one in version.findall(f"{O}FormDef"))
    variables = study.find("o:GlobalVariables", NAMESPACES)
    events = _events(version, ids) or (_only_event(ids, forms),)
    return Project(
        project_id=ids.project_id,
        title=study.findtext("o:GlobalVariables/o:StudyName", "", NAMESPACES) or "",
        longitudinal=version.find(f"{O}StudyEventDef") is not None,
        arms=_arms(version) or (Arm(1, "Arm 1"),),
        events=events,
        forms=forms,
        fields=tuple(_fields(version)),
        repeats=tuple(_repeats(variables, version, events=events)),
        groups=_groups(variables, ids),
        surveys=_surveys(variables),
        settings=_settings(variables),
        extra_xml=_extra(variables),
    )


def _r(element: etree._Element, name: str) -> str:
    return element.get(R + name, "")


def _only_event(ids: Ids, forms: tuple[Form, ...]) -> Event:
    return Event(ids.take(), "Event 1", 1, "event_1_arm_1", forms=tuple(form.name for form in forms))


def _arms(version: etree._Element) -> tuple[Arm, ...]:
    found = {int(_r(one, "ArmNum") or 1): _r(one, "ArmName") for one in version.findall(f"{O}StudyEventDef")}
    return tuple(Arm(number, found[number]) for number in sorted(found))


def _events(version: etree._Element, ids: Ids) -> tuple[Event, ...]:
    found: list[Event] = []
    for one in version.findall(f"{O}StudyEventDef"):
        label, arm = _r(one, "EventName"), int(_r(one, "ArmNum") or 1)
        name = _r(one, "UniqueEventName") or unique_event_name(
            label, arm, taken=[event.unique_name for event in found]
        )
        event = Event(
            ids.take(),
            label,
            arm,
            name,
            day_offset=float(_r(one, "DayOffset") or 1),
            offset_min=float(_r(one, "OffsetMin") or 0),
            offset_max=float(_r(one, "OffsetMax") or 0),
            custom_label=_r(one, "CustomEventLabel"),
            forms=tuple(_r(ref, "FormName") for ref in one.findall(f"{O}FormRef")),
        )
        found.append(event)
    return tuple(found)


def _fields(version: etree._Element) -> Iterator[Field]:
    """Yield fields in the order of the item references; ItemGroup names say nothing (E.4)."""
    groups = {one.get("OID"): one for one in version.findall(f"{O}ItemGroupDef")}
    items = {one.get("OID"): one for one in version.findall(f"{O}ItemDef")}
    lists = {one.get("OID"): one for one in version.findall(f"{O}CodeList")}
    seen: set[str] = set()
    for form in version.findall(f"{O}FormDef"):
        name = _r(form, "FormName")
        refs = (
            ref
            for group in form.findall(f"{O}ItemGroupRef")
            for ref in groups[group.get("ItemGroupOID")].findall(f"{O}ItemRef")
        )
        for ref in refs:
            item = items.get(ref.get("ItemOID"))
            variable = "" if item is None else _r(item, "Variable")
            # Pseudo items (access group, survey timestamps) have no field type.
            if (
                item is None
                or variable in seen
                or not _r(item, "FieldType")
                or variable == f"{name}_complete"
            ):
                continue
            seen.add(variable)
            yield _field(item, name, lists=lists)


def _field(item: etree._Element, form: str, *, lists: dict[str | None, etree._Element]) -> Field:
    kind = _r(item, "FieldType")
    kind = _TYPES.get(kind, kind)
    validation = _r(item, "TextValidationType")
    limits = {
        one.get("Comparator"): one.findtext(f"{O}CheckValue", "") for one in item.findall(f"{O}RangeCheck")
    }
    attachment = item.find(f"{R}Attachment")
    return Field(
        field_name=_r(item, "Variable"),
        form_name=form,
        section_header=_r(item, "SectionHeader"),
        field_type=kind,
        field_label=_label(item),
        select_choices_or_calculations=_choices(item, kind, lists=lists),
        field_note=_r(item, "FieldNote"),
        text_validation_type_or_show_slider_number=_VALIDATIONS.get(validation, validation),
        text_validation_min=limits.get("GE") or "",
        text_validation_max=limits.get("LE") or "",
        identifier=_r(item, "Identifier"),
        branching_logic=_r(item, "BranchingLogic"),
        required_field=_r(item, "RequiredField"),
        custom_alignment=_r(item, "CustomAlignment"),
        question_number=_r(item, "QuestionNumber"),
        matrix_group_name=_r(item, "MatrixGroupName"),
        matrix_ranking=_r(item, "MatrixRanking"),
        field_annotation=_r(item, "FieldAnnotation"),
        inline_image=_r(item, "InlineImage"),
        attachment=() if attachment is None else _attachment(attachment),
    )


def _attachment(element: etree._Element) -> tuple[str, ...]:
    return (element.get("DocName", ""), element.get("MimeType", ""), (element.text or "").strip())


def _label(item: etree._Element) -> str:
    question = item.find(f"{O}Question")
    if question is None:
        return ""
    formatted = question.findtext(f"{R}FormattedTranslatedText")
    return formatted if formatted is not None else (question.findtext(f"{O}TranslatedText") or "")


def _choices(item: etree._Element, kind: str, *, lists: dict[str | None, etree._Element]) -> str:
    if kind == "calc":
        return _r(item, "Calculation")
    if kind == "slider":
        return _r(item, "SliderLabels")
    ref = item.find(f"{O}CodeListRef")
    codes = None if ref is None else lists.get(ref.get("CodeListOID"))
    if codes is None or kind not in ("radio", "dropdown", "checkbox"):
        return ""
    if kind == "checkbox":
        return _r(codes, "CheckboxChoices")
    # Metadata exports of projects made from XML show the bar without blanks (B.3).
    return "|".join(
        f"{one.get('CodedValue')}, {one.findtext(f'{O}Decode/{O}TranslatedText') or ''}"
        for one in codes.findall(f"{O}CodeListItem")
    )


def _repeats(
    variables: etree._Element | None, version: etree._Element, *, events: tuple[Event, ...]
) -> Iterator[Repeat]:
    ids = {event.unique_name: event.event_id for event in events}
    inside = (
        [] if variables is None else list(variables.iter(f"{R}RepeatingEvent", f"{R}RepeatingInstrument"))
    )
    whole = [_r(one, "UniqueEventName") for one in inside if one.tag == f"{R}RepeatingEvent"]
    whole += [
        _r(one, "UniqueEventName")
        for one in version.findall(f"{O}StudyEventDef")
        if one.get("Repeating") == "Yes"
    ]
    yield from (Repeat(ids[name]) for name in dict.fromkeys(whole) if name in ids)
    for one in inside:
        name = _r(one, "UniqueEventName")
        if one.tag == f"{R}RepeatingInstrument" and name in ids:
            yield Repeat(ids[name], _r(one, "RepeatInstrument"), _r(one, "CustomLabel"))


def _groups(variables: etree._Element | None, ids: Ids) -> tuple[Group, ...]:
    found: list[Group] = []
    for one in [] if variables is None else variables.iter(f"{R}DataAccessGroups"):
        name = one.get("group_name", "")
        unique = unique_group_name(name, [group.unique_name for group in found])
        found.append(Group(ids.take(), name, unique))
    return tuple(found)


def _surveys(variables: etree._Element | None) -> tuple[str, ...]:
    inside = [] if variables is None else variables.iter(f"{R}Surveys")
    return tuple(one.get("form_name", "") for one in inside if one.get("survey_enabled", "1") == "1")


def _settings(variables: etree._Element | None) -> dict[str, str]:
    plain = [] if variables is None else [one for one in variables if len(one) == 0 and _is_ours(one)]
    return {str(one.tag).removeprefix(R): one.text or "" for one in plain}


def _extra(variables: etree._Element | None) -> tuple[str, ...]:
    groups = [] if variables is None else [one for one in variables if len(one) > 0 and _is_ours(one)]
    kept = (one for one in groups if str(one.tag).removeprefix(R) not in _MODELLED)
    return tuple(_verbatim(one) for one in kept)


def _is_ours(element: etree._Element) -> bool:
    return isinstance(element.tag, str) and element.tag.startswith(R)


def _verbatim(element: etree._Element) -> str:
    # The whole document declares the namespaces once, at its top.
    return _DECLARATION.sub("", etree.tostring(element, encoding="unicode", with_tail=False), count=4)
