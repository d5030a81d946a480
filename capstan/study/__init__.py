"""The study: one folder's `study.yaml`, read strictly, with errors that say file, place and remedy."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from datetime import date
from pathlib import Path
from typing import Annotated, Any, Literal, Self
from zoneinfo import ZoneInfo

from pydantic import AfterValidator, Field, ValidationError
from yaml import YAMLError

from capstan.errors import StudyError
from capstan.periods import Period
from capstan.study.messages import Inbound, Message
from capstan.study.messaging import Messaging
from capstan.study.monitors import Monitor
from capstan.study.notices import Notify, Partner
from capstan.study.page import StudyPage
from capstan.study.parts import NAME, AddressText, CodeText, Part, PeriodText, TokenSource, ZoneText
from capstan.study.probes import Probe
from capstan.study.quality import Quality
from capstan.study.quiet import QuietText
from capstan.study.receiver import Receiver
from capstan.study.schedules import Schedules
from capstan.study.sessions import Sessions
from capstan.study.triggers import TriggerRule
from capstan.study.yaml import read_yaml

_VARIABLE = re.compile(r"\$\{([A-Za-z_][A-Za-z0-9_]*)\}")


class ProjectIdentity(Part):
    """What the token must open; anything else is refused. `host` is for an address that a variable gives."""

    id: int
    title: str
    status: Literal["development", "production"]
    host: str = ""


class Redcap(Part):
    """Which server and project.

    `timezone` is the server's, where it is not the study's; `batch_rows` is how many rows one import sends.
    `quiet` is when no run asks it, in the study's zone. Where there is a `write_token`, only it writes, and
    `token` only reads.
    """

    url: AddressText
    timezone: ZoneText = ""
    batch_rows: int = Field(default=1000, ge=1)
    quiet: tuple[QuietText, ...] = ()
    token: TokenSource
    write_token: TokenSource | None = None
    project: ProjectIdentity


class Assignment(Part):
    """The field that says a participant's arm; `arms` maps its codes to arm numbers where they differ."""

    event: str = ""
    field: str
    arms: dict[CodeText, int] = Field(default={})


class Arms(Part):
    """In which arms a participant may have data: the shared ones and the assigned one."""

    shared: tuple[int, ...] = ()
    assigned_by: Assignment | None = None


class VisitFields(Part):
    """Fields on the visit's own event that take what was computed; "" where nothing is to be written."""

    due: str = ""
    opens: str = ""
    closes: str = ""
    status: str = ""


class Visit(Part):
    """One expected visit.

    `event` is an event's unique name, or its part before `_arm_N`, which the participant's arm completes.
    `anchor` is logic that gives a date, `done_when` logic on the visit's own event; `took_place` is the field
    there that holds the day of the visit.
    """

    name: str
    event: str
    anchor: str
    after: PeriodText
    window: tuple[PeriodText, PeriodText] = (Period(), Period())
    done_when: str
    took_place: str = ""
    move: Literal["never", "next workday", "previous workday", "nearest workday"] = "never"
    write: VisitFields = VisitFields()


class Tracking(Part):
    """Fields of the participant, on one event, that sum up the visits."""

    event: str = ""
    pending_visit: str = ""
    last_timestamp: str = ""


class Holidays(Part):
    """Days that are no workdays beside Saturday and Sunday."""

    country: str = ""
    subdivision: str = ""
    days: tuple[str | date, ...] = ()


class Criterion(Part):
    """One condition of eligibility; `reason` is what people read when it is not met."""

    id: str = Field(pattern=NAME)
    rule: str
    reason: str


class EligibilityFields(Part):
    """Fields that take the result."""

    status: str = ""
    reasons: str = ""


class Eligibility(Part):
    """Conditions that a participant must meet, judged on one event."""

    event: str = ""
    criteria: tuple[Criterion, ...] = ()
    write: EligibilityFields = EligibilityFields()


