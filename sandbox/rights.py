"""Who may do what with a token (A.4, B.0, B.11)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from sandbox.errors import NO_DELETE, NO_EXPORT, NO_IMPORT, ApiError
from sandbox.model import Project

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
)
ALL_RIGHTS = {name: 1 for name in FLAGS} | {"lock_records_all_forms": 0, "lock_records": 0}
NO_ACCESS, FULL, DEIDENTIFIED, NO_IDENTIFIERS = 0, 1, 2, 3
_REFUSALS = {"api_export": NO_EXPORT, "api_import": NO_IMPORT, "record_delete": NO_DELETE}


@dataclass(frozen=True)
class Member:
    """A user of one project; forms that the mappings do not name have full rights."""

    username: str
    flags: Mapping[str, int] = field(default_factory=lambda: dict(ALL_RIGHTS))
    forms: Mapping[str, int] = field(default_factory=dict)
    forms_export: Mapping[str, int] = field(default_factory=dict)
    group_id: int | None = None
    email: str = ""
    firstname: str = ""
    lastname: str = ""
    expiration: str = ""

    def may(self, right: str) -> bool:
        return self.flags.get(right, 0) > 0

    def require(self, right: str) -> None:
        """Refuse with REDCap's text unless the user has the right."""
        if not self.may(right):
            words = right.replace("_", " ").title()
            raise ApiError(_REFUSALS.get(right, f"You do not have {words} privileges"), 403)

    def export_level(self, form: str) -> int:
        return self.forms_export.get(form, FULL)

    def sees_nothing(self, project: Project) -> bool:
        return all(self.export_level(form.name) == NO_ACCESS for form in project.forms)


def member_from(username: str, body: Mapping[str, Any]) -> Member:
    """Read a member as the store keeps it."""
    return Member(username, **{**body, "flags": {**ALL_RIGHTS, **body.get("flags", {})}})
