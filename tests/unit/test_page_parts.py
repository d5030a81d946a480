"""Parts of pages: words that fit their room, files that fit a page, and key figures that leave nobody out."""

from __future__ import annotations

import base64
import gzip
from datetime import UTC, datetime

import numpy as np
import pandas as pd
import pytest

from capstan.overview import NO_DATE, Overview, Panel
from capstan.reports import render_study_page
from capstan.reports.packing import pack
from capstan.reports.pictures.choosing import picture_of
from capstan.reports.pictures.words import broken, fitted, room_of
from capstan.reports.tables import table_of
from capstan.reports.tiles import tiles_of

NAMES = ["Kinderklinik", "12_month_follow_up_visit_arm_2", "x" * 300, "北京" * 40, "🦷 " * 30, "", " ", "a b"]


def noise(rows: int) -> pd.DataFrame:
    """A table that no compression makes small."""
    return pd.DataFrame({"n": np.random.default_rng(8).integers(0, 1 << 60, rows)})


def overview_of(*panels: Panel) -> Overview:
    return Overview("demo", "Trial", datetime(2026, 11, 23, tzinfo=UTC), "1", panels)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("room", [20, 60, 210])
def test_words_fit_the_room_that_they_have(name: str, room: int) -> None:
    lines = [*broken(name, room=room), fitted(name, room=room)]

    assert len(lines) <= 3
    assert [line for line in lines if room_of(line) > room and len(line) > 2] == []


def test_a_name_of_a_project_breaks_after_an_underscore() -> None:
    lines = broken("12_month_follow_up_arm_2", room=100)

    assert lines == ["12_month_", "follow_up_ar…"]


def test_a_table_that_is_too_large_loses_rows_and_small_ones_lose_none() -> None:
    sheets = pack([noise(10), noise(150_000), noise(20)])

    lines = [gzip.decompress(base64.b64decode(sheet.packed)).count(b"\n") - 1 for sheet in sheets]
    assert [sheet.rows for sheet in sheets] == lines
    assert (lines[0], lines[2]) == (10, 20)
    assert 0 < lines[1] < 150_000
    assert sum(len(sheet.packed) for sheet in sheets) <= 1_200_000


def test_a_page_says_how_many_rows_its_file_leaves_out() -> None:
    page = render_study_page(overview_of(Panel("other", "Other", "So many.", noise(150_000))))

    assert "the first 200 of 150,000 rows; the CSV file has the first " in page


def test_a_table_of_long_names_shows_fewer_rows() -> None:
    shown = table_of(pd.DataFrame({"site": ["x" * 1000] * 200}))

    assert (len(shown.rows), shown.total) == (40, 200)


def test_the_key_figure_counts_those_without_a_date_too() -> None:
    rows = [("2026-01-05", "", 96, 150.0), (NO_DATE, "", 6, float("nan"))]
    table = pd.DataFrame(rows, columns=["week", "site", "enrolled", "target"])

    tile = tiles_of(overview_of(Panel("enrolment", "Enrolment", "", table)))[0]

    assert (tile.figure, tile.about) == ("102", "of 150 planned, 6 without a date")


@pytest.mark.parametrize(
    ("complete", "expected", "share"), [(999, 1000, "99%"), (29, 100, "29%"), (7, 7, "100%")]
)
def test_all_forms_are_complete_only_when_the_last_one_is(complete: int, expected: int, share: str) -> None:
    columns = ["form", "event", "site", "expected", "complete", "share"]
    table = pd.DataFrame([("f", "", "", expected, complete, 0.9)], columns=columns)

    (tile,) = tiles_of(overview_of(Panel("completeness", "Complete forms", "", table)))

    assert tile.figure == share


def test_those_without_a_date_are_drawn_at_their_site() -> None:
    table = pd.DataFrame(
        [(NO_DATE, "north", 6, float("nan"))], columns=["week", "site", "enrolled", "target"]
    )

    picture = picture_of(Panel("enrolment", "Enrolment", "Six.", table), is_wide=False)

    assert picture is not None
    assert ">north<" in picture.wide


@pytest.mark.parametrize(
    ("panel", "row", "columns"),
    [
        ("windows", ("", "", "missed", 3), ["visit", "site", "placing", "visits"]),
        (
            "completeness",
            ("f", "", "", 4, 2, 0.5),
            ["form", "event", "site", "expected", "complete", "share"],
        ),
        ("calendar", ("2026-01-05", "", "due", 3), ["week", "site", "status", "visits"]),
    ],
)
def test_a_name_that_is_blank_is_no_number(panel: str, row: tuple[object, ...], columns: list[str]) -> None:
    picture = picture_of(Panel(panel, "A panel", "Some.", pd.DataFrame([row], columns=columns)), is_wide=True)

    assert picture is not None
    assert "nan" not in (picture.wide + picture.narrow).lower()


def test_visits_of_later_weeks_are_counted_as_later() -> None:
    weeks = pd.date_range("2026-01-05", periods=30, freq="7D").strftime("%Y-%m-%d")
    table = pd.DataFrame({"week": weeks, "site": "", "status": "upcoming", "visits": 1})

    picture = picture_of(Panel("calendar", "Visits", "Thirty.", table), is_wide=True)

    assert picture is not None
    assert ">18<" in picture.wide
    assert ">26<" in picture.narrow
