"""Item definitions and code lists of project XML (E.5, E.6)."""

from __future__ import annotations

from collections.abc import Iterator

from sandbox.odm.groups import Extras, item_groups
from sandbox.odm.text import escape, spell
from sandbox.project.field import FIELD_ALIASES, VALIDATION_ALIASES, Column, Field, strip_tags
from sandbox.project.model import Project

_TYPES = {today: old for old, today in FIELD_ALIASES.items()}
_VALIDATIONS = {today: old for old, today in VALIDATION_ALIASES.items()}
_PSEUDO_LABELS = {
    "redcap_data_access_group": "Data Access Group",
    "redcap_survey_identifier": "Survey Identifier",
}
_OUTSIDE, _ADMISSIBLE = (
    "The value you provided is outside the suggested range",
    "This value is admissible, but",
)
# As 14.7, 9.1 and 8.5 word it.
_RANGE_WISHES = {
    (10,): (_OUTSIDE, f"{_ADMISSIBLE} you may wish to double check it."),
    (9,): (f"{_OUTSIDE}.", f"{_ADMISSIBLE} you may wish to double check it."),
    (0,): (f"{_OUTSIDE}.", f"{_ADMISSIBLE} you may wish to verify."),
}
Lines = Iterator[str]


def item_defs(project: Project, extras: Extras, *, version: tuple[int, ...]) -> Lines:
    """Yield one definition per item reference, pseudo items included."""
    for form in project.forms:
        for item in (item for group in item_groups(project, form, extras=extras) for item in group.items):
            one = project.field_by_name.get(item.variable)
            yield from _pseudo(item.oid) if one is None else _item(one, item.oid, version=version)


def _pseudo(oid: str) -> Lines:
    label = _PSEUDO_LABELS.get(oid, "Survey Timestamp")
    kind = "text" if oid in _PSEUDO_LABELS else "datetime"
    yield f'\t<ItemDef OID="{oid}" Name="{oid}" DataType="{kind}" Length="999" redcap:Variable="{oid}">'
    yield f"\t\t<Question><TranslatedText>{label}</TranslatedText></Question>"
    yield "\t</ItemDef>"


def _item(one: Field, oid: str, *, version: tuple[int, ...]) -> Lines:
    kind, length = _data_type(one)
    is_text = one.field_type == "text"
    validation = _VALIDATIONS.get(one.validation, one.validation) if is_text else one.validation
    attributes = {
        "OID": oid,
        "Name": oid,
        "DataType": kind,
        "Length": length,
        "SignificantDigits": "1" if is_text and one.validation == "number" else "",
        "redcap:Variable": one.field_name,
        "redcap:FieldType": _TYPES.get(one.field_type, one.field_type),
        "redcap:TextValidationType": validation,
        "redcap:SliderLabels": one.select_choices_or_calculations if one.field_type == "slider" else "",
        "redcap:FieldNote": one.field_note,
        "redcap:SectionHeader": one.section_header,
        "redcap:Identifier": one.identifier,
        "redcap:BranchingLogic": one.branching_logic,
        "redcap:RequiredField": one.required_field,
        "redcap:CustomAlignment": one.custom_alignment,
        "redcap:QuestionNumber": one.question_number,
        "redcap:MatrixGroupName": one.matrix_group_name,
        "redcap:MatrixRanking": one.matrix_ranking,
        "redcap:FieldAnnotation": one.field_annotation,
        "redcap:Calculation": one.select_choices_or_calculations if one.field_type == "calc" else "",
        "redcap:InlineImage": one.inline_image,
    }
    given = {name: value for name, value in attributes.items() if value}
    yield f"\t<ItemDef {spell(given)}>"
    yield f"\t\t<Question>{_question(one.field_label)}</Question>"
    if is_text:
        yield from _range(one, version)
    if one.choices:
        yield f'\t\t<CodeListRef CodeListOID="{oid}.choices"/>'
    if one.attachment:
        name, mime, encoded = one.attachment
        yield (
            f'\t\t<redcap:Attachment DocName="{escape(name)}" MimeType="{escape(mime)}">'
            f"<![CDATA[{encoded}]]></redcap:Attachment>"
        )
    yield "\t</ItemDef>"


def _question(label: str) -> str:
    plain = f"<TranslatedText>{escape(strip_tags(label))}</TranslatedText>"
    if "<" not in label:
        return plain
    return f"{plain}<redcap:FormattedTranslatedText>{escape(label)}</redcap:FormattedTranslatedText>"


def _range(one: Field, version: tuple[int, ...]) -> Lines:
    low, high = one.text_validation_min, one.text_validation_max
    wish = next(text for since, text in _RANGE_WISHES.items() if version >= since)
    text = f"{wish[0]} ({low or 'no limit'} - {high or 'no limit'}). {wish[1]}"
    for comparator, limit in (("GE", low), ("LE", high)):
        if limit:
            yield f'\t\t<RangeCheck Comparator="{comparator}" SoftHard="Soft">'
            yield f"\t\t\t<CheckValue>{escape(limit)}</CheckValue>"
            yield f"\t\t\t<ErrorMessage><TranslatedText>{escape(text)}</TranslatedText></ErrorMessage>"
            yield "\t\t</RangeCheck>"


def _data_type(one: Field) -> tuple[str, str]:
    match one.field_type:
        case "checkbox" | "yesno" | "truefalse":
            return "boolean", "1"
        case "radio" | "dropdown":
            return "text", str(max((len(code) for code in one.choices), default=1))
        case "calc":
            return "float", "999"
        case "slider":
            return "integer", "999"
        case "sql":
            return "text", "1"
        case _:
            return _validated_type(one.validation), "999"


def _validated_type(validation: str) -> str:
    if validation.startswith("datetime_seconds"):
        return "datetime"
    if validation.startswith("datetime"):
        return "partialDatetime"
    if validation.startswith("date"):
        return "date"
    if validation.startswith("number") and not validation.endswith("comma_decimal"):
        return "float"
    return {"integer": "integer", "time": "partialTime"}.get(validation, "text")


def code_lists(project: Project) -> Lines:
    """Yield a list for every item with choices; a checkbox has one per option."""
    for column in project.columns:
        if column.field.choices:
            yield from _code_list(column)


def _code_list(column: Column) -> Lines:
    one = column.field
    kind = "boolean" if one.field_type in ("checkbox", "yesno", "truefalse") else "text"
    choices = {"1": "Checked", "0": "Unchecked"} if column.code else one.choices
    extra = f' redcap:CheckboxChoices="{escape(one.select_choices_or_calculations)}"' if column.code else ""
    yield (
        f'\t<CodeList OID="{column.name}.choices" Name="{column.name}" DataType="{kind}" '
        f'redcap:Variable="{one.field_name}"{extra}>'
    )
    for code, label in choices.items():
        yield (
            f'\t\t<CodeListItem CodedValue="{escape(code)}"><Decode><TranslatedText>{escape(label)}'
            "</TranslatedText></Decode></CodeListItem>"
        )
    yield "\t</CodeList>"
