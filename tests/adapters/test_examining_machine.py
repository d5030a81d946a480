"""What doctor says of the machine: who may enter the home, copies of store and key, the clock."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography.fernet import Fernet
from store_cases import NOW

from capstan.settings import Settings
from capstan.store import Store, load_keys
from capstan.store.backup_notes import read_notes
from tasks.examining_clock import compare_clocks
from tasks.examining_home import BACKUP_AGE, look_at_home
from tasks.finding import Finding
from tasks.storekeeping import copy_key, keep_backup


@pytest.fixture
def settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    """An installation of its own, with a store and a key file."""
    for name in ("CAPSTAN_KEY", "CAPSTAN_STORE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("CAPSTAN_HOME", str(tmp_path / "home"))
    found = Settings()
    Store.open(found.store_url, load_keys(None, home=found.home)).close()
    return found


def examined(settings: Settings, *, now: datetime = NOW) -> dict[str, Finding]:
    keys = load_keys(settings.key, home=settings.home)
    return {finding.what: finding for finding in look_at_home(settings, keys=keys, now=now)}


def test_a_new_installation_is_told_to_copy_its_store_and_key(settings: Settings) -> None:
    found = examined(settings)

    assert {what: one.verdict for what, one in found.items()} == {
        "home": "ok",
        "disk": "ok",
        "store backup": "warn",
        "key backup": "warn",
    }
    assert "capstan store backup" in found["store backup"].said
    assert "capstan store keep-key" in found["key backup"].said


def test_copies_that_were_made_are_known_until_they_are_old(settings: Settings, tmp_path: Path) -> None:
    file, _ = keep_backup(None, now=NOW)
    copy_key(tmp_path / "elsewhere.key", now=NOW)

    fresh = examined(settings, now=NOW + timedelta(hours=5))
    old = examined(settings, now=NOW + BACKUP_AGE + timedelta(days=1))

    assert file.parent == settings.home / "backups"
    assert fresh["store backup"] == Finding("store backup", "ok", "5 hours old")
    assert fresh["key backup"].verdict == old["key backup"].verdict == "ok"
    assert old["store backup"].said.startswith("8 days old; run `capstan store backup`")


def test_a_copy_of_the_key_beside_the_store_counts_for_little(settings: Settings) -> None:
    copy_key(settings.home / "copy.key", now=NOW)

    assert examined(settings)["key backup"].said.startswith("the copy is in the home itself")


def test_a_new_key_needs_a_new_copy_and_a_new_backup(
    settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    copy_key(tmp_path / "elsewhere.key", now=NOW)
    keep_backup(None, now=NOW)
    file = settings.home / "store.key"
    file.write_text(f"{Fernet.generate_key().decode()},{file.read_text()}")

    found = examined(settings)

    assert "under the former key" in found["store backup"].said
    assert found["key backup"].said.startswith("no copy of key")


@pytest.mark.parametrize("name", ["store.sqlite", "copy.key", "backups/one"])
def test_what_others_may_read_in_the_home_is_a_fault(name: str, settings: Settings) -> None:
    path = settings.home / name
    path.parent.mkdir(exist_ok=True)
    path.touch()
    path.chmod(0o640)

    assert examined(settings)["home"].verdict == "fail"


def test_other_files_are_as_closed_as_the_home(settings: Settings) -> None:
    file = settings.home / "exams.csv"
    file.touch()
    file.chmod(0o644)

    assert examined(settings)["home"].verdict == "ok"
    assert settings.home.stat().st_mode & 0o077 == 0


def test_only_so_many_dated_backups_are_kept_as_are_wanted(settings: Settings) -> None:
    for day in range(4):
        keep_backup(None, now=NOW + timedelta(days=day), keep=2)

    left = sorted(path.name for path in (settings.home / "backups").iterdir())
    assert left == ["store-20261124-101530.sqlite", "store-20261125-101530.sqlite"]
    assert read_notes(settings.home)["store"].file.name == left[-1]


@pytest.mark.parametrize(
    ("stamp", "verdict"),
    [
        ("Sun, 22 Nov 2026 10:15:40 GMT", "ok"),
        ("Sun, 22 Nov 2026 11:15:25 +0100", "ok"),
        ("Sun, 22 Nov 2026 10:14:30 GMT", "fail"),
        ("Sun, 22 Nov 2026 12:15:30 GMT", "fail"),
        ("yesterday", None),
        ("", None),
        (None, None),
    ],
)
def test_the_clock_is_compared_with_the_date_of_an_answer(stamp: str | None, verdict: str | None) -> None:
    found = [finding.verdict for finding in compare_clocks("REDCap", stamp, now=NOW.astimezone(UTC))]

    assert found == ([verdict] if verdict else [])
