"""Takes the pictures of the demo's page: `python -m docs.page_pictures`, after `make demo`."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Literal

from playwright.sync_api import Browser, sync_playwright

from docs.picture import chromium
from studies.demo.__main__ import HOME, STUDY
from tasks.page_folders import STUDY_PAGE, pages_of

FOLDER = Path(__file__).parent
_SIZE = {"width": 1180, "height": 980}


def main() -> int:
    """Take the page that the last demo left, in light and dark; 1 if there was none."""
    path = pages_of(HOME / "home", STUDY) / STUDY_PAGE
    if not path.exists():
        sys.stderr.write("There is no page of the demo yet: make demo ARGS=--no-wait\n")
        return 1
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium(), args=["--no-sandbox"])
        take(browser, path, scheme="light")
        take(browser, path, scheme="dark")
        browser.close()
    return 0


def take(browser: Browser, path: Path, *, scheme: Literal["light", "dark"]) -> None:
    """Take the first screen of a page."""
    page = browser.new_page(viewport=_SIZE, color_scheme=scheme)  # type: ignore[arg-type]
    page.goto(path.as_uri())
    page.screenshot(path=FOLDER / f"study-page-{scheme}.png")
    page.close()


if __name__ == "__main__":
    raise SystemExit(main())
