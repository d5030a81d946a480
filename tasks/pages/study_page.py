"""The page of a study: drawn anew by each run that changed what it shows, and linked in Prefect."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from importlib.metadata import version
from pathlib import Path

from capstan.errors import CapstanError
from capstan.overview import Overview, Panel
from capstan.settings import load_settings
from capstan.store import Store
from capstan.store.panels import KeptPanel, keep_panels, read_panels
from capstan.study import Study, find_study, read_study
from tasks.connections import open_store
from tasks.flow_runs import flow_run_context
from tasks.folders import study_folders
from tasks.page_folders import STUDY_PAGE, docs_of, pages_of
from tasks.pages.panels import collect_panels, write_panel
from tasks.private_files import replace_privately
from tasks.shield import run_logger, shielded

# What was drawn last, beside the panels: digests of all of it, and of what was counted in data.
_PAGE = "page"
_QUIET = frozenset({"idle", "put off"})
# Its outcome is of what it wrote to REDCap; what it found is more.
_LOOKS = frozenset({"data_quality"})
_STALE = timedelta(days=1)


def renew(store: Store, summary: Mapping[str, object]) -> None:
    """Draw a study's page anew if what it shows has changed, or it is of yesterday; dry runs change nothing.

    A run that found nothing to do pays for one query. A page that cannot be drawn changes nothing of what
    the run did: then the log says so.
    """
    if summary.get("dry_run") or not summary["study"]:
        return
    try:
        _renew(store, summary, now=datetime.now(UTC))
    except CapstanError as error:
        run_logger().warning("The page of the study could not be drawn: %s", type(error).__name__)


@shielded
def make_page(study: str) -> Path:
    """Draw a study's page now, and return where it is."""
    settings = load_settings()
    known = read_study(find_study(study, folders=study_folders(settings)))
    with open_store(settings) as store:
        _draw(store, known, kept=read_panels(store, study), now=datetime.now(UTC), is_forced=True)
    return page_path(study)


def page_path(study: str) -> Path:
    """Where the page of a study is, or will be."""
    return pages_of(load_settings().home, study) / STUDY_PAGE


@shielded
def _renew(store: Store, summary: Mapping[str, object], *, now: datetime) -> None:
    study = str(summary["study"])
    is_quiet = summary.get("outcome") in _QUIET and summary.get("flow") not in _LOOKS
    if is_quiet and _is_fresh(study, kept=read_panels(store, study, only=_PAGE), now=now):
        return
    known = read_study(find_study(study, folders=study_folders(load_settings())))
    _draw(store, known, kept=read_panels(store, study), now=now)
    if not is_quiet:
        _link(known)


def _is_fresh(study: str, *, kept: Mapping[str, KeptPanel], now: datetime) -> bool:
    last = kept.get(_PAGE)
    if last is None or now - last.at >= _STALE or not page_path(study).exists():
        return False
    return bool(json.loads(last.content)["counted"] == _counted_digest(kept))


def _draw(
    store: Store, study: Study, *, kept: Mapping[str, KeptPanel], now: datetime, is_forced: bool = False
) -> None:
    """Write the page, unless the last one shows the same on the same day."""
    panels = collect_panels(store, study, kept=kept, now=now)
    links = (("Data Docs", "data-docs/index.html"),) if _has_docs(study) else ()
    content = {"shown": _shown_digest(study, panels, now=now), "counted": _counted_digest(kept)}
    path, last = page_path(study.study), kept.get(_PAGE)
    if not is_forced and last and path.exists() and json.loads(last.content) == content:
        return
    # Only a run that draws pays for what draws.
    from capstan.reports import render_study_page

    overview = Overview(
        study.study, study.title, now.astimezone(study.zone), version("capstan"), panels, links
    )
    replace_privately(path, render_study_page(overview).encode())
    keep_panels(store, study.study, panels={_PAGE: json.dumps(content)}, now=now)


def _shown_digest(study: Study, panels: tuple[Panel, ...], *, now: datetime) -> str:
    head = (study.title, f"{now.astimezone(study.zone):%Y-%m-%d}", version("capstan"))
    return hashlib.sha256("\n".join([*head, *map(write_panel, panels)]).encode()).hexdigest()


def _counted_digest(kept: Mapping[str, KeptPanel]) -> str:
    parts = [f"{name} {panel.digest}" for name, panel in kept.items() if name != _PAGE]
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()


def _has_docs(study: Study) -> bool:
    """Whether there are Data Docs at an address beside the page's: only the receiver serves them there."""
    settings = load_settings()
    return bool(settings.public_url) and (docs_of(settings.home, study.study) / "index.html").exists()


def _link(study: Study) -> None:
    """Show the page's address on the flow run, where the receiver serves it."""
    public_url = load_settings().public_url
    if not public_url or flow_run_context() is None:
        return
    from httpx import HTTPError
    from prefect.artifacts import create_link_artifact

    from tasks.report.drawing import artifact_key

    address = f"{public_url}/studies/{study.study}/"
    try:
        create_link_artifact(
            link=address, link_text=f"The page of {study.title}", key=artifact_key(study.study, "page")
        )
    except HTTPError as error:
        run_logger().warning("The page of the study could not be linked: %s", type(error).__name__)
