"""A live project for tests: a sandbox, a project in it, a study folder that names it, and a home."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import requests

ROOT = Path(__file__).resolve().parents[2]


@contextmanager
def serving_sandbox() -> Iterator[dict[str, Any]]:
    """Serve a sandbox in a process of its own; gives its addresses."""
    command = [sys.executable, "-m", "sandbox", "--port", "0"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, cwd=ROOT, text=True) as process:
        try:
            assert process.stdout is not None
            yield json.loads(process.stdout.readline())
        finally:
            process.terminate()
            process.wait(30)


@dataclass(frozen=True)
class LiveStudy:
    """One project in a sandbox with its study; `environment` is what a process needs to work on it."""

    name: str
    folder: Path
    url: str
    token: str
    project_id: int
    home: Path

    @property
    def environment(self) -> dict[str, str]:
        return {
            "CAPSTAN_HOME": str(self.home),
            "CAPSTAN_STUDIES": str(self.folder.parent),
            "REDCAP_URL": self.url,
            f"TOKEN_{self.name.upper()}": self.token,
            "REDCAP_PROJECT_ID": str(self.project_id),
        }

    def call(self, **parameters: Any) -> requests.Response:
        return requests.post(self.url, data={"token": self.token, **parameters}, timeout=60)

    def export(self, **parameters: Any) -> bytes:
        return self.call(content="record", format="csv", **parameters).content

    def log(self) -> list[dict[str, str]]:
        return list(self.call(content="log", format="json", logtype="record").json())


def make_study(
    tmp_path: Path, *, name: str, addresses: dict[str, Any], xml: str, title: str, body: str
) -> LiveStudy:
    """Create a project from XML, and the study folder for it; `body` is the study file after its head."""
    url = addresses["redcap_url"]
    create = {
        "token": addresses["super_token"],
        "content": "project",
        "format": "json",
        "data": json.dumps([{"project_title": title, "purpose": 0}]),
        "odm": xml,
    }
    token = requests.post(url, data=create, timeout=60).text[-32:]
    return make_folder(tmp_path, name=name, addresses=addresses, token=token, title=title, body=body)


def make_folder(
    tmp_path: Path, *, name: str, addresses: dict[str, Any], token: str, title: str, body: str
) -> LiveStudy:
    """Create the study folder for a project; `body` is the study file after its head."""
    url = addresses["redcap_url"]
    info = requests.post(
        url, data={"token": token, "content": "project", "format": "json"}, timeout=60
    ).json()
    folder = tmp_path / "studies" / name
    folder.mkdir(parents=True)
    head = (
        f"study: {name}\ntitle: {title}\ntimezone: UTC\n"
        f"redcap:\n  url: {url}\n  token: {{env: TOKEN_{name.upper()}}}\n  batch_rows: 15\n"
        f"  project: {{id: {info['project_id']}, title: '{info['project_title']}', status: development}}\n"
    )
    (folder / "study.yaml").write_text(head + body, encoding="utf-8")
    return LiveStudy(name, folder, url, token, int(info["project_id"]), tmp_path / "home")
