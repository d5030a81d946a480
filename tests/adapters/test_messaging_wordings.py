"""What `capstan doctor` says of the templates in a study's folder."""

from __future__ import annotations

from pathlib import Path

from tasks.finding import Finding
from tasks.messages.wordings import look_at_wordings
from tests.unit.demo_project import demo_dictionary, demo_grid, demo_study

MESSAGE = {
    "id": "six",
    "channel": "sms",
    "to": "[baseline_arm_1][part_mobile_number]",
    "consent": "[baseline_arm_1][part_text_ok] = '1'",
    "visit": {"name": "6 month"},
    "template": "six.txt.j2",
}


def findings(folder: Path, **sources: bytes) -> list[Finding]:
    (folder / "templates").mkdir(exist_ok=True)
    for name, source in sources.items():
        (folder / "templates" / f"{name}.txt.j2").write_bytes(source)
    study = demo_study(messages=[MESSAGE], inbound={})
    return list(look_at_wordings(study, demo_dictionary(), grid=demo_grid(), folder=folder))


def test_a_good_template_is_shown_with_its_version_and_segments(tmp_path: Path) -> None:
    (finding,) = findings(tmp_path, six=b"Dear {{ part_guardian_name }}")

    assert finding.verdict == "ok"
    assert finding.said.startswith("six in en: version ")
    assert finding.said.endswith(", about 17 characters, as a text 1 segments (GSM-7)")


def test_a_wrong_name_fails_and_an_odd_character_warns(tmp_path: Path) -> None:
    found = findings(tmp_path, six="Dear {{ part_guardian }} …".encode())

    assert [finding.verdict for finding in found] == ["fail", "warn"]
    assert "did you mean 'part_guardian_name'" in found[0].said


def test_a_missing_folder_and_a_file_that_is_no_text_fail(tmp_path: Path) -> None:
    missing = findings(tmp_path)
    unreadable = findings(tmp_path, six=b"\xff\xfe")

    assert [finding.verdict for finding in (*missing, *unreadable)] == ["fail", "fail"]
    assert "save it as such" in unreadable[0].said


def test_a_study_without_messages_has_no_finding(tmp_path: Path) -> None:
    study = demo_study(messages=[])

    assert list(look_at_wordings(study, demo_dictionary(), grid=demo_grid(), folder=tmp_path)) == []
