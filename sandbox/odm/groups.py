"""Item groups: how project XML cuts a form's fields into pieces (E.4)."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import NamedTuple

from sandbox.project.field import Field, columns_of
from sandbox.project.model import Project
from sandbox.project.parts import Form


class Item(NamedTuple):
    oid: str
    variable: str
    required: bool


@dataclass
class ItemGroup:
    oid: str
    name: str
    items: list[Item] = field(default_factory=list)


class Extras(NamedTuple):
    """Which pseudo items the XML has."""

    groups: bool
    surveys: bool


def item_groups(project: Project, form: Form, *, extras: Extras) -> list[ItemGroup]:
    """Cut a form where section headers are: a headed field stands alone, the next start anew."""
    found: list[ItemGroup] = []
    starts_new = True
    for one in project.fields_of[form.name]:
        items = _items(one)
        if not items:
            continue
        if starts_new or one.section_header:
            plain_name = "" if one.field_type == "checkbox" else form.label
            found.append(ItemGroup(f"{form.name}.{items[0].oid}", one.section_header or plain_name))
        found[-1].items += items
        starts_new = bool(one.section_header)
        if one.field_name == project.id_field:
            found[-1].items += _pseudo_items(project, form, extras=extras)
            starts_new = _add_timestamp(found, project, form=form, extras=extras)
        elif extras.surveys and len(found) == 1 and len(found[0].items) == len(items):
            _put_timestamp_first(found, project, form=form)
    return found


def _items(one: Field) -> list[Item]:
    """Return a field's items: a checkbox has one per option, and a descriptive field is no column."""
    descriptive = [one.field_name] if one.field_type == "descriptive" else []
    names = descriptive or [column.name for column in columns_of(one)]
    return [Item(name, one.field_name, one.required_field == "y") for name in names]


def _pseudo_items(project: Project, form: Form, *, extras: Extras) -> list[Item]:
    names = ["redcap_data_access_group"] * (extras.groups and bool(project.groups))
    if extras.surveys and project.surveys:
        names.append("redcap_survey_identifier")
        names += [f"{form.name}_timestamp"] * (form.name in project.surveys)
    return [Item(name, name, required=False) for name in names]


def _add_timestamp(found: list[ItemGroup], project: Project, *, form: Form, extras: Extras) -> bool:
    if not extras.surveys or form.name not in project.surveys:
        return False
    found.append(_timestamp_group(form))
    return True


def _put_timestamp_first(found: list[ItemGroup], project: Project, *, form: Form) -> None:
    if form.name in project.surveys:
        found.insert(0, _timestamp_group(form))


def _timestamp_group(form: Form) -> ItemGroup:
    name = f"{form.name}_timestamp"
    return ItemGroup(f"{form.name}.{name}", "", [Item(name, name, required=False)])
