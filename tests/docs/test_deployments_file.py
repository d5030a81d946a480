"""The repository's prefect.yaml is what `capstan deployments demo` writes, and names what there is."""

from __future__ import annotations

import shlex
import sys
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
import yaml
from shell_blocks import ROOT
from typer.testing import CliRunner

from cli.main import app
from tasks.clone import describe_clone


@pytest.fixture
def written(monkeypatch: pytest.MonkeyPatch) -> str:
    # Times follow from no variable, so that the file can be written on any machine.
    for name in ("REDCAP_URL", "REDCAP_PROJECT_ID", "TWILIO_URL", "SMTP_PORT"):
        monkeypatch.delenv(name, raising=False)
    return CliRunner().invoke(app, ["deployments", "demo"]).stdout


def test_the_file_of_the_repository_is_the_one_that_is_written(written: str) -> None:
    assert (ROOT / "prefect.yaml").read_text(encoding="utf-8") == written


def test_every_entrypoint_is_a_flow(written: str) -> None:
    listed: list[dict[str, Any]] = yaml.safe_load(written)["deployments"]
    modules = [one["entrypoint"].rpartition(".") for one in listed]

    flows = {getattr(import_module(module), name).name for module, _, name in modules}

    assert len(flows) == len(listed) > 10


def test_pool_queue_and_file_are_chosen_by_options(tmp_path: Path) -> None:
    out = tmp_path / "north.yaml"

    done = CliRunner().invoke(
        app, ["deployments", "demo", "--out", str(out), "--pool", "kube", "--queue", "night"]
    )

    assert done.exit_code == 0
    assert f"--prefect-file {out}" in done.stderr
    deployments = yaml.safe_load(out.read_text(encoding="utf-8"))["deployments"]
    assert {(one["work_pool"]["name"], one["work_pool"]["work_queue_name"]) for one in deployments} == {
        ("kube", "night")
    }


@pytest.mark.parametrize(("options", "seconds"), [([], []), (["--heartbeat"], [600])])
def test_a_heartbeat_is_sent_where_it_is_asked_for(options: list[str], seconds: list[int]) -> None:
    done = CliRunner().invoke(app, ["deployments", "demo", *options])

    listed = yaml.safe_load(done.stdout)["deployments"]
    (heart,) = (one for one in listed if one["entrypoint"].endswith("send_heartbeat"))
    assert [one["interval"] for one in heart["schedules"]] == seconds


def test_the_version_is_that_of_git_or_of_the_package(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path.parent))
    monkeypatch.chdir(tmp_path)
    told = describe_clone()

    assert (told["directory"], told["version"]) == (str(tmp_path), "0.1.0")


def test_what_runs_a_flow_is_the_python_of_the_clone_wherever_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "executable", "/srv/two words/python")

    assert shlex.split(describe_clone()["engine"]) == ["/srv/two words/python", "-m", "prefect.engine"]


def test_no_run_begins_with_a_process_that_only_looks_for_the_flow() -> None:
    listed = yaml.safe_load(CliRunner().invoke(app, ["deployments", "demo"]).stdout)["deployments"]

    assert {one["work_pool"]["job_variables"]["command"] for one in listed} == {"{{ clone.engine }}"}
