"""Takes the pictures of Prefect's pages: `python -m docs.prefect_pictures`, with a Chromium at hand."""

from __future__ import annotations

import tempfile
from pathlib import Path
from urllib.parse import urlsplit

from playwright.sync_api import Page, Route, sync_playwright

from docs.picture import chromium
from docs.prefect_stage import Stage, prefect_stage
from tasks.references import references_of

FOLDER = Path(__file__).parent
_SIZE = {"width": 1180, "height": 820}
_RUNS = ("compute-visit-dates", "check-eligibility", "run-monitors")


def main() -> None:
    """Write the list of deployments, the form of a run for one participant, and the page of a run."""
    with tempfile.TemporaryDirectory() as folder, prefect_stage(Path(folder)) as stage:
        for flow in _RUNS:
            stage.start(flow)
        stage.work()
        take(stage)


def take(stage: Stage) -> None:
    """Take the pictures of a stage on which the flows have run."""
    reference = references_of("demo", records=["7"])["7"]
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium(), args=["--no-sandbox"])
        page = browser.new_page(viewport=_SIZE, color_scheme="light")  # type: ignore[arg-type]
        page.route("**/*", _stay_here)
        _take_list(page, stage)
        _take_form(page, stage, reference)
        _take_run(page, stage)
        browser.close()


def _take_list(page: Page, stage: Stage) -> None:
    _open(page, f"{stage.pages}/v2/deployments", said="compute-visit-dates")
    page.screenshot(path=FOLDER / "prefect-deployments.png")


def _take_form(page: Page, stage: Stage, reference: str) -> None:
    address = f"{stage.pages}/v2/deployments/deployment/{stage.deployment(_RUNS[0])}/run"
    _open(page, address, said="One participant (Optional)")
    page.get_by_label("One participant").fill(reference)
    page.get_by_label("One event").fill("6_month_arm_2")
    page.get_by_role("switch").first.click()
    page.screenshot(path=FOLDER / "prefect-form.png")


def _take_run(page: Page, stage: Stage) -> None:
    run = next(run for run in stage.runs() if run["name"].startswith(_RUNS[0]))
    _open(page, f"{stage.pages}/v2/runs/flow-run/{run['id']}?tab=Artifacts", said="demo-compute-visit-dates")
    page.screenshot(path=FOLDER / "prefect-run.png")


def _open(page: Page, address: str, *, said: str) -> None:
    page.goto(address)
    page.get_by_text(said).first.wait_for(timeout=30_000)
    page.wait_for_timeout(1500)  # until what moves on the page has come to rest


def _stay_here(route: Route) -> None:
    """Let pages talk to their own server only."""
    if urlsplit(route.request.url).hostname == "127.0.0.1":
        route.continue_()
    else:
        route.abort()


if __name__ == "__main__":
    main()
