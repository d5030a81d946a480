"""Which columns an export has: filters, rights, pseudo columns (C.2, C.3, C.13)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby

from sandbox.call import Call
from sandbox.errors import bad_values
from sandbox.people.rights import DEIDENTIFIED, FULL, NO_ACCESS, Member
from sandbox.project.field import Column, Field
from sandbox.project.model import Project

PSEUDO = (
    "redcap_event_name",
    "redcap_repeat_instrument",
    "redcap_repeat_instance",
    "redcap_data_access_group",
    "redcap_survey_identifier",
)
TIMESTAMP = "timestamp"
# Since 13.4.10 asking for pseudo fields by name is an error.
STRICT_PSEUDO = (13, 4, 10)


@dataclass(frozen=True)
class Selection:
    """The chosen data columns, and which others come with them; event and repeat columns follow the id."""

    columns: tuple[Column, ...]
    has_id: bool
    has_group: bool
    has_identifier: bool


def select_columns(project: Project, call: Call, *, member: Member, version: tuple[int, ...]) -> Selection:
    """Choose columns by `fields` and `forms` (union), in project order, as far as rights go."""
    wanted = _wanted_fields(project, call, version=version)
    forms = {name for name in call.names("forms") if name in project.form_order}
    is_everything = not wanted and not forms
    surveys = call.flag("exportSurveyFields") and bool(project.surveys)
    columns: list[Column] = []
    for form, found in groupby(project.columns, lambda column: column.field.form_name):
        whole = is_everything or form in forms
        chosen = [column for column in found if whole or column.field.field_name in wanted]
        # A survey's timestamp comes with any of its fields (help text of exportSurveyFields).
        if surveys and chosen and form in project.surveys:
            columns.append(_timestamp(form))
        columns += chosen
    allowed = [one for one in columns if _is_allowed(project, one.field, member=member)]
    if call.flag("combineCheckboxOptions") and call.text("type") != "eav":
        allowed = _combined(allowed)
    return Selection(
        columns=tuple(allowed),
        has_id=any(one.name == project.id_field for one in allowed),
        has_group=call.flag("exportDataAccessGroups") and bool(project.groups) and member.group_id is None,
        has_identifier=surveys and member.export_level(project.fields[0].form_name) == FULL,
    )


def _wanted_fields(project: Project, call: Call, *, version: tuple[int, ...]) -> set[str]:
    names = call.names("fields")
    if version < STRICT_PSEUDO:
        names = tuple(name for name in names if name not in PSEUDO)
    bad = [name for name in names if name not in project.field_by_name]
    if bad:
        raise bad_values("fields", bad)
    return set(names)


def _combined(columns: Sequence[Column]) -> list[Column]:
    """Make one column of all options of a checkbox."""
    names = {one.field.field_name if one.code else one.name: one.field for one in columns}
    return [Column(name, one, "") for name, one in names.items()]


def _timestamp(form: str) -> Column:
    name = f"{form}_timestamp"
    return Column(name, Field(name, form, field_type=TIMESTAMP), "")


def _is_allowed(project: Project, one: Field, *, member: Member) -> bool:
    level = member.export_level(one.form_name)
    if level in (FULL, NO_ACCESS) or one.is_status:
        return level != NO_ACCESS
    if one.field_name == project.id_field:
        return True
    if one.identifier:
        return False
    is_free = one.field_type == "notes" or (one.field_type == "text" and not one.validation)
    is_date = one.validation.startswith("date") or one.field_type == TIMESTAMP
    return level != DEIDENTIFIED or not (is_free or is_date)
