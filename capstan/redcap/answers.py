"""Reads the answers that are neither rows nor ids: one object, one word, one number, one document."""

from __future__ import annotations

import re
from typing import Any

from capstan.attachment import Attachment
from capstan.errors import RedcapUnavailable
from capstan.redcap.body import Body
from capstan.redcap.tables import json_document


def project_facts(body: Body) -> dict[str, Any]:
    """Return the one object of a project export; older servers may wrap it in a list."""
    document = json_document(body)
    if isinstance(document, list) and len(document) == 1:
        document = document[0]
    if not isinstance(document, dict):
        raise RedcapUnavailable("REDCap's answer about the project is not one object. Try again.")
    return document


def version_text(body: Body) -> str:
    """Return a version such as `15.2.1`."""
    return _matching(body, r"\d+\.\d+\.\d+\S*", what="version")


def record_name(body: Body) -> str:
    """Return a record id."""
    return _matching(body, r"[^\n<]{1,100}", what="next record name")


def survey_address(body: Body) -> str:
    """Return the link of a survey or of a survey queue."""
    return _matching(body, r"https?://[^\s<>\"]{1,2000}", what="survey link")


def whole_number(body: Body) -> int:
    """Return the count that a delete answers with, bare in every format."""
    return int(_matching(body, r"\d+", what="count"))


def new_token(body: Body) -> str:
    """Return the project token that ends the answer to a create."""
    return _matching(body, r".*?([0-9A-Fa-f]{32})", what="token")[-32:]


def odm_document(body: Body) -> bytes:
    """Return a project as ODM XML, whole to its closing tag."""
    document = body.read()
    if not document.rstrip().endswith(b"</ODM>"):
        raise RedcapUnavailable("REDCap's project XML was cut short. Try again.")
    return document


def nothing(body: Body) -> None:
    """Take the empty answer to an import or delete of a file."""
    body.read()


def whole(body: Body) -> Attachment:
    """Return a file as it is, with the name that the answer gives it."""
    return Attachment(body.file_name, body.read())


def _matching(body: Body, pattern: str, *, what: str) -> str:
    text = body.read().decode("utf-8-sig", errors="replace").strip().strip('"')
    if not re.fullmatch(pattern, text):
        raise RedcapUnavailable(f"REDCap's answer is not a {what}. Try again.")
    return text
