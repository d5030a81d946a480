"""Progress in a terminal: drawn only there, only for long work, and taken away at the end."""

from __future__ import annotations

import io

import pytest
from rich.console import Console

from capstan import progress
from capstan.progress import working
from cli.progress import progress_shown


def screen(*, is_terminal: bool) -> Console:
    return Console(file=io.StringIO(), force_terminal=is_terminal, width=80)


def drawn_on(console: Console) -> str:
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """All work is long."""
    monkeypatch.setattr(progress, "PATIENCE_SECONDS", 0.0)


@pytest.mark.usefixtures("impatient")
def test_long_work_has_a_bar_with_its_name_and_counts() -> None:
    console = screen(is_terminal=True)

    with progress_shown(console), working("write cells", 4) as advance:
        advance(4)

    assert "write cells" in drawn_on(console)
    assert "4/4" in drawn_on(console)


def test_short_work_draws_nothing() -> None:
    console = screen(is_terminal=True)

    with progress_shown(console), working("write cells", 4) as advance:
        advance(4)

    assert drawn_on(console) == ""


@pytest.mark.usefixtures("impatient")
def test_what_is_no_terminal_stays_as_it_is() -> None:
    console = screen(is_terminal=False)

    with progress_shown(console), working("write cells", 4) as advance:
        advance(4)

    assert drawn_on(console) == ""


@pytest.mark.usefixtures("impatient")
def test_an_error_takes_the_bar_away_too() -> None:
    console = screen(is_terminal=True)

    def work() -> None:
        with progress_shown(console), working("write cells", 4) as advance:
            advance(1)
            raise ValueError("it broke")

    with pytest.raises(ValueError, match="it broke"):
        work()
    assert drawn_on(console).endswith("\x1b[2K")
