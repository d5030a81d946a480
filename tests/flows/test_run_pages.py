"""What a Prefect server shows of runs: names, tags, reports, pages of the study, progress."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from prefect_servers import PrefectServer, own_prefect

HERE = Path(__file__).resolve().parent


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PrefectServer]:
    """A server that has seen two runs."""
    folder = tmp_path_factory.mktemp("pages")
    with own_prefect(folder / "server") as running:
        environment = {**running.environment, "CAPSTAN_HOME": str(folder / "home")}
        command = [sys.executable, str(HERE / "paged_runs.py")]
        done = subprocess.run(command, env=environment, capture_output=True, timeout=120, cwd=HERE.parents[1])
        assert done.returncode == 0, done.stderr.decode()
        yield running


def runs(server: PrefectServer) -> list[dict[str, Any]]:
    return list(server.ask("flow_runs/filter", sort="START_TIME_ASC"))


def artifacts(server: PrefectServer, key: str | None) -> list[dict[str, Any]]:
    return [one for one in server.ask("artifacts/filter") if one["key"] == key]


def test_a_run_is_named_after_its_study_and_what_is_special_about_it(server: PrefectServer) -> None:
    assert [run["name"] for run in runs(server)] == ["try-pages demo", "try-pages demo (one event, dry)"]


def test_a_run_is_found_by_study_and_by_what_was_no_plain_success(server: PrefectServer) -> None:
    assert [set(run["tags"]) for run in runs(server)] == [{"demo"}, {"demo", "dry run", "held"}]


def test_the_reports_of_a_flow_are_one_history(server: PrefectServer) -> None:
    told = {one["description"] for one in artifacts(server, "demo-try-pages")}

    assert told == {"done, 4 cells written", "held, 4 cells written"}


def test_a_page_that_shows_the_same_is_published_once(server: PrefectServer) -> None:
    (page,) = artifacts(server, "demo-held-plans")

    assert page["description"] == "1 plan waits."
    assert "capstan plan approve" in page["data"]


def test_a_page_without_anything_on_it_is_not_begun(server: PrefectServer) -> None:
    assert artifacts(server, "demo-stopped-rows") == []


def test_long_work_is_one_progress_of_its_run(server: PrefectServer) -> None:
    shown = artifacts(server, None)

    assert {(one["type"], one["description"]) for one in shown} == {("progress", "write cells: 4 of 4")}
    assert {one["flow_run_id"] for one in shown} == {run["id"] for run in runs(server)}
