"""Runs that are due in a quiet window are put off, without a request to REDCap."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from contact_study import make_contact

from cli.calling import call_flow


def test_a_run_in_a_quiet_window_is_put_off(
    tmp_path: Path, addresses: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    contact = make_contact(tmp_path, addresses, monkeypatch)
    file = contact.study.folder / "study.yaml"
    text = file.read_text(encoding="utf-8")
    file.write_text(text.replace("redcap:\n", 'redcap:\n  quiet: ["00:00-24:00"]\n', 1), encoding="utf-8")

    ended = call_flow("check_replies", {"study": contact.study.name})

    assert ended["outcome"] == "put off"
    assert "REDCap is left alone until 24:00" in ended["reason"]
