"""De-identification: invented values in the place of those that tell who a participant is."""

from __future__ import annotations

import hmac
import re
from dataclasses import dataclass, field
from datetime import date, timedelta
from enum import StrEnum

from capstan.dictionary import Dictionary, Field, FieldType
from capstan.eligibility import ALL_MET, EligibilityStatus
from capstan.study import Study
from capstan.visits import VisitStatus
from capstan.visits.writes import NO_VISIT

GROUP_ITEM = "redcap_data_access_group"
_MAX_WEEKS = 52
_TIME = re.compile(r"([T ][0-9]{2}:[0-9]{2}(:[0-9]{2})?)?")
_CLOCK = re.compile(r"[0-9]{1,2}:[0-9]{2}(:[0-9]{2})?")
# What is measured is shorter than seven digits; phone, insurance and hospital numbers are not.
_NUMBER = re.compile(r"[-+]?[0-9]{0,6}([.,][0-9]*)?")
# REDCap counts records so. Hospital numbers are longer, and anything else may be initials.
_COUNTED = re.compile(r"[0-9]{1,4}")
_AREAS = ("212", "303", "312", "404", "415", "503", "510", "602", "617", "628", "707", "713", "831", "925")
_NAMES = ("Ada", "Cleo", "Edda", "Greta", "Ida", "Kaia", "Arlo", "Emil", "Ivo", "Milo", "Otto", "Rufus")
_SHIFTED = ("date_", "datetime_")
_NUMBERS = ("integer", "int", "number", "float")
_WRITTEN = (FieldType.TEXT, FieldType.NOTES)
_COUNTS = (FieldType.CALC, FieldType.SLIDER)
_BETWEEN_WORDS = "; "


class Disguise(StrEnum):
    """What becomes of a field's values."""

    CHOICE = "choice"
    NUMBER = "number"
    TIME = "time"
    WORDS = "words"
    SHIFT = "shift"
    PHONE = "phone"
    EMAIL = "email"
    NAME = "name"
    REMOVE = "remove"


def disguise_of(item: Field) -> Disguise:
    """Choose by the field's type, validation and identifier flag; what nobody can check is removed."""
    if item.identifier and item.type not in _WRITTEN:
        return Disguise.REMOVE
    if item.type in _WRITTEN:
        return _disguise_of_text(item)
    if item.type in _COUNTS:
        return Disguise.NUMBER
    return Disguise.CHOICE if item.choices else Disguise.REMOVE


def _disguise_of_text(item: Field) -> Disguise:
    if item.validation.startswith(_SHIFTED):
        return Disguise.SHIFT
    for kind in (Disguise.PHONE, Disguise.EMAIL):
        if item.validation.startswith(kind):
            return kind
    if item.identifier:
        return Disguise.NAME if "name" in item.name and not item.validation else Disguise.REMOVE
    if item.validation.startswith(_NUMBERS):
        return Disguise.NUMBER
    return Disguise.TIME if item.validation.startswith("time") else Disguise.WORDS


def words_of(study: Study) -> frozenset[str]:
    """The words that a study's own rules write; they tell nothing about who somebody is."""
    reasons = [criterion.reason for criterion in study.eligibility.criteria]
    visits = [visit.name for visit in study.visits]
    texts = [*VisitStatus, NO_VISIT, *visits, *EligibilityStatus, ALL_MET, *reasons]
    return frozenset(word for text in texts for word in str(text).split(_BETWEEN_WORDS))


@dataclass(frozen=True)
class Mask:
    """Disguises the values of one project, always the same value in the same way under one secret.

    All dates of a record move back by the same number of whole weeks, from 1 to 52, so that intervals and
    days of the week stay. Equal phone numbers, addresses and names stay equal. A value that its field could
    not have is removed: it may be anything. `words` are texts that may stay.
    """

    dictionary: Dictionary
    secret: bytes = field(repr=False)
    words: frozenset[str] = frozenset()

    def record(self, record: str) -> str:
        """The record's id, or an invented one where it may tell more than its place in a count."""
        if (
            _COUNTED.fullmatch(record)
            and not self.dictionary.by_name[self.dictionary.record_field].identifier
        ):
            return record
        return str(10**15 + self._number("record", record) % 10**15)

    def value(self, record: str, column: str, *, value: str) -> str:
        """A value of an export column in disguise; "" where it is removed."""
        if column == self.dictionary.record_field:
            return self.record(record)
        item = self.dictionary.by_column.get(column)
        if column == GROUP_ITEM or (item and value in self.dictionary.missing_codes):
            return value
        return self._disguised(record, item, value=value) if item else ""

    def _disguised(self, record: str, item: Field, *, value: str) -> str:
        match disguise_of(item):
            case Disguise.SHIFT:
                return self._shifted(record, value)
            case Disguise.PHONE:
                return self._phone(value)
            case Disguise.EMAIL:
                return f"person{self._number('email', value) % 10**9}@example.org"
            case Disguise.NAME:
                return _NAMES[self._number("name", value) % len(_NAMES)]
            case kind:
                return value if self._is_harmless(kind, item, value=value) else ""

    def _is_harmless(self, kind: Disguise, item: Field, *, value: str) -> bool:
        match kind:
            case Disguise.CHOICE:
                return value in (("0", "1") if item.type is FieldType.CHECKBOX else item.choices)
            case Disguise.NUMBER:
                return bool(_NUMBER.fullmatch(value))
            case Disguise.TIME:
                return bool(_CLOCK.fullmatch(value))
            case Disguise.WORDS:
                return self.words.issuperset(value.split(_BETWEEN_WORDS))
            case _:
                return False

    def _shifted(self, record: str, value: str) -> str:
        weeks = 1 + self._number("weeks", record) % _MAX_WEEKS
        day, time = value[:10], value[10:]
        if not _TIME.fullmatch(time):
            return ""
        try:
            return f"{date.fromisoformat(day) - timedelta(weeks=weeks)}{time}"
        except (ValueError, OverflowError):
            return ""

    def _phone(self, value: str) -> str:
        number = self._number("phone", value)
        return f"({_AREAS[number // 100 % len(_AREAS)]}) 555-01{number % 100:02d}"

    def _number(self, purpose: str, text: str) -> int:
        digest = hmac.digest(self.secret, f"{purpose}\n{text}".encode(), "sha256")
        return int.from_bytes(digest[:8], "big")
