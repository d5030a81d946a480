"""The page of a look at a project's quality, beside those of runs: what the checks said, with examples."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from datetime import UTC, datetime
from importlib.metadata import version
from types import MappingProxyType
from typing import Any

import pandas as pd

from capstan.errors import CapstanError
from capstan.overview import Overview
from capstan.settings import load_settings
from checks.overview.run_panels import run_panels
from checks.overview.run_stopped import examples_of
from checks.overview.run_story import BATCH_COLUMNS, OUTCOME_COLUMNS, ProjectNames, RunStory
from tasks.connections import LiveProject
from tasks.form_links import linked
from tasks.page_folders import STUDY_PAGE, runs_of
from tasks.pages.examples import examples_for
from tasks.private_files import replace_privately
from tasks.ran_with import ran_with
from tasks.shield import run_logger, shielded
from tasks.step_times import steps_taken

_COUNTS = MappingProxyType(
    {
        "records": "records",
        "rows_judged": "rows looked at",
        "accepted": "findings accepted by quality.exceptions",
    }
)


def keep_look_page(
    live: LiveProject, summary: Mapping[str, Any], *, verdicts: pd.DataFrame, now: datetime
) -> None:
    """Write the page of a look that found something: its summary in counts, and what the checks said.

    A page that cannot be written changes nothing of what was found: then the log says so.
    """
    if verdicts.empty:
        return
    try:
        _keep(live, summary, verdicts=verdicts, now=now)
    except CapstanError as error:
        run_logger().warning("The page of the run could not be written: %s", type(error).__name__)


@shielded
def _keep(live: LiveProject, summary: Mapping[str, Any], *, verdicts: pd.DataFrame, now: datetime) -> None:
    from capstan.reports import render_run_page

    # As the id of a run, of which the journal knows nothing.
    name = f"{now.astimezone(UTC):%Y%m%d-%H%M%S}-{secrets.token_hex(3)}"
    overview = Overview(
        study=live.study.study,
        title=f"Data quality: {summary['outcome']}",
        made_at=now,
        version=version("capstan"),
        panels=run_panels(_story(live, summary, verdicts=verdicts, now=now)),
        links=(("the study", f"../{STUDY_PAGE}"),),
    )
    path = runs_of(load_settings().home, live.study.study) / f"{name}.html"
    replace_privately(path, render_run_page(overview).encode())


def _story(
    live: LiveProject, summary: Mapping[str, Any], *, verdicts: pd.DataFrame, now: datetime
) -> RunStory:
    about = {**ran_with(live), "steps": steps_taken()}
    return RunStory(
        said="All that the project holds was judged; nothing was written to REDCap.",
        facts=_facts(live, summary, about=about, now=now),
        counts={words: summary[name] for name, words in _COUNTS.items() if summary.get(name)},
        about=about,
        outcomes=pd.DataFrame(columns=list(OUTCOME_COLUMNS), dtype="str"),
        batches=pd.DataFrame(columns=list(BATCH_COLUMNS)),
        verdicts=verdicts,
        examples=_examples(live, verdicts, now=now),
        names=ProjectNames.of(live.dictionary, grid=live.grid),
        has_written=False,
        names_records=live.study.page.records,
    )


def _examples(live: LiveProject, verdicts: pd.DataFrame, *, now: datetime) -> pd.DataFrame:
    if live.study.page.records:
        return linked(live, examples_of(verdicts))
    return examples_for(live.store, live.study.study, project=live.project, found=verdicts, now=now)


def _facts(
    live: LiveProject, summary: Mapping[str, Any], *, about: Mapping[str, Any], now: datetime
) -> dict[str, str]:
    told = {
        "flow": str(summary["flow"]),
        "project": f"{live.study.redcap.project.id} on {live.project[0]}",
        "ended": f"{now.astimezone(live.study.zone):%Y-%m-%d %H:%M:%S} ({live.study.timezone})",
        "started by": str(about.get("started", "")),
        "flow run": str(about.get("flow_run", "")),
        "suite of expectations": str(summary.get("suite", "")),
        "to see the findings": f"capstan queries list --study {live.study.study}",
    }
    return {what: words for what, words in told.items() if words}
