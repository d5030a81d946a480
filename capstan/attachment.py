"""The attachment: the file that a file field holds, and its form as one cell of text."""

from __future__ import annotations

import base64
import json
from typing import NamedTuple


class Attachment(NamedTuple):
    """A file's name and content."""

    name: str
    content: bytes

    def __repr__(self) -> str:
        """Say how large it is; a name may hold a participant's."""
        return f"<Attachment of {len(self.content)} bytes>"

    def to_text(self) -> str:
        """The whole file as one text, for a cell of a plan or of the journal; blank means no file."""
        return json.dumps([self.name, base64.b64encode(self.content).decode("ascii")])

    @classmethod
    def from_text(cls, text: str) -> Attachment:
        """Read what `to_text` wrote."""
        name, content = json.loads(text)
        return cls(str(name), base64.b64decode(content))


def described(text: str) -> str:
    """Say a cell's attachment for people: its name and size, blank where there is none."""
    if not text:
        return ""
    found = Attachment.from_text(text)
    return f"{found.name} ({len(found.content):,} bytes)"