class Limits(Part):
    """How much one run may change before a person must look at it.

    `share` is a part of the project's records from 0 to 1, `field_share` that in which any one field may
    change. Where `blanked` or `new_records` is 0, a row
    that would erase or create is stopped by itself; above 0, the run is held when it would do more.
    `same_value` is how many records may get one and the same value in the place of others.
    Records are deleted or renamed only up to `deleted_records` and `renamed_records`.
    """

    records: int = Field(default=200, ge=0)
    share: float = Field(default=0.2, ge=0, le=1)
    field_share: float = Field(default=1, ge=0, le=1)
    blanked: int = Field(default=0, ge=0)
    new_records: int = Field(default=0, ge=0)
    same_value: int = Field(default=200, ge=1)
    deleted_records: int = Field(default=0, ge=0)
    renamed_records: int = Field(default=0, ge=0)


class Writes(Part):
    """What runs may write: instruments or fields; `protect` wins over `allow`.

    A plan that was held expires after `held_days`. With `only_new` a record that is there already is left
    alone. A project in production is written to only with `production`.
    """

    production: bool = False
    allow: tuple[str, ...] = ()
    protect: tuple[str, ...] = ()
    limits: Limits = Limits()
    stop_run_on_rejection: bool = False
    only_new: bool = False
    held_days: int = Field(default=7, ge=1)


class CheckRule(Part):
    """A condition that rows must meet: where `when` holds (everywhere if blank), `expect` must.

    It is judged on the rows of `event` (any if blank) in which a run changes a field of `forms` (any form if
    empty); rules on dates, ages and sexes wherever it changes a field that the rule reads, and nowhere else:
    there a change is stopped by which another row does not meet the rule any more. `check` is its id in the
    catalogue.
    """

    id: str = Field(pattern=NAME)
    check: Literal[
        "study_rule", "date_order", "age_vs_dob", "sex_specific", "consent_missing", "eligibility"
    ] = "study_rule"
    event: str = ""
    forms: tuple[str, ...] = ()
    when: str = ""
    expect: str
    severity: Literal["", "error", "warning", "note"] = ""
    reason: str


def _is_a_pattern(value: str) -> str:
    try:
        re.compile(value)
    except re.error:
        raise ValueError("must be a regular expression") from None
    return value


class Checks(Part):
    """What this study adds to the checks that its data dictionary gives.

    `slash_dates` says how its files write dates with slashes. `unique` fields have no value twice;
    `same_person` fields are alike in no two records. `record_id_groups` are access groups, each with the
    beginning of its record ids; `sql_choices` are fields with the codes that their queries give.
    """

    not_future: tuple[str, ...] = ()
    not_before: dict[str, date] = Field(default={})
    slash_dates: Literal["", "dmy", "mdy"] = ""
    record_id: Annotated[str, AfterValidator(_is_a_pattern)] = ""
    record_id_digit: Literal["", "luhn", "mod_11_2", "mod_37_2", "mod_97_10"] = ""
    record_id_groups: dict[str, str] = Field(default={})
    sql_choices: dict[str, tuple[str, ...]] = Field(default={})
    unique: tuple[str, ...] = ()
    same_person: tuple[str, ...] = ()
    rules: tuple[CheckRule, ...] = ()


