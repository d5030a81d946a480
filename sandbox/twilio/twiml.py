"""What a receiver answers to an inbound message: TwiML, and mistakes in its place (3.4)."""

from __future__ import annotations

from typing import NamedTuple

from lxml import etree

MAX_MESSAGES = 10
_BAD_DOCUMENT, _BAD_TYPE, _TOO_MANY = "12100", "12300", "14109"
PLAIN = "text/plain was sent as a text"
_XML = ("text/xml", "application/xml", "text/html")


class Spoken(NamedTuple):
    """One message of an answer."""

    text: str
    media: list[str]
    callback: str


class Said(NamedTuple):
    """What is to be sent, and what Twilio's debugger would say of the answer."""

    messages: list[Spoken]
    note: str = ""


def read_answer(content_type: str, body: bytes) -> Said:
    """Read an answer: TwiML, plain text that goes out as it is, or a mistake."""
    kind = content_type.partition(";")[0].strip().lower()
    if not body.strip():
        return Said([])
    if kind == "text/plain":
        return Said([Spoken(body.decode("utf-8", "replace"), [], "")], PLAIN)
    if kind not in _XML:
        return Said([], _BAD_TYPE)
    # Nothing outside the document is ever read.
    parser = etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False, huge_tree=False)
    try:
        root = etree.fromstring(body, parser)
    except etree.XMLSyntaxError:
        return Said([], _BAD_DOCUMENT)
    if root.tag != "Response":
        return Said([], _BAD_DOCUMENT)
    found = [_read_message(element) for element in root.iterfind("Message")]
    return Said(found[:MAX_MESSAGES], _TOO_MANY if len(found) > MAX_MESSAGES else "")


def _read_message(element: etree._Element) -> Spoken:
    bodies = element.findall("Body")
    text = "".join(body.text or "" for body in bodies) if bodies else element.text or ""
    media = [(one.text or "").strip() for one in element.findall("Media")]
    return Spoken(text.strip(), [url for url in media if url], str(element.get("statusCallback", "")))
