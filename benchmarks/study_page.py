"""What the page of a large study weighs, and how long a browser takes to show it."""

from __future__ import annotations

import sys
import tempfile
import time
from pathlib import Path
from statistics import median

from playwright.sync_api import Browser, sync_playwright

from docs.picture import chromium

# The studies of any size are those of the tests of the page.
sys.path.insert(0, str(Path(__file__).parents[1] / "tests" / "browser"))

from study_overviews import study_of

from benchmarks.figures import Measure
from capstan.overview import Overview
from capstan.reports import render_study_page

ROUNDS = 5
PEOPLE, WEIGHT_MB, OPENING_SECONDS = 10_000, 2.0, 1.0
# Sites, forms, events, and what the name of a site begins with.
SHAPES = ((20, 30, 12, "Site"), (60, 60, 30, "A university hospital with a long name, building"))


def main() -> int:
    """Print what each page takes; 1 if one is too heavy or too slow."""
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium(), args=["--no-sandbox"])
        measures = [
            each for shape in SHAPES for each in _measure(browser, Path(folder) / "page.html", shape=shape)
        ]
        browser.close()
    print(*measures, sep="\n")  # noqa: T201
    return int(any(one.is_broken for one in measures))


def _measure(browser: Browser, path: Path, *, shape: tuple[int, int, int, str]) -> list[Measure]:
    sites, forms, events, name = shape
    places = [f"{name} {number}" for number in range(sites)]
    study = study_of(people=PEOPLE, sites=places, forms=forms, events=events)
    drawing = _write(study, path)
    told = f"{PEOPLE:,} participants, {sites} sites, {forms} forms, {events} events"
    print(f"{told}: drawn in {drawing:.1f} s")  # noqa: T201
    opening = median(_opening_seconds(browser, path) for _ in range(ROUNDS))
    return [
        Measure(f"{told}: megabytes", path.stat().st_size / 1e6, WEIGHT_MB, noise=0),
        Measure(f"{told}: seconds to open", opening, OPENING_SECONDS),
    ]


def _write(study: Overview, path: Path) -> float:
    begun = time.perf_counter()
    path.write_text(render_study_page(study), encoding="utf-8")
    return time.perf_counter() - begun


def _opening_seconds(browser: Browser, path: Path) -> float:
    """From asking for the page until it is laid out and painted."""
    page = browser.new_page(viewport={"width": 1280, "height": 800})
    begun = time.perf_counter()
    page.goto(path.as_uri())
    page.evaluate("new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))")
    spent = time.perf_counter() - begun
    page.close()
    return spent


if __name__ == "__main__":
    raise SystemExit(main())
