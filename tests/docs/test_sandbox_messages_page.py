"""The page of the sandbox tells what becomes of a message to every phone."""

from __future__ import annotations

import re
from pathlib import Path

from sandbox.twilio.fates import FATES

PAGE = Path(__file__).resolve().parents[2] / "docs" / "sandbox.md"


def told() -> dict[str, str]:
    """Return what the table says, by the two digits; two phones stand in each row."""
    cells = re.findall(r"\| ([0-9]{2})(?:, 60–99)? \| ([^|]+) (?=\|)", PAGE.read_text("utf-8"))
    return dict(cells)


def test_every_fate_of_a_phone_is_told() -> None:
    assert set(told()) == set(FATES)


def test_the_codes_of_fates_are_told() -> None:
    codes = {
        digits: {fate.refusal, *(step.code for step in (*fate.steps, *fate.first))} - {0}
        for digits, fate in FATES.items()
    }

    assert [
        digits for digits, known in codes.items() if any(str(code) not in told()[digits] for code in known)
    ] == []


def test_what_people_answer_is_told() -> None:
    replying = {digits for digits, fate in FATES.items() if fate.replies}

    assert {digits for digits, text in told().items() if text.startswith("answers")} == replying
