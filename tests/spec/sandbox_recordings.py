"""What tests of the sandbox share: where the recordings are, and a plain HTTP client."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

import pytest
import requests

from sandbox.server import Running

ROOT = Path(__file__).resolve().parents[2]
DATA = ROOT / ".." / "shared" / "data"
GOLDEN = DATA / "golden"


@dataclass(frozen=True)
class Api:
    """Posts form fields with one token."""

    url: str
    token: str

    def post(self, content: str, **fields: str) -> requests.Response:
        data = {"token": self.token, "content": content, **fields}
        return requests.post(self.url, data=data, timeout=30)

    def text(self, content: str, **fields: str) -> str:
        response = self.post(content, **fields)
        assert response.status_code == 200, response.text
        return response.content.decode()

    def json(self, content: str, **fields: str):
        return json.loads(self.text(content, format="json", **fields))


def create(server: Running, xml: str, *, title: str = "Test") -> Api:
    """Create a project as PyCap's own tests do: super token, odm, the answer's last 32 characters."""
    response = requests.post(
        server.redcap_url,
        data={
            "token": server.super_token,
            "content": "project",
            "format": "json",
            "data": json.dumps([{"project_title": title, "purpose": "0"}]),
            "odm": xml,
        },
        timeout=30,
    )
    assert response.status_code == 200, response.text
    return Api(server.redcap_url, response.text[-32:])


def recording(*names: str) -> bytes:
    """Read a recorded file, or skip the test where the recordings are absent."""
    path = DATA.joinpath(*names)
    if not path.exists():
        pytest.skip("the recordings are not on this machine")
    return path.read_bytes()


def load(server: Running, folder: str) -> Api:
    """Create the project of one recording."""
    return create(server, recording("golden", folder, "project.xml").decode(), title=folder)
