"""Writes a message as a letter: headers, text and HTML, for one recipient."""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass, field
from datetime import datetime
from email.headerregistry import Address, HeaderRegistry, UnstructuredHeader
from email.message import EmailMessage
from email.policy import SMTP, Policy
from email.utils import format_datetime, parseaddr
from urllib.parse import urlsplit

from capstan.addresses import mail_address
from capstan.errors import UsageError

_LONGEST_LINK = 900
_LINE_BREAKERS = frozenset({"Cc", "Zl", "Zp", "Cs"})


class _LinkHeader(UnstructuredHeader):
    """A header that stays on its line: the library would encode a long address, which no program reads."""

    name: str

    def fold(self, *, policy: Policy[EmailMessage]) -> str:
        return f"{self.name}: {self}{policy.linesep}"


_HEADERS = HeaderRegistry()
# The registry mixes it into the class that it takes for granted.
_HEADERS.map_to_type("List-Unsubscribe", _LinkHeader)  # type: ignore[arg-type]
# Every server takes seven bits.
_POLICY = SMTP.clone(cte_type="7bit", header_factory=_HEADERS)


class Unwritable(ValueError):
    """The letter cannot be written: `is_address` says that the recipient is at fault, else the wording."""

    def __init__(self, *, is_address: bool) -> None:
        self.is_address = is_address
        super().__init__("the recipient" if is_address else "the wording")


@dataclass(frozen=True)
class Mail:
    """One message by mail; `id` is our row's. No repr of what identifies a person.

    `unsubscribe` is where one unsubscribes, an https or mailto address; blank for none.
    """

    id: str
    to: str = field(repr=False)
    subject: str = field(repr=False)
    text: str = field(repr=False)
    html: str = field(default="", repr=False)
    unsubscribe: str = field(default="", repr=False)


@dataclass(frozen=True)
class Sender:
    """Who writes: display name and address, where answers go, and the domain of message ids."""

    name: str
    address: str
    reply_to: str
    domain: str


def read_sender(sender: str, *, reply_to: str, domain: str) -> Sender:
    """Read a sender such as `Trial <trial@example.org>`; raises UsageError where it is none."""
    name, address = parseaddr(sender)
    if not mail_address(address) or _breaks_lines(sender):
        raise UsageError("messaging.email.sender is no mail address; write it like Trial <trial@b.org>.")
    if reply_to and not mail_address(reply_to):
        raise UsageError("messaging.email.reply_to is no mail address; write it like trial@b.org.")
    home = domain or address.rpartition("@")[2]
    if not mail_address(f"a@{home}"):
        raise UsageError("messaging.email.domain is no domain; write it like b.org.")
    return Sender(name, mail_address(address), mail_address(reply_to), home)


def write_letter(mail: Mail, *, sender: Sender, now: datetime) -> EmailMessage:
    """The letter with its headers; raises Unwritable for no address, and for what would add a header.

    `Message-ID` comes from the row, so that a second copy of one row is known by it. Source: section 6.
    """
    to = mail_address(mail.to)
    if not to:
        raise Unwritable(is_address=True)
    if _breaks_lines(mail.subject) or _breaks_lines(mail.id):
        raise Unwritable(is_address=False)
    letter = EmailMessage(policy=_POLICY)
    letter["From"] = Address(sender.name, addr_spec=sender.address)
    letter["To"] = Address(addr_spec=to)
    letter["Subject"] = mail.subject
    letter["Date"] = format_datetime(now)
    letter["Message-ID"] = f"<{mail.id}@{sender.domain}>"
    letter["Auto-Submitted"] = "auto-generated"
    if sender.reply_to:
        letter["Reply-To"] = Address(addr_spec=sender.reply_to)
    _add_unsubscribe(letter, mail.unsubscribe)
    _add_parts(letter, mail)
    return letter


def _add_unsubscribe(letter: EmailMessage, address: str) -> None:
    if not address:
        return
    is_link = address.isascii() and not _breaks_lines(address) and not set(address) & set(" <>,")
    if not is_link or len(address) > _LONGEST_LINK:
        raise Unwritable(is_address=False)
    letter["List-Unsubscribe"] = f"<{address}>"
    # Only an https address can be posted to by a mail program (RFC 8058).
    if urlsplit(address).scheme == "https":
        letter["List-Unsubscribe-Post"] = "List-Unsubscribe=One-Click"


def _add_parts(letter: EmailMessage, mail: Mail) -> None:
    try:
        letter.set_content(mail.text)
        if mail.html:
            letter.add_alternative(mail.html, subtype="html")
    except UnicodeError:
        raise Unwritable(is_address=False) from None


def _breaks_lines(text: str) -> bool:
    """Whether a text has a character that ends lines, commands something, or cannot be written."""
    return any(unicodedata.category(character) in _LINE_BREAKERS for character in text)
