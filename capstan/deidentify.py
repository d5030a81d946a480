"""De-identification: invented values in the place of those that tell who a participant is."""

from __future__ import annotations

import hmac
import re
from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import date, timedelta
from enum import StrEnum

import pandas as pd
from lxml import etree

from capstan.dictionary import Dictionary, Field, FieldType

GROUP_ITEM = "redcap_data_access_group"
_ODM = "{http://www.cdisc.org/ns/odm/v1.3}"
_MAX_WEEKS = 52
_TIME = re.compile(r"([T ][0-9]{2}:[0-9]{2}(:[0-9]{2})?)?")
_AREAS = ("212", "303", "312", "404", "415", "503", "510", "602", "617", "628", "707", "713", "831", "925")
_NAMES = (
    "Ada",
    "Cleo",
    "Edda",
    "Greta",
    "Ida",
    "Kaia",
    "Mira",
    "Olga",
    "Rosa",
    "Tilda",
    "Arlo",
    "Cyrus",
    "Emil",
    "Gustav",
    "Ivo",
    "Kaspar",
    "Milo",
    "Otto",
    "Rufus",
)
_SHIFTED = ("date_", "datetime_")
_KEPT = ("integer", "int", "number", "float", "time")
_WRITTEN = (FieldType.TEXT, FieldType.NOTES)


class Disguise(StrEnum):
    """What becomes of a field's values."""

    KEEP = "keep"
    SHIFT = "shift"
    PHONE = "phone"
    EMAIL = "email"
    NAME = "name"
    REMOVE = "remove"


def disguise_of(item: Field, *, computed: Collection[str] = ()) -> Disguise:
    """Choose by the field's validation and its identifier flag; what is not known to be harmless is removed.

    The words of `computed` fields come from the study's own rules, so they stay.
    """
    if item.type not in _WRITTEN:
        is_data = item.type is not FieldType.FILE and not item.identifier
        return Disguise.KEEP if is_data else Disguise.REMOVE
    if item.validation.startswith(_SHIFTED):
        return Disguise.SHIFT
    for kind in (Disguise.PHONE, Disguise.EMAIL):
        if item.validation.startswith(kind):
            return kind
    if item.identifier:
        return Disguise.NAME if "name" in item.name and not item.validation else Disguise.REMOVE
    is_harmless = item.name in computed or item.validation.startswith(_KEPT)
    return Disguise.KEEP if is_harmless else Disguise.REMOVE


@dataclass(frozen=True)
class Mask:
    """Disguises the values of one project, always the same value in the same way under one secret.

    All dates of a record move back by the same number of whole weeks, from 1 to 52, so that intervals and
    days of the week stay. Equal phone numbers, addresses and names stay equal.
    """

    dictionary: Dictionary
    secret: bytes = field(repr=False)
    computed: frozenset[str] = frozenset()

    def record(self, record: str) -> str:
        """The record's id, or an invented one where the dictionary flags it as an identifier."""
        if not self.dictionary.by_name[self.dictionary.record_field].identifier:
            return record
        return str(10**11 + self._number("record", record) % 10**11)

    def value(self, record: str, column: str, *, value: str) -> str:
        """A value of an export column in disguise; "" where it is removed."""
        if column == self.dictionary.record_field:
            return self.record(record)
        item = self.dictionary.by_column.get(column)
        if column == GROUP_ITEM or (item and value in self.dictionary.missing_codes):
            return value
        match disguise_of(item, computed=self.computed) if item else Disguise.REMOVE:
            case Disguise.KEEP:
                return value
            case Disguise.SHIFT:
                return self._shifted(record, value)
            case Disguise.PHONE:
                return self._phone(value)
            case Disguise.EMAIL:
                return f"person{self._number('email', value) % 10**9}@example.org"
            case Disguise.NAME:
                return _NAMES[self._number("name", value) % len(_NAMES)]
            case _:
                return ""

    def _shifted(self, record: str, value: str) -> str:
        weeks = 1 + self._number("weeks", record) % _MAX_WEEKS
        day, time = value[:10], value[10:]
        if not _TIME.fullmatch(time):
            return ""  # what is no date may be anything
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


def disguise_project(xml: bytes, mask: Mask) -> bytes:
    """Disguise the records of a project's ODM XML; its structure stays, files are left out."""
    parser = etree.XMLParser(resolve_entities=False, no_network=True, huge_tree=True)
    root = etree.fromstring(xml, parser)
    for subject in root.iter(f"{_ODM}SubjectData"):
        _disguise_subject(subject, mask)
    return etree.tostring(root, xml_declaration=True, encoding="UTF-8")


def _disguise_subject(subject: etree._Element, mask: Mask) -> None:
    record = subject.get("SubjectKey", "")
    subject.set("SubjectKey", mask.record(record))
    for one in [found for found in subject.iter("{*}*") if found.get("ItemOID") is not None]:
        is_value = one.tag == f"{_ODM}ItemData"
        value = mask.value(record, one.get("ItemOID", ""), value=one.get("Value", "")) if is_value else ""
        parent = one.getparent()
        if value:
            one.set("Value", value)
        elif parent is not None:
            parent.remove(one)


def disguise_users(users: pd.DataFrame) -> pd.DataFrame:
    """Give a project's users invented names and addresses; their rights and access groups stay."""
    numbers = [str(number) for number in range(1, len(users) + 1)]
    invented = {
        "username": [f"user_{number}" for number in numbers],
        "firstname": ["User"] * len(users),
        "lastname": numbers,
        "email": [f"user{number}@example.org" for number in numbers],
    }
    return users.assign(**{name: values for name, values in invented.items() if name in users.columns})
