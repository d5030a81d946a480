"""User roles in project XML: `UserRoles` elements in and out (E.2)."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator

from lxml import etree

from sandbox.odm.text import R
from sandbox.people.members import new_role_name
from sandbox.people.privileges import Dialect, entry_codes, export_codes
from sandbox.people.rights import NO_ENTRY, Rights, Role, entry_level

# What the API calls a flag, by attribute, in the order of the recordings; '' where the API has none of it.
_ATTRIBUTES = {
    "lock_record": "lock_records",
    "lock_record_multiform": "lock_records_all_forms",
    "lock_record_customize": "lock_records_customization",
    "data_export_tool": "",
    "data_export_instruments": "",
    "data_import_tool": "data_import_tool",
    "data_comparison_tool": "data_comparison_tool",
    "data_logging": "logging",
    "email_logging": "email_logging",
    "file_repository": "file_repository",
    "double_data": "",
    "user_rights": "user_rights",
    "data_access_groups": "data_access_groups",
    "graphical": "stats_and_charts",
    "reports": "reports",
    "design": "design",
    "alerts": "alerts",
    "calendar": "calendar",
    "data_entry": "",
    "api_export": "api_export",
    "api_import": "api_import",
    "api_modules": "api_modules",
    "mobile_app": "mobile_app",
    "mobile_app_download_data": "mobile_app_download_data",
    "record_create": "record_create",
    "record_rename": "record_rename",
    "record_delete": "record_delete",
    "dts": "",
    "participants": "manage_survey_participants",
    "data_quality_design": "data_quality_create",
    "data_quality_execute": "data_quality_execute",
    "data_quality_resolution": "data_quality_resolution",
    "random_setup": "random_setup",
    "random_dashboard": "random_dashboard",
    "random_perform": "random_perform",
    "realtime_webservice_mapping": "",
    "realtime_webservice_adjudicate": "",
    "external_module_config": "",
    "mycap_participants": "mycap_participants",
}
_TEXTS = frozenset({"data_export_tool", "external_module_config"})
_LEVEL = re.compile(r"\[(\w+),(\d{1,3})\]")


def read_roles(variables: etree._Element | None, forms: Collection[str]) -> Iterator[Role]:
    """Yield the roles of an XML's GlobalVariables, not yet numbered."""
    taken: set[str] = set()
    for one in [] if variables is None else variables.iter(f"{R}UserRoles"):
        flags = {flag: _number(one.get(name, "")) for name, flag in _ATTRIBUTES.items() if flag}
        # Up to version 10 one level counted for all forms.
        everywhere = (
            _number(one.get("data_export_tool", "")) if "data_export_instruments" not in one.attrib else 0
        )
        entry = dict.fromkeys(forms, NO_ENTRY) | _levels(one.get("data_entry", ""))
        export = dict.fromkeys(forms, everywhere) | _levels(one.get("data_export_instruments", ""))
        rights = Rights(flags, {form: entry_level(code) for form, code in entry.items()}, export)
        # Older XML does not give roles a unique name.
        name = one.get("unique_role_name") or new_role_name(taken)
        taken.add(name)
        yield Role(0, name, one.get("role_name", ""), rights)


def role_attributes(role: Role, dialect: Dialect) -> dict[str, str]:
    """Return the attributes of a role's element."""
    found = {"role_name": role.label, "unique_role_name": role.unique_name}
    for name, flag in _ATTRIBUTES.items():
        found[name] = str(role.rights.flags.get(flag, 0)) if name not in _TEXTS else ""
    found["data_entry"] = _spell(entry_codes(role.rights, dialect))
    found["data_export_instruments"] = _spell(export_codes(role.rights, dialect))
    return found


def _spell(levels: dict[str, int]) -> str:
    return "".join(f"[{form},{level}]" for form, level in levels.items())


def _levels(text: str) -> dict[str, int]:
    return {form: int(code) for form, code in _LEVEL.findall(text)}


def _number(text: str) -> int:
    return int(text) if text.isascii() and text.isdecimal() and len(text) == 1 else 0
