"""Pages of counts: what stands on them, and that what people named cannot break them."""

from __future__ import annotations

import base64
from datetime import date
from xml.etree import ElementTree

import pandas as pd
import pytest

from tasks.report.bars import as_address, bars
from tasks.report.drawing import Drawing, Page, artifact_key, drawn, table
from tasks.report.page import markdown
from tasks.report.tags import tags_of
from tasks.report.visits import LATER, OVERDUE, draw_due, due_by_site

PAGE = Page("demo", "held-plans", "Held plans")
MONDAY = date(2026, 6, 1)
NO_SITES = pd.Series(dtype="str")


def visits(*rows: tuple[str, str, str]) -> pd.DataFrame:
    """Visits of record, due date and status."""
    return pd.DataFrame(rows, columns=["record", "due", "status"], dtype="str")


def test_bars_are_as_long_as_their_counts() -> None:
    svg = ElementTree.fromstring(bars({"due": 10, "overdue": 5}, title="Visits"))
    lengths = [float(one.attrib["width"]) for one in svg.iter("{http://www.w3.org/2000/svg}rect")]

    assert lengths[1] == 2 * lengths[2]


def test_a_picture_survives_any_name() -> None:
    svg = ElementTree.fromstring(bars({'<b> & "quotes"': 1}, title="<i>"))

    assert '<b> & "quotes" 1' in svg.attrib["aria-label"]


def test_a_picture_says_its_counts_to_those_who_cannot_see_it() -> None:
    svg = ElementTree.fromstring(bars({"due": 2}, title="Visits"))

    assert svg.attrib["aria-label"] == "Visits: due 2"


def test_a_picture_of_very_many_counts_sums_up_the_rest() -> None:
    svg = ElementTree.fromstring(bars({f"check {number}": 1 for number in range(40)}, title="Checks"))

    assert svg.attrib["aria-label"].endswith("check 10 1, 29 others 29")


def test_a_picture_asks_no_other_server() -> None:
    address = as_address(bars({"due": 2}, title="Visits"))

    assert base64.b64decode(address.removeprefix("data:image/svg+xml;base64,")).startswith(b"<svg ")


def test_a_page_without_counts_has_neither_picture_nor_table() -> None:
    page = drawn(PAGE, Drawing("0 plans wait.", {"due": 0}, []))

    assert page == "# Held plans, study demo"


def test_a_page_shows_its_table_and_what_to_do() -> None:
    page = drawn(PAGE, Drawing("1 plan waits.", {}, [{"plan": "`ab`", "rows": 1200}], ["Look."]))

    assert "| plan | rows |\n| --- | ---: |\n| `ab` | 1,200 |" in page
    assert page.endswith("## From here\n\n* Look.")


def test_a_name_with_a_bar_stays_in_its_cell() -> None:
    assert table([{"monitor": "a|b\nc"}]).splitlines()[-1] == "| a\\|b c |"


def test_a_key_of_an_artifact_has_letters_digits_and_dashes_only() -> None:
    assert artifact_key("Tooth_2", "check_deliveries") == "tooth-2-check-deliveries"


@pytest.mark.parametrize(
    ("summary", "tags"),
    [
        ({"study": "demo", "outcome": "idle"}, {"demo"}),
        ({"study": "demo", "outcome": "held"}, {"demo", "held"}),
        ({"study": "demo", "outcome": "dry run", "dry_run": True}, {"demo", "dry run"}),
    ],
    ids=["a plain success", "held", "dry"],
)
def test_tags_say_what_people_look_for(summary: dict[str, object], tags: set[str]) -> None:
    assert tags_of(summary) == tags


def test_a_visit_counts_in_the_week_of_its_due_date() -> None:
    found = visits(("1", "2026-06-07", "due"), ("2", "2026-06-08", "upcoming"), ("3", "2026-06-01", "due"))

    due = due_by_site(found, sites=NO_SITES, today=MONDAY)

    assert due.loc["all sites", ["2026-06-01", "2026-06-08"]].tolist() == [2, 1]


def test_a_late_visit_counts_as_overdue_whenever_it_was_due() -> None:
    due = due_by_site(visits(("1", "2026-05-01", "overdue")), sites=NO_SITES, today=MONDAY)

    assert due.loc["all sites", OVERDUE] == due.to_numpy().sum() == 1


def test_a_visit_far_away_counts_as_later() -> None:
    due = due_by_site(visits(("1", "2027-05-01", "upcoming")), sites=NO_SITES, today=MONDAY)

    assert due.loc["all sites", LATER] == 1


def test_visits_that_are_over_or_have_no_date_count_nowhere() -> None:
    found = visits(("1", "2026-06-02", "complete"), ("2", "2026-06-02", "missed"), ("3", "", "not scheduled"))

    due = due_by_site(found, sites=NO_SITES, today=MONDAY)

    assert due.empty


def test_sites_are_counted_apart_and_together() -> None:
    sites = pd.Series({"1": "north", "2": "south", "3": ""})
    found = visits(*[(record, "2026-06-03", "due") for record in ("1", "2", "3")])

    due = due_by_site(found, sites=sites, today=MONDAY)

    assert due["2026-06-01"].to_dict() == {"all sites": 3, "no site": 1, "north": 1, "south": 1}


def test_the_page_of_visits_has_a_line_for_each_week_and_a_column_for_each_site() -> None:
    sites = pd.Series({"1": "north", "2": "south"})
    found = visits(("1", "2026-06-03", "due"), ("2", "2026-05-03", "overdue"))

    page = draw_due(due_by_site(found, sites=sites, today=MONDAY))

    assert page.rows[:2] == [
        {"week": "overdue", "all sites": 1, "north": 0, "south": 1},
        {"week": "2026-06-01", "all sites": 1, "north": 1, "south": 0},
    ]
    assert page.said.startswith("2 visits are to come, of which 1 are overdue.")


@pytest.mark.parametrize(("planned", "leads"), [(3, True), (0, False)])
def test_a_report_leads_to_the_page_of_a_run_that_has_one(
    planned: int, leads: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CAPSTAN_PUBLIC_URL", "https://capstan.example.org")
    summary = {"run": "20261122-1", "study": "demo", "flow": "f", "outcome": "done", "cells_planned": planned}

    assert ("(https://capstan.example.org/studies/demo/runs/20261122-1)" in markdown(summary)) is leads


@pytest.mark.parametrize(
    ("public_url", "leads"),
    [
        ("", "`reports/demo/index.html`"),
        ("https://capstan.example.org", "(https://capstan.example.org/studies/demo/)"),
    ],
)
def test_a_report_says_where_the_page_of_the_study_is(
    public_url: str, leads: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CAPSTAN_PUBLIC_URL", public_url)

    assert leads in markdown({"study": "demo", "flow": "f", "outcome": "done"})
    assert leads not in markdown({"study": "demo", "flow": "f", "outcome": "done", "dry_run": True})
