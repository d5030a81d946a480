"""Private files: what holds participants' data is written for its owner alone, over nothing that is there."""

from __future__ import annotations

import os
from pathlib import Path

from capstan.errors import UsageError


def write_privately(path: Path, content: bytes, *, option: str) -> None:
    """Write a new file that only its owner can read.

    Raises UsageError where there is one already or none can be made; `option` is the one that names the file.
    """
    try:
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(handle, "wb") as file:
            file.write(content)
    except OSError as error:
        raise UsageError(
            f"{path}: cannot be written ({error.strerror}); name another file with {option}."
        ) from None
