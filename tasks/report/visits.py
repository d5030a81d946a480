"""Visits due: how many, by site and week, on a page that people who plan rooms and staff look at."""

from __future__ import annotations

from datetime import date, datetime, timedelta

import pandas as pd

from capstan.errors import CapstanError
from capstan.visits import VisitStatus
from checks.identity import GROUP_COLUMN
from tasks.connections import LiveProject
from tasks.flow_runs import flow_run_context
from tasks.redcap import read_records
from tasks.report.drawing import Drawing, Page, publish_page
from tasks.shield import run_logger, shielded

WEEKS = 8
OVERDUE, LATER = "overdue", "later"
_EVERYWHERE, _NOWHERE = "all sites", "no site"


@shielded
def publish_visits(live: LiveProject, visits: pd.DataFrame, *, sites: pd.Series[str], now: datetime) -> None:
    """Publish how many visits (`VISIT_COLUMNS`, of all participants) are due where and when.

    `sites` is the data access group by record, blank for none. Does nothing outside of a flow run.
    """
    if flow_run_context() is None:
        return
    from httpx import HTTPError

    try:
        due = due_by_site(visits, sites=sites, today=now.astimezone(live.study.zone).date())
        facts = due.to_dict("split") if len(due) else ()
        page = Page(live.study.study, "visits-due", "Visits due")
        publish_page(live.store, page, facts=facts, draw=lambda: draw_due(due), now=now)
    except (HTTPError, CapstanError) as error:  # the page is no reason not to write
        run_logger().warning("The visits due could not be published: %s", type(error).__name__)


def due_by_site(visits: pd.DataFrame, *, sites: pd.Series[str], today: date) -> pd.DataFrame:
    """Counts of visits to come, by site (rows, all of them first) and by week of their due date.

    `sites` is the site by record, blank for none. Columns: overdue, the Mondays of the weeks, later.
    """
    monday = today - timedelta(days=today.weekday())
    weeks = [f"{monday + timedelta(weeks=number):%Y-%m-%d}" for number in range(WEEKS)]
    columns = [OVERDUE, *weeks, LATER]
    is_late = visits["status"] == VisitStatus.OVERDUE
    pending = visits[is_late | visits["status"].isin([VisitStatus.DUE, VisitStatus.UPCOMING])]
    if pending.empty:
        return pd.DataFrame(columns=columns, dtype="int64")
    due = pd.to_datetime(pending["due"])
    starts = (due - pd.to_timedelta(due.dt.day_of_week, unit="D")).dt.strftime("%Y-%m-%d")
    when = starts.where(starts <= weeks[-1], LATER).mask(is_late.loc[pending.index], OVERDUE)
    where = pending["record"].map(lambda record: sites.get(record) or _NOWHERE)
    counts = pd.crosstab(where, when).reindex(columns=columns, fill_value=0)
    whole = counts.sum().to_frame(_EVERYWHERE).T
    return whole if list(counts.index) == [_NOWHERE] else pd.concat([whole, counts])


def draw_due(due: pd.DataFrame) -> Drawing:
    """Draw what `due_by_site` counted."""
    if due.empty:
        return Drawing("No visit is to come.", {}, [])
    total = {str(week): int(count) for week, count in due.T[_EVERYWHERE].items()}
    rows = [
        {"week": str(week), **{str(site): int(count) for site, count in counts.items()}}
        for week, counts in due.T.iterrows()
    ]
    said = (
        f"{sum(total.values()):,} visits are to come, of which {total[OVERDUE]:,} are overdue. A week is "
        "named by its Monday; a visit counts in the week of its due date."
    )
    then = [
        "`capstan messages plan` shows who would be reminded.",
        "REDCap's own reports show which they are.",
    ]
    return Drawing(said, total, rows, then)


@shielded
def sites_of(live: LiveProject) -> pd.Series[str]:
    """The site (data access group) of each record; none where the project has no groups."""
    record_field = live.dictionary.record_field
    return sites_in(read_records(live, fields=[record_field], access_groups=True), record_field=record_field)


def sites_in(frame: pd.DataFrame, *, record_field: str) -> pd.Series[str]:
    """The site of each record of an export with access groups; none where the project has no groups."""
    if GROUP_COLUMN not in frame.columns:
        return pd.Series(dtype="str")
    return frame.drop_duplicates(record_field).set_index(record_field)[GROUP_COLUMN]