class Study(Part):
    """One study folder."""

    study: str = Field(pattern=NAME)
    title: str
    timezone: ZoneText = "UTC"
    redcap: Redcap
    arms: Arms = Arms()
    visits: tuple[Visit, ...] = ()
    tracking: Tracking = Tracking()
    holidays: Holidays = Holidays()
    eligibility: Eligibility = Eligibility()
    writes: Writes = Writes()
    checks: Checks = Checks()
    quality: Quality = Quality()
    messaging: Messaging = Messaging()
    messages: tuple[Message, ...] = ()
    inbound: Inbound = Inbound()
    notify: Notify = Notify()
    partners: tuple[Partner, ...] = ()
    monitors: tuple[Monitor, ...] = ()
    probes: tuple[Probe, ...] = ()
    receiver: Receiver = Receiver()
    triggers: tuple[TriggerRule, ...] = ()
    sessions: Sessions | None = None
    triggers_revision: int = Field(default=0, ge=0)
    schedules: Schedules = Schedules()
    page: StudyPage = StudyPage()
    retention_days: int = Field(default=90, ge=1)

    @property
    def zone(self) -> ZoneInfo:
        """The study's time zone."""
        return ZoneInfo(self.timezone)

    @property
    def redcap_zone(self) -> ZoneInfo:
        """The time zone in which the server writes its log."""
        return ZoneInfo(self.redcap.timezone or self.timezone)

    @classmethod
    def from_text(cls, text: str, *, source: str, environment: Mapping[str, str]) -> Self:
        """Read a study file's text; `${NAME}` stands for a variable of `environment`.

        Raises StudyError with the file, the place in it and what to do.
        """
        try:
            raw = read_yaml(text)
        except (YAMLError, ValueError) as error:  # ValueError: a date that no calendar has
            raise StudyError(
                f"{source}{_line(error)}: not readable as YAML; check the indentation."
            ) from None
        if not isinstance(raw, dict):
            raise StudyError(f"{source}: must be a mapping that starts with `study: NAME`.")
        try:
            return cls.model_validate(_substituted(raw, source=source, path="", environment=environment))
        except ValidationError as error:
            raise StudyError(_first_problem(error, source=source)) from None


def read_study(folder: Path, *, environment: Mapping[str, str] | None = None) -> Study:
    """Read `study.yaml` of a study folder; raises StudyError where it is absent or wrong."""
    path = folder / "study.yaml"
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        raise StudyError(f"{path}: cannot be read as UTF-8 text; `capstan init` writes a new one.") from None
    study = Study.from_text(
        text, source=str(path), environment=os.environ if environment is None else environment
    )
    if study.study != folder.name:
        raise StudyError(
            f"{path}: study: says {study.study!r}, but the folder is {folder.name!r}; use one name for both."
        )
    return study


def read_template_files(folder: Path) -> dict[str, str]:
    """Read the templates of a study folder by file name; raises StudyError for one that is no UTF-8 text."""
    found = {}
    for path in sorted((folder / "templates").glob("*.j2")):
        try:
            found[path.name] = path.read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError):
            raise StudyError(f"{path}: cannot be read as UTF-8 text; save it as such.") from None
    return found


def find_study(name: str, *, folders: tuple[Path, ...]) -> Path:
    """The folder of a study, searched in `folders` in order; raises StudyError with the names there are."""
    for folder in folders:
        if (folder / name / "study.yaml").is_file():
            return folder / name
    known = sorted({path.parent.name for folder in folders for path in folder.glob("*/study.yaml")})
    listed = ", ".join(known) or "none"
    raise StudyError(f"There is no study named {name!r} (found: {listed}); `capstan init {name}` writes one.")


def _substituted(value: Any, *, source: str, path: str, environment: Mapping[str, str]) -> Any:
    if isinstance(value, dict):
        return {
            key: _substituted(item, source=source, path=f"{path}.{key}".lstrip("."), environment=environment)
            for key, item in value.items()
        }
    if isinstance(value, list):
        return [_substituted(item, source=source, path=path, environment=environment) for item in value]
    if not isinstance(value, str):
        return value
    missing = [name for name in _VARIABLE.findall(value) if name not in environment]
    if missing:
        raise StudyError(f"{source}: {path}: the environment variable {missing[0]} is not set; set it.")
    return _VARIABLE.sub(lambda found: environment[found[1]], value)


def _first_problem(error: ValidationError, *, source: str) -> str:
    problems = error.errors(include_url=False, include_input=False)
    first = problems[0]
    place = ".".join(str(part) for part in first["loc"]) or "study"
    advice = "remove it or check its spelling" if first["type"] == "extra_forbidden" else "correct it"
    message = first["msg"].removeprefix("Value error, ")
    more = f" ({len(problems) - 1} more problems follow.)" if len(problems) > 1 else ""
    return f"{source}: {place}: {message}; {advice}.{more}"


def _line(error: Exception) -> str:
    mark = getattr(error, "problem_mark", None)
    return f" line {mark.line + 1}" if mark else ""
