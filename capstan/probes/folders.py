"""Looks for files below a folder."""

from __future__ import annotations

import glob
import os
from collections.abc import Mapping
from pathlib import Path

from capstan.monitors.parts import filled
from capstan.probes.looks import MISSING, THERE, Look, unknown


def look_in_folder(root: Path, pattern: str, *, parts: Mapping[str, str]) -> Look:
    """Look for a file, or a folder with something in it, that a pattern below `root` matches.

    What lies elsewhere, as a link may, does not count. A root that is not there is no proof of anything:
    its disk may not be mounted.
    """
    if not os.access(root, os.R_OK | os.X_OK):
        return unknown("the root folder cannot be read")
    home = root.resolve()
    found = root.glob(filled(pattern, parts, quote=glob.escape))
    try:
        return THERE if any(_counts(path, home=home) for path in found) else MISSING
    except OSError as error:
        return unknown(type(error).__name__)


def _counts(path: Path, *, home: Path) -> bool:
    if not path.resolve().is_relative_to(home):
        return False
    return any(path.iterdir()) if path.is_dir() else path.is_file()
