"""Parameters: what people may give to flows, typed, bounded and titled, so that Prefect makes forms of it.

Prefect keeps parameters and shows them, so none of them may say who a participant is.
"""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated, Any

from pydantic import BeforeValidator, Field
from pydantic.fields import FieldInfo

from capstan.study.parts import NAME
from tasks.references import REFERENCE

_MOST = 10_000_000
_EVENT = r"^[a-z0-9_]{0,100}$"
_FIELD = r"^[a-z][a-z0-9_]*$"


def _listed(value: object) -> object:
    """Let a terminal give several names as one text: `-p messages=first,second`."""
    if not isinstance(value, str):
        return value
    return [name for part in value.split(",") if (name := part.strip())]


def titled(title: str, **more: Any) -> FieldInfo:
    """A field of a form; Prefect itself would take the parameter's name for its title."""
    made: FieldInfo = Field(json_schema_extra={"title": title}, **more)
    return made


StudyName = Annotated[str, titled("Study", pattern=NAME, max_length=100)]
DryRun = Annotated[bool, titled("Dry run")]
Participant = Annotated[str, titled("One participant", pattern=REFERENCE)]
EventName = Annotated[str, titled("One event", pattern=_EVENT)]
FormName = Annotated[str, titled("Form", pattern=_FIELD, max_length=100)]
Day = Annotated[date | None, titled("Day to compute for")]
Since = Annotated[datetime | None, titled("Changes since")]
Everybody = Annotated[bool, titled("Everybody")]
Triggered = Annotated[bool, titled("Only those whom triggers named")]
Condition = Annotated[str, titled("Only where this logic holds", max_length=5000)]
BatchSize = Annotated[int, titled("Items per export", ge=1, le=1000)]

MaxRecords = Annotated[int | None, titled("At most so many records", ge=0, le=_MOST)]
MaxShare = Annotated[float | None, titled("At most this share of all records", ge=0, le=1)]
MaxBlanked = Annotated[int | None, titled("At most so many values erased", ge=0, le=_MOST)]
MaxNewRecords = Annotated[int | None, titled("At most so many new records", ge=0, le=_MOST)]
MaxMessages = Annotated[int | None, titled("At most so many messages", ge=0, le=_MOST)]

_Name = Annotated[str, Field(pattern=NAME)]
MessageIds = Annotated[list[_Name], BeforeValidator(_listed), titled("Only these messages")]
MonitorIds = Annotated[list[_Name], BeforeValidator(_listed), titled("Only these monitors")]
StudyNames = Annotated[list[_Name], BeforeValidator(_listed), titled("Only these studies")]
PartnerName = Annotated[str, titled("One partner", pattern=f"^$|{NAME}")]

FilePath = Annotated[str, titled("Path of the file", min_length=1, max_length=1000)]
EraseBlanks = Annotated[bool, titled("Blank cells erase")]
PlanDigest = Annotated[str, titled("The held plan", pattern="^[0-9a-f]{1,64}$")]
PersonName = Annotated[str, titled("Approved by", max_length=100)]
Reason = Annotated[str, titled("Reason", max_length=1000)]
RunId = Annotated[str, titled("The run to undo", pattern="^[0-9a-f-]{1,32}$")]
EventNames = Annotated[
    list[Annotated[str, Field(pattern=_EVENT)]], BeforeValidator(_listed), titled("Only these events")
]
FormNames = Annotated[
    list[Annotated[str, Field(pattern=_FIELD, max_length=100)]],
    BeforeValidator(_listed),
    titled("Only these forms"),
]
FieldNames = Annotated[
    list[Annotated[str, Field(pattern=_FIELD)]], BeforeValidator(_listed), titled("Only these fields")
]
ItemIds = Annotated[
    list[Annotated[str, Field(pattern="^[0-9a-f-]{1,32}/[0-9]+$")]],
    BeforeValidator(_listed),
    titled("Only these items"),
]
