"""Which columns an export has: filters, rights, pseudo columns (C.2, C.3, C.13)."""

from __future__ import annotations

from dataclasses import dataclass

from sandbox.call import Call
from sandbox.errors import bad_values
from sandbox.model import Column, Field, Project
from sandbox.rights import DEIDENTIFIED, FULL, NO_ACCESS, Member

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
    """The chosen data columns; `is_partial` when only some fields were asked for without the id."""

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
    for form in project.forms:
        whole = is_everything or form.name in forms
        if surveys and whole and form.name in project.surveys:
            columns.append(_timestamp(form.name))
        columns += [
            column
            for column in project.columns
            if column.field.form_name == form.name and (whole or column.field.field_name in wanted)
        ]
    allowed = tuple(one for one in columns if _is_allowed(project, one.field, member=member))
    return Selection(
        columns=allowed,
        has_id=any(one.name == project.id_field for one in allowed),
        has_group=call.flag("exportDataAccessGroups") and bool(project.groups) and member.group_id is None,
        has_identifier=surveys,
    )


def all_columns(project: Project) -> Selection:
    """Select everything that is stored, for the logic's frame."""
    return Selection(project.columns, has_id=True, has_group=False, has_identifier=False)


def _wanted_fields(project: Project, call: Call, *, version: tuple[int, ...]) -> set[str]:
    names = call.names("fields")
    if version < STRICT_PSEUDO:
        names = tuple(name for name in names if name not in PSEUDO)
    bad = [name for name in names if name not in project.field_by_name]
    if bad:
        raise bad_values("fields", bad)
    return set(names)


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
    is_date = one.validation.startswith("date")
    return level != DEIDENTIFIED or not (is_free or is_date)
