"""Backup notes: when the store and its key were last copied and where to, in a small file of the home."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Literal, NamedTuple

from capstan.store.keys import make_private_folder

NOTES = "backups.json"


class Note(NamedTuple):
    """One copy; `key` is the name of the key that opens it, or that it is."""

    made_at: datetime
    file: Path
    key: str


def note_backup(home: Path, what: Literal["store", "key"], note: Note) -> None:
    """Write down a copy, in the place of the former one of its kind."""
    known = {**read_notes(home), what: note}
    text = {
        kind: {**one._asdict(), "made_at": one.made_at.isoformat(), "file": str(one.file)}
        for kind, one in known.items()
    }
    draft = make_private_folder(home) / f"{NOTES}.{os.getpid()}.draft"
    draft.touch(mode=0o600)
    draft.write_text(json.dumps(text, indent=1) + "\n", encoding="utf-8")
    draft.replace(home / NOTES)


def read_notes(home: Path) -> Mapping[str, Note]:
    """The last copy of each kind; none where nobody wrote one down."""
    try:
        found = json.loads((home / NOTES).read_text(encoding="utf-8"))
        return {
            kind: Note(datetime.fromisoformat(one["made_at"]), Path(one["file"]), one["key"])
            for kind, one in found.items()
        }
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return {}
