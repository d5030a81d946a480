"""What is in a mail: headers, its text, its HTML; and the report that a bounced one sends back."""

from __future__ import annotations

from dataclasses import dataclass
from email import message_from_bytes
from email.message import Message
from email.mime.multipart import MIMEMultipart
from email.mime.text import MIMEText
from email.policy import SMTP, default

_SHOWN = ("text/plain", "text/html")


@dataclass(frozen=True)
class Letter:
    """A mail as a person reads it; what it does not have is ''."""

    headers: tuple[tuple[str, str], ...]
    text: str
    html: str
    attached: tuple[str, ...]

    def header(self, name: str) -> str:
        """Return the first header of a name, whatever its case."""
        return next((value for key, value in self.headers if key.lower() == name.lower()), "")


def read_letter(raw: bytes) -> Letter:
    """Take a mail apart; what cannot be decoded is shown as far as it can."""
    message = message_from_bytes(raw, policy=default)
    found = dict.fromkeys(_SHOWN, "")
    attached: list[str] = []
    for part in message.walk():
        kind = part.get_content_type()
        if part.is_multipart():
            continue
        if kind in found and not found[kind] and part.get_content_disposition() != "attachment":
            found[kind] = _decoded(part)
        else:
            attached.append(part.get_filename() or kind)
    headers = tuple((name, str(value)) for name, value in message.items())
    return Letter(headers, found["text/plain"], found["text/html"], tuple(attached))


def bounce_of(raw: bytes, recipient: str, *, sender: str) -> bytes:
    """Write the report that tells a sender that there is no such recipient (RFC 3464)."""
    letter = read_letter(raw)
    # The older classes, because the newer ones cannot make a part of a delivery status.
    report = MIMEMultipart("report", report_type="delivery-status")
    report["From"] = "Mail Delivery System <mailer-daemon@sandbox.invalid>"
    report["To"] = sender
    report["Subject"] = "Undelivered Mail Returned to Sender"
    report["Auto-Submitted"] = "auto-replied"
    if letter.header("Message-ID"):
        report["In-Reply-To"] = letter.header("Message-ID")
    report.attach(MIMEText("Your message could not be delivered: there is no such recipient.\n"))
    report.attach(_status(recipient))
    return report.as_bytes(policy=SMTP)


def _status(recipient: str) -> Message:
    about, one = Message(), Message()
    about["Reporting-MTA"] = "dns; sandbox.invalid"
    one["Final-Recipient"] = f"rfc822; {recipient}"
    one["Action"] = "failed"
    one["Status"] = "5.1.1"
    status = Message()
    status["Content-Type"] = "message/delivery-status"
    status.set_payload([about, one])
    return status


def _decoded(part: Message) -> str:
    content = part.get_payload(decode=True)
    if not isinstance(content, bytes):
        return ""
    try:
        return content.decode(part.get_content_charset() or "utf-8", "replace")
    except LookupError:
        return content.decode("utf-8", "replace")
