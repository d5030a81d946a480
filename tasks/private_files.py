"""Private files: what only the owner of this process may read."""

from __future__ import annotations

import os
import secrets
from contextlib import suppress
from pathlib import Path

from capstan.errors import StoreError, UsageError
from capstan.store.keys import make_private_folder


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


def replace_privately(path: Path, content: bytes) -> None:
    """Write a file of Capstan's own that only its owner can read, whole or not at all, over a former one.

    Its folder is made for the owner alone. Raises StoreError where that cannot be.
    """
    draft = make_private_folder(path.parent) / f".{path.name}.{secrets.token_hex(8)}"
    try:
        handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(handle, "wb") as file:
            file.write(content)
        draft.replace(path)
    except OSError as error:
        with suppress(OSError):
            draft.unlink()
        raise StoreError(f"{path}: cannot be written ({error.strerror}).") from None
