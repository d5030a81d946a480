"""Folders of pages: where in the home a study's pages, calendars and Data Docs are."""

from __future__ import annotations

from pathlib import Path

STUDY_PAGE = "index.html"


def pages_of(home: Path, study: str) -> Path:
    """The folder of a study's page."""
    return home / "reports" / study


def runs_of(home: Path, study: str) -> Path:
    """The folder of the pages of a study's runs."""
    return pages_of(home, study) / "runs"


def named_runs_of(home: Path, study: str) -> Path:
    """The folder of pages that name records, for the person who asked for them; nobody is served one."""
    return pages_of(home, study) / "runs-with-records"


def calendars_of(home: Path, study: str) -> Path:
    """The folder of a study's calendars."""
    return pages_of(home, study) / "calendars"


def docs_of(home: Path, study: str) -> Path:
    """The folder of a study's Data Docs."""
    return home / "quality" / study / "data_docs"
