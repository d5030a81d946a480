"""What a report is, as project XML keeps it, and how one is added (E.2, B.17)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from sandbox.errors import ApiError
from sandbox.numbers import read_whole
from sandbox.project.model import Project
from sandbox.setup.extra_xml import elements, with_element
from sandbox.storage import Store
from sandbox.storage.surveys import random_text

_MAX_ORDERS = 3
_UNIQUE_LENGTH = 10


class Order(NamedTuple):
    """One field that a report is sorted by."""

    field: str
    descending: bool


@dataclass(frozen=True)
class Report:
    """One report; `number` is its id, counted from 1 in the order of the project's list."""

    number: int
    title: str
    unique_name: str
    fields: tuple[str, ...]
    logic: str = ""
    whole_records: bool = False
    groups: tuple[str, ...] = ()
    events: tuple[str, ...] = ()
    orders: tuple[Order, ...] = ()
    output_groups: bool = False
    output_surveys: bool = False
    output_missing_codes: bool = False
    output_repeats: bool = True
    combine_checkboxes: bool = False
    join_lines: bool = False


def reports_of(project: Project) -> list[Report]:
    """Return the project's reports in order."""
    found = sorted(elements(project, "Reports"), key=_place)
    return [_read(number, one) for number, one in enumerate(found, start=1)]


def find_report(project: Project, name: str) -> Report:
    """Return the report with an id or a unique name; raises `ApiError` when there is none."""
    for one in reports_of(project):
        if name in (str(one.number), one.unique_name):
            return one
    # This text was not recorded (J.1).
    raise ApiError('The value of the parameter "report_id" is not valid')


def add_report(
    store: Store,
    project: Project,
    *,
    title: str,
    fields: Sequence[str],
    logic: str = "",
    options: Mapping[str, str] | None = None,
) -> Report:
    """Add a report; `options` are further attributes as project XML spells them (`output_dags="1"`)."""
    unknown = [name for name in fields if name not in project.field_by_name]
    if unknown or not fields:
        raise ApiError(f"A report has one or more fields of the project, not: {', '.join(unknown)}")
    attributes = {
        "title": title,
        "unique_report_name": f"R-{random_text(_UNIQUE_LENGTH)}",
        "report_order": str(len(reports_of(project)) + 1),
        "orderby_field1": project.id_field,
        "orderby_sort1": "ASC",
        "advanced_logic": logic,
        "filter_type": "EVENT",
        **(options or {}),
        "redcap_reports_fields": ",".join(fields),
    }
    project = with_element(project, "Reports", attributes=attributes)
    store.projects.save(project)
    return reports_of(project)[-1]


def _place(attributes: Mapping[str, str]) -> int:
    return read_whole(attributes.get("report_order", ""), 0)


def _read(number: int, one: Mapping[str, str]) -> Report:
    return Report(
        number=number,
        title=one.get("title", ""),
        unique_name=one.get("unique_report_name", ""),
        fields=_names(one, "redcap_reports_fields"),
        logic=_logic(one),
        whole_records=one.get("filter_type") == "RECORD",
        groups=_names(one, "redcap_reports_filter_dags"),
        events=_names(one, "redcap_reports_filter_events"),
        orders=tuple(_orders(one)),
        output_groups=one.get("output_dags") == "1",
        output_surveys=one.get("output_survey_fields") == "1",
        output_missing_codes=one.get("output_missing_data_codes", "1") == "1",
        output_repeats=one.get("report_display_include_repeating_fields", "1") == "1",
        combine_checkboxes=one.get("combine_checkbox_values") == "1",
        join_lines=one.get("remove_line_breaks_in_values") == "1",
    )


def _logic(one: Mapping[str, str]) -> str:
    found = [text for name in ("advanced_logic", "limiter_logic") if (text := one.get(name, "").strip())]
    # Logic may end with a comment, which a line break ends.
    return found[0] if len(found) == 1 else " and ".join(f"({text}\n)" for text in found)


def _orders(one: Mapping[str, str]) -> list[Order]:
    pairs = ((one.get(f"orderby_field{n}"), one.get(f"orderby_sort{n}")) for n in range(1, _MAX_ORDERS + 1))
    return [Order(field, sort == "DESC") for field, sort in pairs if field]


def _names(one: Mapping[str, str], name: str) -> tuple[str, ...]:
    return tuple(part.strip() for part in one.get(name, "").split(",") if part.strip())
