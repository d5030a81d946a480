"""content=project, project_settings, project_xml, version (B.13, B.19)."""

from __future__ import annotations

from dataclasses import replace
from functools import partial

from sandbox.exports.answer import stream_clinical
from sandbox.numbers import read_number
from sandbox.odm.write import write_project
from sandbox.payload import read_object_or_rows
from sandbox.project.model import Project
from sandbox.render import Answer, Stream, plain, table, to_json
from sandbox.session import Session
from sandbox.setup.creation import PURPOSES

# API name and element of project XML, '' where the XML has none; in the order of the export.
_SETTINGS = {
    "project_language": "",
    "purpose": "Purpose",
    "purpose_other": "PurposeOther",
    "project_notes": "ProjectNotes",
    "custom_record_label": "CustomRecordLabel",
    "secondary_unique_field": "SecondaryUniqueField",
    "surveys_enabled": "SurveysEnabled",
    "scheduling_enabled": "SchedulingEnabled",
    "record_autonumbering_enabled": "RecordAutonumberingEnabled",
    "randomization_enabled": "RandomizationEnabled",
    "project_irb_number": "",
    "project_grant_number": "",
    "project_pi_firstname": "",
    "project_pi_lastname": "",
    "project_pi_email": "",
    "display_today_now_button": "DisplayTodayNowButton",
    "bypass_branching_erase_field_prompt": "PreventBranchingEraseValues",
    "missing_data_codes": "MissingDataCodes",
}
_DEFAULTS = {"project_language": "English", "purpose": "0", "display_today_now_button": "1"}
_NUMBERS = frozenset(
    {
        "purpose",
        "surveys_enabled",
        "scheduling_enabled",
        "record_autonumbering_enabled",
        "randomization_enabled",
        "display_today_now_button",
        "bypass_branching_erase_field_prompt",
    }
)
_COLUMNS = (
    "project_id",
    "project_title",
    "creation_time",
    "production_time",
    "in_production",
    "project_language",
    "purpose",
    "purpose_other",
    "project_notes",
    "custom_record_label",
    "secondary_unique_field",
    "is_longitudinal",
    "has_repeating_instruments_or_events",
    "surveys_enabled",
    "scheduling_enabled",
    "record_autonumbering_enabled",
    "randomization_enabled",
    "ddp_enabled",
    "project_irb_number",
    "project_grant_number",
    "project_pi_firstname",
    "project_pi_lastname",
    "project_pi_email",
    "display_today_now_button",
    "missing_data_codes",
    "external_modules",
    "bypass_branching_erase_field_prompt",
)
_IMPORTABLE = (set(_SETTINGS) - {"missing_data_codes"}) | {"project_title", "is_longitudinal"}
PI_EMAIL_SINCE = (15, 8, 2)
# The recording of 9.1.3 has none of these, and repeating at the end; when that changed is not known.
NEW_COLUMNS_SINCE = (10,)
_NEW_COLUMNS = ("missing_data_codes", "external_modules", "bypass_branching_erase_field_prompt")


def export_project(session: Session) -> Answer:
    """Describe the project: in json one object, no list."""
    names = _columns(session.version)
    cells = {**_facts(session.project), **_settings(session.project)}
    row = [cells[name] for name in names]
    if session.call.format == "json":
        return Answer(to_json(dict(zip(names, row, strict=True))), "json")
    return table(names, [row], fmt=session.call.format, root="items")


def _columns(version: tuple[int, ...]) -> list[str]:
    if version < NEW_COLUMNS_SINCE:
        moved = "has_repeating_instruments_or_events"
        return [name for name in _COLUMNS if name not in (*_NEW_COLUMNS, "project_pi_email", moved)] + [moved]
    return [name for name in _COLUMNS if name != "project_pi_email" or version >= PI_EMAIL_SINCE]


def _facts(project: Project) -> dict[str, str | int]:
    return {
        "project_id": project.project_id,
        "project_title": project.title,
        "creation_time": project.created,
        "production_time": project.production_time,
        "in_production": int(project.in_production),
        "is_longitudinal": int(project.is_longitudinal),
        "has_repeating_instruments_or_events": int(project.is_repeating),
        "ddp_enabled": 0,
        "external_modules": "",
    }


def _settings(project: Project) -> dict[str, str | int]:
    found: dict[str, str | int] = {}
    for name, tag in _SETTINGS.items():
        text = project.settings.get(tag or name, "") or _DEFAULTS.get(name, "")
        found[name] = int(read_number(text)) if name in _NUMBERS else text
    return found


def import_settings(session: Session) -> Answer:
    """Change settings; answers how many values were accepted, changed or not."""
    rows = read_object_or_rows(session.call)
    project = session.project
    given = {
        name: value
        for name, value in (rows[0] if rows else {}).items()
        if _is_accepted(project, name, value=value)
    }
    settings = dict(project.settings)
    for name, value in given.items():
        if name in _SETTINGS:
            settings[_SETTINGS[name] or name] = value
    project = replace(
        project,
        title=given.get("project_title", project.title),
        longitudinal=given.get("is_longitudinal", str(int(project.longitudinal))) == "1",
        settings=settings,
    )
    session.save(project)
    session.log_design("Import project settings (API)")
    return plain(len(given))


def _is_accepted(project: Project, name: str, *, value: str) -> bool:
    match name:
        case "project_title":
            return bool(value.strip())
        case "purpose":
            return value in PURPOSES
        case "secondary_unique_field":
            return not value or value in project.field_by_name
        case _ if name in _NUMBERS or name == "is_longitudinal":
            return value in ("0", "1")
        case _:
            return name in _IMPORTABLE


def export_xml(session: Session) -> Answer:
    """Export the project as XML, with data unless returnMetadataOnly is set."""
    session.log("export", "Data Export (API) ", details="Export project XML (API)")
    if session.call.flag("returnMetadataOnly"):
        return Answer(Stream(write_project(session, None), close=_nothing_to_close), "xml")
    with_files = session.call.flag("exportFiles")
    return stream_clinical(session, partial(write_project, session), with_files=with_files)


def _nothing_to_close() -> None:
    """The structure is made of what is in memory."""


def export_version(session: Session) -> Answer:
    """Answer the version alone."""
    return plain(".".join(str(part) for part in session.version))
