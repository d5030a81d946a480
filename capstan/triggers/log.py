"""REDCap's log: what happened to which record, by which way, and when.

A row of the log has no event and no id, and its time has no seconds. Source: B.16, D.12.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from zoneinfo import ZoneInfo

SURVEY_RESPONDENT = "[survey respondent]"
MINUTE = timedelta(minutes=1)

# Since version 12 `Update record (API) 5`, before it `Updated Record (API) 5`.
_ACTION = re.compile(
    r"(create|update|delete)d? (?:record|(?:survey )?response)\b *(.*)", re.IGNORECASE | re.DOTALL
)
_WAY = re.compile(r"\(([^()]*)\)(?: (.*))?", re.DOTALL)
_FIELD = re.compile(r"(?:^|,\s*)([a-z][a-z0-9_]*)(?:\([^()]*\))? = (?='|checked|unchecked)")
_INSTANCE = re.compile(r"\[instance = ([0-9]+)\](?:,\s*)?")
_ASSIGNED = "Assign record to Data Access Group"


class Happened(StrEnum):
    """What happened to a record."""

    CREATED = "created"
    UPDATED = "updated"
    DELETED = "deleted"
    RENAMED = "renamed"


class Way(StrEnum):
    """How it happened; only a form and a survey fire a trigger."""

    FORM = "form"
    SURVEY = "survey"
    API = "api"
    IMPORT = "import"
    COMPUTED = "computed"
    OTHER = "other"


_WAYS: Mapping[str, Way] = {
    "": Way.FORM,
    "api": Way.API,
    "import": Way.IMPORT,
    "data import tool": Way.IMPORT,
    "auto calculation": Way.COMPUTED,
}
FIRING = frozenset({Way.FORM, Way.SURVEY})


@dataclass(frozen=True)
class LogRow:
    """One thing that happened to a record, at some time from `begins` until before `ends`.

    `former` is the name that the action has, where the record was renamed later; `fields` are those that
    it touched, None where the row does not tell.
    """

    begins: datetime
    ends: datetime
    happened: Happened
    way: Way
    record: str = field(repr=False)
    former: str = field(repr=False)
    fields: frozenset[str] | None

    @property
    def fires(self) -> bool:
        """Whether REDCap sends a trigger for it."""
        saved = self.happened in (Happened.CREATED, Happened.UPDATED)
        return saved and self.way in FIRING and self.fields != frozenset()


def read_log(rows: Iterable[Mapping[str, str]], *, record_field: str, zone: ZoneInfo) -> Iterator[LogRow]:
    """Read what happened to records out of rows of the log; other rows are left out.

    `zone` is the server's. In the hour that the clock goes through twice, `begins` and `ends` leave open
    which of both it was.
    """
    for row in rows:
        found = _ACTION.fullmatch(row["action"].strip())
        # Rows without a record tell of the project, not of a record.
        if found and row["record"]:
            yield _row(row, verb=found[1].lower(), rest=found[2], record_field=record_field, zone=zone)


def _row(row: Mapping[str, str], *, verb: str, rest: str, record_field: str, zone: ZoneInfo) -> LogRow:
    begins, ends = _minute(row["timestamp"], zone=zone)
    record, details = row["record"], row["details"]
    way, former = _way(rest, record=record)
    is_survey = way is Way.FORM and row["username"] == SURVEY_RESPONDENT
    happened = {"create": Happened.CREATED, "update": Happened.UPDATED, "delete": Happened.DELETED}[verb]
    names = [f"{record_field} = '{name}'" for name in (record, former) if name]
    if happened is Happened.UPDATED and details.strip() in names:
        happened = Happened.RENAMED
    way = Way.SURVEY if is_survey else way
    return LogRow(begins, ends, happened, way, record, former, _fields(details))


def _way(rest: str, *, record: str) -> tuple[Way, str]:
    """The way, and the record's name in the action where it is another than it has now."""
    if rest == record:
        # A record may be called (API) itself.
        return Way.FORM, ""
    found = _WAY.fullmatch(rest)
    way, name = (found[1], found[2] or "") if found else ("", rest)
    return _WAYS.get(way.strip().lower(), Way.OTHER), "" if name in (record, "") else name


def _fields(details: str) -> frozenset[str] | None:
    text = _INSTANCE.sub("", details.strip(), count=1)
    if text.startswith(_ASSIGNED):
        return frozenset()
    # A value may look like another field: too many fields do no harm, a missing one would.
    return frozenset(_FIELD.findall(text)) or None


def _minute(text: str, *, zone: ZoneInfo) -> tuple[datetime, datetime]:
    local = datetime.fromisoformat(text).replace(second=0, microsecond=0)
    both = [local.replace(tzinfo=zone, fold=fold).astimezone(UTC) for fold in (0, 1)]
    return min(both), max(both) + MINUTE
