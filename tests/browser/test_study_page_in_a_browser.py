"""The page of a study, as people open it: from a file, at any width, in light and dark, and on paper."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page
from study_overviews import HOSTILE, large, overview_of, study_of

from capstan.reports import render_study_page

PAGES = {
    "large": large,
    "empty": lambda: overview_of({}),
    "hostile": lambda: study_of(people=40, sites=list(HOSTILE), forms=3, events=1),
}
SIZES = {"phone": (360, 780), "desktop": (1280, 800)}
# Of each what it is made of: axe takes seconds for the many cells of a large page.
LOOKS = [
    ("large", "desktop", "light"),
    ("hostile", "phone", "light"),
    ("hostile", "phone", "dark"),
    ("hostile", "desktop", "dark"),
    ("empty", "desktop", "dark"),
]
OUTSIDE = """() => [...document.querySelectorAll(".picture text")].filter((text) => {
  const shown = text.getBoundingClientRect(), room = text.ownerSVGElement.getBoundingClientRect();
  return room.width && (shown.left < room.left - 1 || shown.right > room.right + 1);
}).map((text) => text.textContent)"""


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("pages")
    for name, overview in PAGES.items():
        (folder / f"{name}.html").write_text(render_study_page(overview()), encoding="utf-8")
    return {name: folder / f"{name}.html" for name in PAGES}


@pytest.fixture
def opened(browser: Browser) -> Iterator[Page]:
    """A page of files that fails the test when it asks a host for anything or when a script of a name runs."""
    asked: list[str] = []
    context = browser.new_context()
    page = context.new_page()
    page.on("request", lambda request: asked.append(request.url))
    page.on("dialog", lambda dialog: (asked.append("a dialog"), dialog.dismiss()))
    yield page
    context.close()
    assert [url for url in asked if not url.startswith(("file:", "data:", "blob:"))] == []


@pytest.mark.parametrize(("name", "size", "scheme"), LOOKS)
def test_no_page_has_a_serious_fault_for_people_who_see_or_move_otherwise(
    opened: Page, files: dict[str, Path], name: str, size: str, scheme: Any
) -> None:
    width, height = SIZES[size]
    opened.set_viewport_size({"width": width, "height": height})
    opened.emulate_media(color_scheme=scheme)
    opened.goto(files[name].as_uri())

    assert [fault["id"] for fault in Axe().run(opened).response["violations"]] == []


@pytest.mark.parametrize("name", PAGES)
@pytest.mark.parametrize(
    ("width", "medium"), [(360, "screen"), (800, "screen"), (1280, "screen"), (690, "print")]
)
def test_nothing_is_wider_than_its_page_and_no_word_of_a_picture_is_cut(
    opened: Page, files: dict[str, Path], name: str, width: int, medium: Any
) -> None:
    opened.set_viewport_size({"width": width, "height": 800})
    opened.emulate_media(media=medium)
    opened.goto(files[name].as_uri())

    assert opened.evaluate("document.documentElement.scrollWidth") <= width
    assert opened.evaluate(OUTSIDE) == []


def test_the_page_of_a_large_study_is_small(files: dict[str, Path]) -> None:
    assert files["large"].stat().st_size < 1_000_000


def test_no_study_makes_a_page_that_is_not_small() -> None:
    sites = [f"A university hospital with a long name, building {number}" for number in range(60)]
    page = render_study_page(study_of(people=10_000, sites=sites, forms=60, events=30))

    assert len(page.encode()) < 2_000_000


def test_a_picture_and_its_table_can_be_taken_from_a_file(opened: Page, files: dict[str, Path]) -> None:
    opened.goto(files["large"].as_uri())

    with opened.expect_download() as picture:
        opened.get_by_role("button", name="Download Forms complete as PNG").click()
    with opened.expect_download() as table:
        opened.get_by_role("button", name="Download Forms complete as CSV").click()

    assert picture.value.suggested_filename == "demo-completeness.png"
    assert Path(picture.value.path()).read_bytes().startswith(b"\x89PNG")
    assert len(Path(table.value.path()).read_text("utf-8-sig").splitlines()) == 1 + 30 * 12 * 20


def test_hostile_names_are_words_in_pictures_and_no_formulas_in_tables(
    opened: Page, files: dict[str, Path]
) -> None:
    opened.goto(files["hostile"].as_uri())

    with opened.expect_download() as table:
        opened.get_by_role("button", name="Download Enrolment as CSV").click()

    assert opened.locator("img").count() == 0
    assert opened.locator("script").count() == 1
    assert ",'=HYPERLINK(1)," in Path(table.value.path()).read_text("utf-8-sig")


def test_an_empty_study_says_so_in_words(opened: Page, files: dict[str, Path]) -> None:
    opened.goto(files["empty"].as_uri())

    assert opened.locator("#enrolment .empty").inner_text() == "Nobody is enrolled yet."
    assert opened.locator("svg").count() == 0


def test_pictures_are_dark_on_a_dark_screen(opened: Page, files: dict[str, Path]) -> None:
    colours = set()
    for scheme in ("light", "dark"):
        opened.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
        opened.goto(files["large"].as_uri())
        colours.add(opened.locator("#consort svg text").first.evaluate("one => getComputedStyle(one).fill"))

    assert colours == {"rgb(29, 36, 48)", "rgb(230, 232, 236)"}
