"""Controls of mail: what the mail server took."""

from __future__ import annotations

from typing import Any

from sandbox.control.orders import Order
from sandbox.mail.letter import Letter, read_letter
from sandbox.state import State
from sandbox.storage.mails import StoredMail


def list_mails(state: State, _: Order) -> Any:
    """List the mails that have come, newest first, with their texts."""
    found = state.store.mails.rows(state.clock.stamp())
    return {"mails": [about_mail(one, read_letter(one.raw)) for one in found]}


def clear_mails(state: State, _: Order) -> Any:
    """Forget all mail."""
    return {"forgotten": state.store.mails.clear()}


def about_mail(mail: StoredMail, letter: Letter) -> dict[str, Any]:
    """Return a mail as it is listed."""
    return {
        "id": mail.mail_id,
        "at": mail.at,
        "from": mail.sender,
        "to": mail.recipient,
        "fate": mail.fate,
        "subject": letter.header("Subject"),
        "message_id": letter.header("Message-ID"),
        "headers": [list(one) for one in letter.headers],
        "text": letter.text,
        "html": letter.html,
        "attached": list(letter.attached),
    }
