"""The forms and fields of project XML (E.4 to E.6)."""

from __future__ import annotations

from collections.abc import Iterator

from lxml import etree

from sandbox.odm.text import O, R, ours
from sandbox.project.field import FIELD_ALIASES, FIELD_TYPES, MAX_OPTIONS, VALIDATION_ALIASES, Field
from sandbox.project.names import field_name, form_name
from sandbox.project.parts import Form

ByOid = dict[str | None, etree._Element]


def read_forms(version: etree._Element) -> tuple[Form, ...]:
    """Read the forms in order, each once."""
    found: dict[str, Form] = {}
    for one in version.findall(f"{O}FormDef"):
        name = form_of(one)
        if name:
            found.setdefault(name, Form(name, one.get("Name", "")))
    return tuple(found.values())


def form_of(element: etree._Element) -> str:
    """Return the name of the form that an element is about."""
    return form_name(ours(element, "FormName") or element.get("FormOID", element.get("OID", ""))[5:])


def read_fields(version: etree._Element) -> Iterator[Field]:
    """Yield fields in the order of the item references; ItemGroup names say nothing (E.4)."""
    groups, items, lists = (_by_oid(version, name) for name in ("ItemGroupDef", "ItemDef", "CodeList"))
    seen: set[str] = set()
    for form in version.findall(f"{O}FormDef"):
        home = form_of(form)
        for item in _items(form, groups=groups, items=items) if home else ():
            name = field_name(ours(item, "Variable"))
            # Pseudo items (access group, survey timestamps) have no field type.
            if not name or name in seen or not ours(item, "FieldType") or name == f"{home}_complete":
                continue
            seen.add(name)
            yield _field(item, name, form=home, lists=lists)


def _by_oid(version: etree._Element, name: str) -> ByOid:
    return {one.get("OID"): one for one in version.findall(f"{O}{name}")}


def _items(form: etree._Element, *, groups: ByOid, items: ByOid) -> Iterator[etree._Element]:
    for group_ref in form.findall(f"{O}ItemGroupRef"):
        # Each group counts once, however often it is referred to.
        group = groups.pop(group_ref.get("ItemGroupOID"), None)
        for ref in [] if group is None else group.findall(f"{O}ItemRef"):
            item = items.get(ref.get("ItemOID"))
            if item is not None:
                yield item


def _field(item: etree._Element, name: str, *, form: str, lists: ByOid) -> Field:
    kind = ours(item, "FieldType")
    kind = FIELD_ALIASES.get(kind, kind)
    validation = ours(item, "TextValidationType")
    limits = {one.get("Comparator"): one.findtext(f"{O}CheckValue") for one in item.findall(f"{O}RangeCheck")}
    attachment = item.find(f"{R}Attachment")
    return Field(
        field_name=name,
        form_name=form,
        section_header=ours(item, "SectionHeader"),
        field_type=kind if kind in FIELD_TYPES else "text",
        field_label=_label(item),
        select_choices_or_calculations=_choices(item, kind, lists=lists),
        field_note=ours(item, "FieldNote"),
        text_validation_type_or_show_slider_number=VALIDATION_ALIASES.get(validation, validation),
        text_validation_min=limits.get("GE") or "",
        text_validation_max=limits.get("LE") or "",
        identifier=ours(item, "Identifier"),
        branching_logic=ours(item, "BranchingLogic"),
        required_field=ours(item, "RequiredField"),
        custom_alignment=ours(item, "CustomAlignment"),
        question_number=ours(item, "QuestionNumber"),
        matrix_group_name=ours(item, "MatrixGroupName"),
        matrix_ranking=ours(item, "MatrixRanking"),
        field_annotation=ours(item, "FieldAnnotation"),
        inline_image=ours(item, "InlineImage"),
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


def _choices(item: etree._Element, kind: str, *, lists: ByOid) -> str:
    if kind == "calc":
        return ours(item, "Calculation")
    if kind == "slider":
        return ours(item, "SliderLabels")
    ref = item.find(f"{O}CodeListRef")
    codes = None if ref is None else lists.get(ref.get("CodeListOID"))
    if codes is None or kind not in ("radio", "dropdown", "checkbox"):
        return ""
    if kind == "checkbox":
        return _options(codes)
    # Metadata exports of projects made from XML show the bar without blanks (B.3).
    return "|".join(
        f"{one.get('CodedValue', '')}, {one.findtext(f'{O}Decode/{O}TranslatedText') or ''}"
        for one in codes.findall(f"{O}CodeListItem")
    )


def _options(codes: etree._Element) -> str:
    text = ours(codes, "CheckboxChoices")
    if text.count("|") >= MAX_OPTIONS:
        raise ValueError("too many options")
    return text
