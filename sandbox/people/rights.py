"""Who may do what with a token (A.4, B.0, B.11)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Any, NamedTuple

from sandbox.errors import NO_DELETE, NO_EXPORT, NO_GROUPS, NO_IMPORT, ApiError
from sandbox.project.model import Project

FLAGS = (
    "design",
    "alerts",
    "user_rights",
    "data_access_groups",
    "reports",
    "stats_and_charts",
    "manage_survey_participants",
    "calendar",
    "data_import_tool",
    "data_comparison_tool",
    "logging",
    "email_logging",
    "file_repository",
    "data_quality_create",
    "data_quality_execute",
    "data_quality_resolution",
    "api_export",
    "api_import",
    "api_modules",
    "mobile_app",
    "mobile_app_download_data",
    "record_create",
    "record_rename",
    "record_delete",
    "lock_records_all_forms",
    "lock_records",
    "lock_records_customization",
    "mycap_participants",
    "random_setup",
    "random_dashboard",
    "random_perform",
)
# Flags with more than yes and no; 2 of `user_rights` is to read only.
MOST = {"user_rights": 2, "lock_records": 2, "data_quality_resolution": 5}
ALL_RIGHTS = {name: 1 for name in FLAGS} | {"lock_records_all_forms": 0, "lock_records": 0}
EDIT_USERS = "user_rights_edit"
NO_ACCESS, FULL, DEIDENTIFIED, NO_IDENTIFIERS = 0, 1, 2, 3
# Data entry since 15.6: bits on top of 128.
NO_ENTRY, READ, EDIT, EDIT_RESPONSES, DELETE_FORM = 128, 1, 2, 8, 16
_OLD_ENTRY = {0: NO_ENTRY, 1: NO_ENTRY + EDIT, 2: NO_ENTRY + READ, 3: NO_ENTRY + EDIT + EDIT_RESPONSES}


class Refusal(NamedTuple):
    """What somebody gets to read who lacks a right."""

    text: str
    status: int = 403


_REFUSALS = {
    "api_export": Refusal(NO_EXPORT),
    "api_import": Refusal(NO_IMPORT),
    "record_delete": Refusal(NO_DELETE),
    "data_access_groups": Refusal(NO_GROUPS, 400),
    # The texts from here on were not recorded (J.1).
    "record_rename": Refusal("You do not have Rename Record privileges"),
    "design": Refusal("You do not have Project Design and Setup privileges"),
    "user_rights": Refusal("You do not have User Rights privileges"),
    EDIT_USERS: Refusal("You do not have User Rights privileges"),
    "logging": Refusal("You do not have Logging privileges"),
    "file_repository": Refusal("You do not have File Repository privileges"),
    "manage_survey_participants": Refusal("You do not have Survey Distribution Tools privileges"),
    "random_perform": Refusal("You do not have Randomization privileges"),
}


@dataclass(frozen=True)
class Rights:
    """Flags, and levels by form; forms that the mappings do not name have full rights.

    Data entry levels are those from 15.6 on, which say more than the older ones.
    """

    flags: Mapping[str, int] = field(default_factory=lambda: dict(ALL_RIGHTS))
    forms: Mapping[str, int] = field(default_factory=dict)
    forms_export: Mapping[str, int] = field(default_factory=dict)


_RIGHTS = frozenset(one.name for one in fields(Rights))


@dataclass(frozen=True)
class Role:
    """Rights that several users of a project share."""

    role_id: int
    unique_name: str
    label: str
    rights: Rights = field(default_factory=Rights)


@dataclass(frozen=True)
class Member:
    """A user of one project; `role` is the unique name of one whose rights stand above their own."""

    username: str
    rights: Rights = field(default_factory=Rights)
    group_id: int | None = None
    email: str = ""
    firstname: str = ""
    lastname: str = ""
    expiration: str = ""
    role: str = ""

    def may(self, right: str) -> bool:
        if right == EDIT_USERS:
            return self.rights.flags.get("user_rights", 0) == 1
        return self.rights.flags.get(right, 0) > 0

    def require(self, right: str) -> None:
        """Refuse with REDCap's text unless the user has the right."""
        if not self.may(right):
            raise ApiError(*_REFUSALS[right])

    def export_level(self, form: str) -> int:
        return self.rights.forms_export.get(form, FULL)

    def sees_nothing(self, project: Project) -> bool:
        return all(self.export_level(form.name) == NO_ACCESS for form in project.forms)

    def is_expired(self, today: str) -> bool:
        """Tell whether the expiration date is before today (ISO)."""
        return "" < self.expiration < today


def member_from(username: str, body: Mapping[str, Any]) -> Member:
    """Read a member from plain data, in which the rights lie flat."""
    about = {name: value for name, value in body.items() if name not in _RIGHTS}
    return Member(username, rights_from(body), **about)


def rights_from(body: Mapping[str, Any]) -> Rights:
    """Read rights from plain data; flags that it does not name are given."""
    flags = {**ALL_RIGHTS, **body.get("flags", {})}
    forms = {form: entry_level(level) for form, level in body.get("forms", {}).items()}
    return Rights(flags, forms, body.get("forms_export", {}))


def entry_level(code: int) -> int:
    """Return a level of data entry in the bits of 15.6, which leave the older codes free."""
    return _OLD_ENTRY.get(code, code)


def old_entry_level(level: int) -> int:
    """Return a level of data entry as servers before 15.6 spell it."""
    if level & EDIT:
        return 3 if level & EDIT_RESPONSES else 1
    return 2 if level & READ else 0
