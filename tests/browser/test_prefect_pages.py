"""Prefect's pages as a study team uses them: deployments, the form of a run, its page, and what it left."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from docs.prefect_stage import Stage, prefect_stage
from tasks.references import references_of


@pytest.fixture(scope="module", autouse=True)  # before the browser, which keeps an event loop
def stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    with prefect_stage(
        tmp_path_factory.mktemp("stage"), flows=("compute_visit_dates", "send_messages")
    ) as made:
        yield made


def open_form(page: Page, stage: Stage, flow: str) -> None:
    page.goto(f"{stage.pages}/deployments/deployment/{stage.deployment(flow)}/run")
    expect(page.get_by_text("Parameters", exact=True)).to_be_visible(timeout=30_000)


def field(page: Page, name: str) -> Any:
    """The part of a form that asks for a parameter."""
    return page.locator(".p-label", has_text=name).first


def test_the_list_of_deployments_tells_flows_of_a_study_apart(page: Page, stage: Stage) -> None:
    page.goto(f"{stage.pages}/deployments")

    expect(page.get_by_text("compute-visit-dates")).to_be_visible(timeout=30_000)
    expect(page.get_by_text("send-messages")).to_be_visible()
    expect(page.get_by_text("demo").first).to_be_visible()


def test_a_form_asks_in_words_and_has_switches_and_dates(page: Page, stage: Stage) -> None:
    open_form(page, stage, "compute-visit-dates")

    for name in ("Study", "One participant", "One event", "Day to compute for", "Dry run"):
        expect(field(page, name)).to_be_visible()
    expect(page.get_by_text("Never a record id, which would be kept.")).to_be_visible()
    expect(field(page, "Dry run").get_by_role("switch")).not_to_be_checked()


def test_a_record_id_in_the_form_starts_no_run_and_is_kept_nowhere(page: Page, stage: Stage) -> None:
    open_form(page, stage, "compute-visit-dates")
    field(page, "One participant").get_by_role("textbox").fill("TFT-SECRET-7")

    page.get_by_role("button", name="Submit").click()

    expect(page.get_by_text("does not match").first).to_be_visible()
    assert stage.runs() == []
    assert all(b"TFT-SECRET" not in file.read_bytes() for file in stage.home.rglob("*") if file.is_file())


def test_a_dry_run_for_one_participant_goes_from_the_form_to_its_report(page: Page, stage: Stage) -> None:
    reference = references_of("demo", records=["7"])["7"]
    open_form(page, stage, "compute-visit-dates")
    field(page, "One participant").get_by_role("textbox").fill(reference)
    field(page, "Dry run").get_by_role("switch").click()

    page.get_by_role("button", name="Submit").click()
    page.wait_for_url(lambda url: not url.endswith("/run"))
    stage.work()

    (run,) = stage.runs()
    assert run["state_type"] == "COMPLETED"
    assert run["parameters"]["participant"] == reference
    page.goto(f"{stage.pages}/runs/flow-run/{run['id']}")
    expect(page.get_by_text("Completed").first).to_be_visible(timeout=30_000)
    page.get_by_text("Parameters", exact=True).first.click()
    expect(page.get_by_text(reference).first).to_be_visible()
    page.get_by_text("Artifacts", exact=True).first.click()
    expect(page.get_by_text("demo-compute-visit-dates").first).to_be_visible()
