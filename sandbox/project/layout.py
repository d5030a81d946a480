"""How the logic language sees a project (G)."""

from __future__ import annotations

from capstan.logic import Event as LogicEvent
from capstan.logic import Layout
from sandbox.project.model import Project
from sandbox.project.once import once_per_project


@once_per_project
def layout_of(project: Project) -> Layout:
    """Describe a project to the logic language."""
    names = {one.event_id: one.unique_name if project.is_longitudinal else "" for one in project.events}
    arms = {arm.number: arm.name for arm in project.arms}
    events = tuple(
        LogicEvent(one.unique_name, one.label, one.arm_num, arms.get(one.arm_num, ""))
        for one in project.ordered_events
    )
    checkboxes: dict[str, dict[str, str]] = {}
    for column in project.columns:
        if column.code:
            checkboxes.setdefault(column.field.field_name, {})[column.code] = column.name
    stored = [one for one in project.all_fields if one.field_type != "descriptive"]
    return Layout(
        record_field=project.id_field,
        form_of={one.field_name: one.form_name for one in stored},
        checkboxes=checkboxes,
        choices={one.field_name: one.choices for one in stored if one.choices},
        events=events if project.is_longitudinal else (),
        designated=frozenset(
            (names[event.event_id], form.name)
            for event in project.events
            for form in project.forms
            if project.is_designated(event.event_id, form.name)
        ),
        repeating=frozenset((names[event_id], form) for event_id, form in project.repeating),
        forms={form.name: form.label for form in project.forms},
        validation={one.field_name: one.validation for one in stored},
        missing_codes=frozenset(project.missing_codes),
    )
