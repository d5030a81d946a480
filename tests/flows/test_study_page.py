"""The page of a study: runs make it by themselves, and it names nobody."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from quality_study import make_clean

from capstan.settings import load_settings
from capstan.store.panels import read_panels
from cli.calling import call_flow
from tasks.connections import open_store
from tasks.pages import make_page
from tasks.pages.study_page import page_path


def test_a_look_makes_the_page_and_keeps_what_it_counted(
    tmp_path: Path, addresses: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    study = make_clean(tmp_path, addresses, monkeypatch)
    call_flow("data_quality", {"study": study.name})

    page = page_path(study.name)
    with open_store(load_settings()) as store:
        kept = read_panels(store, study.name)
    assert {"enrolment", "consort", "completeness", "page"} <= set(kept)
    assert page.stat().st_mode & 0o077 == 0
    assert "Complete forms" in page.read_text()
    assert make_page(study.name) == page


def test_a_dry_run_makes_no_page(
    tmp_path: Path, addresses: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    study = make_clean(tmp_path, addresses, monkeypatch)

    call_flow("data_quality", {"study": study.name, "dry_run": True})

    assert not page_path(study.name).exists()
