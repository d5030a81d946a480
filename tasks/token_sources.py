"""Token sources: a token, read from the place where the study says that it is kept."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any, cast

from capstan.errors import StudyError, UsageError
from capstan.study.parts import TokenSource


def read_token(source: TokenSource, *, folder: Path) -> str:
    """Read a token from where the study says that it is kept; raises UsageError where there is none."""
    if source.env:
        token = os.environ.get(source.env, "")
        if not token.strip():
            raise UsageError(f"The environment variable {source.env} holds no token; set it.")
        return token
    if source.file:
        return _token_of_file(folder / Path(source.file).expanduser())
    # Here, because its import takes longer than all else, and most tokens are kept elsewhere.
    from httpx import HTTPError
    from prefect.blocks.system import Secret

    try:
        block = cast(Secret[Any], Secret.load(source.prefect_secret))
    except (ValueError, HTTPError):
        raise UsageError(
            f"Prefect has no secret block {source.prefect_secret!r}, or no server is configured or answers; "
            "make the block, or name another place for the token."
        ) from None
    return str(block.get())


def _token_of_file(path: Path) -> str:
    try:
        if path.stat().st_mode & 0o077:
            raise StudyError(f"The token file {path} can be read by others; run `chmod 600 {path}`.")
        return path.read_text(encoding="utf-8").strip().splitlines()[0]
    except (OSError, IndexError, UnicodeDecodeError):
        raise UsageError(
            f"The token file {path} cannot be read or is empty; write the token into it."
        ) from None
