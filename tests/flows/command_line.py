"""The command line in this process, and a study folder whose file a test may spoil."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import requests
from cryptography.fernet import Fernet

from cli.main import main


@dataclass(frozen=True)
class Said:
    """How a command ended, and what it said."""

    code: int
    out: str
    err: str

    @property
    def all(self) -> str:
        return self.out + self.err

    @property
    def sentence(self) -> str:
        """What stands on stderr, which must be one sentence (a caret may stand under it), and no traceback."""
        first, *rest = self.err.splitlines()
        assert first.startswith("capstan: "), self.err
        assert not rest or (len(rest) == 2 and rest[1].strip() == "^"), self.err
        assert "Traceback" not in self.err
        assert "Unexpected" not in self.err
        return self.err.removeprefix("capstan: ").strip()


class CommandLine:
    """Runs `capstan` with some words, without a process of its own."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
        self._monkeypatch, self._capsys = monkeypatch, capsys

    def __call__(self, *words: str) -> Said:
        self._capsys.readouterr()
        self._monkeypatch.setattr(sys, "argv", ["capstan", *words])
        with pytest.raises(SystemExit) as ended:
            main()
        told = self._capsys.readouterr()
        return Said(int(ended.value.code or 0), told.out, told.err)


@dataclass(frozen=True)
class Project:
    """One project in a sandbox."""

    url: str
    control: str
    project_id: int
    token: str

    def call(self, **parameters: Any) -> requests.Response:
        return requests.post(self.url, data={"token": self.token, **parameters}, timeout=60)

    def export(self, **parameters: Any) -> bytes:
        return self.call(content="record", format="csv", **parameters).content

    def rows(self, **parameters: Any) -> list[dict[str, str]]:
        return list(self.call(content="record", format="json", **parameters).json())

    def state(self) -> tuple[bytes, list[dict[str, str]]]:
        """All that a write would change: the data, and REDCap's log of changes."""
        return self.export(), self.call(content="log", format="json", logtype="record").json()

    def order(self, what: str, **body: Any) -> Any:
        """Do something in the sandbox itself, such as make another token."""
        url = f"{self.control}projects/{self.project_id}/{what}"
        return requests.post(url, json=body, timeout=60).json()


def load(addresses: dict[str, Any], *, xml: str, title: str) -> Project:
    """Load project XML into a sandbox."""
    made = requests.post(
        f"{addresses['control_url']}projects", json={"title": title, "xml": xml}, timeout=60
    ).json()
    return Project(addresses["redcap_url"], addresses["control_url"], made["project_id"], made["token"])


class Desk:
    """Where somebody works: a home, a folder of studies, and the environment of one project."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.folder, self._monkeypatch = folder, monkeypatch
        (folder / "studies").mkdir()
        monkeypatch.chdir(folder)
        monkeypatch.delenv("PREFECT_API_URL", raising=False)
        self.set("CAPSTAN_HOME", str(folder / "home"))
        self.set("CAPSTAN_STUDIES", str(folder / "studies"))
        self.set("CAPSTAN_KEY", Fernet.generate_key().decode())

    def set(self, name: str, value: str | None) -> None:
        if value is None:
            self._monkeypatch.delenv(name, raising=False)
        else:
            self._monkeypatch.setenv(name, value)

    def write_study(self, text: str, *, name: str = "demo") -> Path:
        path = self.folder / "studies" / name / "study.yaml"
        path.parent.mkdir(exist_ok=True)
        path.write_text(text, encoding="utf-8")
        return path

    def write_file(self, text: str | bytes, *, name: str = "rows.csv") -> str:
        path = self.folder / name
        path.write_bytes(text.encode() if isinstance(text, str) else text)
        return str(path)


def changed(text: str, old: str, new: str) -> str:
    """Replace something that stands in a text once."""
    assert text.count(old) == 1, old
    return text.replace(old, new)
