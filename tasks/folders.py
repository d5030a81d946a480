"""Folders: where a study is looked for."""

from __future__ import annotations

from pathlib import Path

from capstan.settings import Settings

_ROOT = Path(__file__).resolve().parent.parent


def study_folders(settings: Settings) -> tuple[Path, ...]:
    """Where study folders are looked for: the settings' folders, here, and this project's own."""
    return (*settings.studies, Path.cwd(), Path.cwd() / "studies", _ROOT / "studies")
