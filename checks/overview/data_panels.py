"""The panels of a study's page that are counted in an export of all that its project holds."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import TYPE_CHECKING

import pandas as pd

from capstan.dictionary import Dictionary
from capstan.events import EventGrid, logic_layout
from capstan.overview import Panel
from checks.overview.completeness import completeness_panel
from checks.overview.consort import consort_event, consort_panel
from checks.overview.enrolment import enrolment_event, enrolment_panel
from checks.overview.participants import Participants
from checks.overview.visit_panels import calendar_panel, overdue_panel, windows_panel
from checks.quality.export import Export

if TYPE_CHECKING:
    from capstan.study import Study


def data_panels(
    study: Study,
    export: pd.DataFrame,
    *,
    dictionary: Dictionary,
    grid: EventGrid,
    visits: pd.DataFrame,
    now: datetime,
) -> Iterator[Panel]:
    """Count every panel that needs data, from a keyed export of text of all records and fields.

    `visits` has `VISIT_COLUMNS`; `now` is aware. Raises LogicError for logic that names what is not there.
    """
    layout, local = logic_layout(dictionary, grid=grid), now.astimezone(study.zone)
    by = study.arms.assigned_by
    events = {enrolment_event(study), consort_event(study), by.event if by else ""}
    participants = Participants(export, layout, events=events, now=local)
    sites = pd.Series(participants.sites, index=participants.records)
    yield enrolment_panel(study, participants, now=local)
    yield consort_panel(study, participants, layout=layout, now=local)
    yield calendar_panel(visits, sites=sites)
    yield windows_panel(study, visits, frame=export, sites=sites, record_field=dictionary.record_field)
    yield completeness_panel(Export(export, dictionary, grid), sites=sites)
    if study.page.records:
        yield overdue_panel(visits, sites=sites)
