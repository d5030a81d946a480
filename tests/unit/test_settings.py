"""Settings come from CAPSTAN_ variables, with defaults and clear errors."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from pydantic import ValidationError

from capstan.errors import UsageError
from capstan.settings import Settings, load_settings


@pytest.fixture(autouse=True)
def _no_settings(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in [name for name in os.environ if name.startswith("CAPSTAN_")]:
        monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)


def test_without_variables_everything_is_in_the_project(tmp_path: Path) -> None:
    settings = load_settings()

    assert settings.home == tmp_path / ".capstan"
    assert settings.store_url == f"sqlite:///{tmp_path}/.capstan/store.sqlite"
    assert (settings.key, settings.studies, settings.public_url) == (None, (), None)


def test_settings_are_read_without_touching_the_disk(tmp_path: Path) -> None:
    load_settings()

    assert list(tmp_path.iterdir()) == []


def test_the_store_follows_the_home(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CAPSTAN_HOME", "/srv/capstan")

    assert load_settings().store_url == "sqlite:////srv/capstan/store.sqlite"


def test_a_home_keeps_its_place_when_the_working_directory_changes(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    settings = load_settings()
    monkeypatch.chdir("/")

    assert settings.home == tmp_path / ".capstan"


@pytest.mark.parametrize("text", ["/a/x,/b/y", f"/a/x{os.pathsep}/b/y", " /a/x , /b/y ,", "/a/x,,/b/y"])
def test_folders_with_studies_are_separated_by_comma_or_as_in_path(
    monkeypatch: pytest.MonkeyPatch, text: str
) -> None:
    monkeypatch.setenv("CAPSTAN_STUDIES", text)

    assert load_settings().studies == (Path("/a/x"), Path("/b/y"))


def test_a_relative_or_home_folder_becomes_a_whole_path(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("HOME", "/home/someone")
    monkeypatch.setenv("CAPSTAN_STUDIES", "mine,~/theirs")

    assert load_settings().studies == (tmp_path / "mine", Path("/home/someone/theirs"))


def test_a_blank_variable_counts_as_not_set(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in ("HOME", "STORE", "KEY", "STUDIES", "PUBLIC_URL"):
        monkeypatch.setenv(f"CAPSTAN_{name}", "")

    assert load_settings() == Settings()
    assert load_settings().home == tmp_path / ".capstan"


def test_neither_key_nor_password_shows(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CAPSTAN_KEY", "secret-key")
    monkeypatch.setenv("CAPSTAN_STORE", "postgresql://u:secret-word@host/db")
    settings = load_settings()

    assert "secret" not in f"{settings!r} {settings} {settings.model_dump_json()}"
    assert settings.store_url == "postgresql://u:secret-word@host/db"


def test_the_public_address_has_no_slash_at_its_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CAPSTAN_PUBLIC_URL", "https://capstan.example.org/hooks/")

    assert load_settings().public_url == "https://capstan.example.org/hooks"


@pytest.mark.parametrize(
    "address", ["capstan.example.org", "ftp://x", "https://u:hunter2@x", "https://x/?a=1"]
)
def test_an_address_that_cannot_be_reached_names_its_variable(
    monkeypatch: pytest.MonkeyPatch, address: str
) -> None:
    monkeypatch.setenv("CAPSTAN_PUBLIC_URL", address)

    with pytest.raises(UsageError, match=r"CAPSTAN_PUBLIC_URL: .*must be an http\(s\) address") as caught:
        load_settings()
    assert address not in str(caught.value)


def test_settings_do_not_change() -> None:
    settings = load_settings()

    with pytest.raises(ValidationError):
        settings.home = Path("/elsewhere")


def test_every_setting_says_what_it_is() -> None:
    short = [name for name, field in Settings.model_fields.items() if len(field.description or "") < 40]

    assert short == []
