"""What REDCap tells about values: why some are refused, and what it takes with a remark (D.5)."""

from __future__ import annotations

from sandbox.imports.saving import FormRefused
from sandbox.imports.validation import GENERIC
from sandbox.pages.entry import Entry
from sandbox.pages.moments import order_of
from sandbox.project.field import Field, strip_tags
from sandbox.project.model import Project

OUTSIDE = (
    "The value you provided is outside the suggested range ({0} - {1}). This value is admissible, but you "
    "may wish to double check it."
)


def messages(project: Project, refused: FormRefused) -> dict[str, str]:
    """Return why values were refused, by column."""
    columns = project.column_by_name

    def message(name: str, told: str) -> str:
        # An import's text on dates speaks of formats that hold for imports alone.
        return GENERIC if name in columns and order_of(columns[name].field.validation) else told

    return {one.field: message(one.field, one.message) for one in refused.errors}


def notices(entry: Entry) -> list[str]:
    """Return what REDCap tells after a save without refusing it: required blanks, odd numbers."""
    if f"{entry.place.form}_complete" not in entry.values:
        return []
    found: list[str] = []
    for column in entry.columns:
        one, value = column.field, entry.values.get(column.name, "")
        if one.required_field and not value and not column.code:
            found.append(f"{strip_tags(one.field_label)}: a value is required.")
        if value and is_outside(one, value):
            low, high = one.text_validation_min or "any", one.text_validation_max or "any"
            label = strip_tags(one.field_label)
            found.append(f"{label}: {OUTSIDE.format(low, high)}")
    return found


def is_outside(field: Field, value: str) -> bool:
    """Compare numbers as numbers and dates and times, which are stored with leading zeros, as text."""
    low, high = field.text_validation_min, field.text_validation_max
    if field.field_type != "text" or not (low or high):
        return False
    numbers = [_number(text) for text in (value, low or value, high or value)]
    if None not in numbers:
        found, bottom, top = (one or 0.0 for one in numbers)
        return not bottom <= found <= top
    is_moment = field.validation.startswith(("date", "time"))
    return is_moment and not (low or value) <= value <= (high or value)


def _number(text: str) -> float | None:
    try:
        return float(text.replace(",", "."))
    except ValueError:
        return None
