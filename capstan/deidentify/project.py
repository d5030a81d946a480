"""De-identification of a whole project: its XML, record by record, and the list of its users."""

from __future__ import annotations

import pandas as pd
from lxml import etree

from capstan.deidentify import Mask

_ODM = "{http://www.cdisc.org/ns/odm/v1.3}"
# Texts that people wrote about the project, which no flow reads.
_REMARKS = ("ReportsGroup", "ProjectNotes")


def disguise_project(xml: bytes, mask: Mask) -> bytes:
    """Disguise the records of a project's ODM XML; its structure stays, files and remarks are left out."""
    parser = etree.XMLParser(
        resolve_entities=False, no_network=True, huge_tree=True, remove_comments=True, remove_pis=True
    )
    root = etree.fromstring(xml, parser)
    for remark in list(root.iter(*(f"{{*}}{name}" for name in _REMARKS))):
        _remove(remark)
    for subject in root.iter(f"{_ODM}SubjectData"):
        _disguise_subject(subject, mask)
    return etree.tostring(root, xml_declaration=True, encoding="UTF-8")


def _disguise_subject(subject: etree._Element, mask: Mask) -> None:
    record = subject.get("SubjectKey", "")
    subject.set("SubjectKey", mask.record(record))
    for one in [found for found in subject.iter("{*}*") if found.get("ItemOID") is not None]:
        item = one.get("ItemOID", "")
        is_value = one.tag == f"{_ODM}ItemData"
        value = mask.value(record, item, value=one.get("Value", "")) if is_value else ""
        if value:
            # Other attributes and what is within could hold anything.
            one.attrib.clear()
            one.attrib.update({"ItemOID": item, "Value": value})
            one.text = None
            del one[:]
        else:
            _remove(one)


def _remove(element: etree._Element) -> None:
    parent = element.getparent()
    if parent is not None:
        parent.remove(element)


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
