"""Mail in the sandbox: which address meets which fate, and what is in a letter."""

from __future__ import annotations

from email import message_from_bytes
from email.message import EmailMessage

import pytest

from sandbox.mail.fates import Fate, Lot, fate_of
from sandbox.mail.letter import bounce_of, read_letter


@pytest.mark.parametrize(
    ("address", "lot"),
    [
        ("anna@example.org", Lot()),
        ("code550@example.org", Lot(Fate.CODE, 550)),
        ("anna+code452@example.org", Lot(Fate.CODE, 452)),
        ("Anna+GREY2@example.org", Lot(Fate.GREY, 2)),
        ("slow5@example.org", Lot(Fate.SLOW, 5)),
        ("slow999@example.org", Lot(Fate.SLOW, 60)),
        ("afterdata@example.org", Lot(Fate.AFTER_DATA)),
        ("lostack@example.org", Lot(Fate.LOST_ANSWER)),
        ("bounce@example.org", Lot(Fate.BOUNCE)),
        ("drop@example.org", Lot(Fate.DROP)),
        ("barcode550@example.org", Lot()),
        ("code200@example.org", Lot()),
        ("bouncer@example.org", Lot()),
        ("grey2", Lot()),
    ],
)
def test_the_address_of_a_mail_chooses_its_fate(address: str, lot: Lot) -> None:
    assert fate_of(address) == lot


def test_a_letter_has_its_headers_its_text_its_html_and_the_names_of_what_is_attached() -> None:
    message = EmailMessage()
    message["Subject"] = "Zoë's tooth"
    message.set_content("plain €")
    message.add_alternative("<p>rich €</p>", subtype="html")
    message.add_attachment(b"x", maintype="image", subtype="png", filename="tooth.png")

    letter = read_letter(message.as_bytes())

    assert letter.header("subject") == "Zoë's tooth"
    assert (letter.text.strip(), letter.html.strip()) == ("plain €", "<p>rich €</p>")
    assert letter.attached == ("tooth.png",)


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"\xff\xfe",
        b"Content-Type: text/plain; charset=none-such\r\n\r\ntext",
        b"Content-Type: multipart/mixed\r\n\r\n",
        b"Content-Transfer-Encoding: base64\r\n\r\n!!!",
        b"Subject: =?utf-8?b?/w==?=\r\n\r\ntext",
    ],
)
def test_a_broken_letter_is_shown_as_far_as_it_can_be_read(raw: bytes) -> None:
    letter = read_letter(raw)

    assert isinstance(letter.text, str)
    assert letter.html == ""


def test_a_bounce_is_a_delivery_report_that_names_recipient_and_letter() -> None:
    message = EmailMessage()
    message["Message-ID"] = "<row@study.example.org>"
    message.set_content("text")

    report = message_from_bytes(bounce_of(message.as_bytes(), "a@b.org", sender="study@example.org"))

    assert report.get_content_type() == "multipart/report"
    assert report["In-Reply-To"] == "<row@study.example.org>"
    status = next(part for part in report.walk() if part.get_content_type() == "message/delivery-status")
    assert "rfc822; a@b.org" in status.as_string()
    assert "Action: failed" in status.as_string()
