"""Form links: on verdicts for a person's terminal, and as references that mails and pages may carry."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import replace
from datetime import datetime
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import pandas as pd

from capstan.form_links import FormLinks, with_links
from capstan.notice import Happening
from capstan.settings import load_settings
from capstan.store import Store, keep_form_links, refer_to
from capstan.structure import Structure
from capstan.study import Study
from capstan.triggers import Place

if TYPE_CHECKING:
    from tasks.connections import LiveProject


def form_links(live: LiveProject) -> FormLinks:
    """Where the forms of a live project are."""
    return _links(live.study, live.structure)


def _links(study: Study, structure: Structure) -> FormLinks:
    redcap = study.redcap
    return FormLinks.of(
        redcap.url, version=structure.version, project_id=redcap.project.id, grid=structure.grid
    )


def linked(live: LiveProject, verdicts: pd.DataFrame) -> pd.DataFrame:
    """Give verdicts the column `link`. It holds record ids: it is for the store and for a person."""
    if verdicts.empty:
        return verdicts
    return with_links(verdicts, links=form_links(live), dictionary=live.dictionary, grid=live.grid)


def remember_links(live: LiveProject, structure: Structure, *, now: datetime) -> None:
    """Keep where the project's forms are, so that a reference leads to them without a question to REDCap."""
    links = _links(live.study, structure)
    keep_form_links(live.store, live.study.study, project=live.project, links=links, now=now)


def staff_link(store: Store, study: Study, *, place: Place, now: datetime) -> str:
    """The address that sends a signed-in member of the staff to a form; it says nothing of the participant.

    A place without an instrument leads to the record's home page. "" where CAPSTAN_PUBLIC_URL is not set.
    """
    public_url = load_settings().public_url
    if not public_url:
        return ""
    project = urlsplit(study.redcap.url).hostname or "", study.redcap.project.id
    reference = refer_to(store, study.study, project=project, place=place, now=now)
    return f"{public_url}/records/{reference}"


def with_record_link(
    store: Store, study: Study, news: Iterable[Happening], *, records: Collection[str], now: datetime
) -> list[Happening]:
    """Give news of one record the address by which staff come to it; what concerns several has none."""
    if len(records) != 1:
        return list(news)
    (record,) = records
    link = staff_link(store, study, place=Place(record, "", "", ""), now=now)
    return [replace(each, link=link) for each in news]
