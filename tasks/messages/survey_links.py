"""Survey links: fetched from REDCap one by one, for those messages that will be sent."""

from __future__ import annotations

from collections.abc import Hashable, Mapping

import pandas as pd

from capstan.contact.list import LINK_COLUMNS
from capstan.errors import RedcapBanned, RedcapError, RightMissing, TokenRefused
from capstan.progress import working
from tasks.connections import LiveProject
from tasks.shield import run_logger

_OF_ALL = (RedcapBanned, RightMissing, TokenRefused)


def fetch_links(live: LiveProject, lacking: pd.DataFrame) -> pd.DataFrame:
    """Fetch the links of `LINK_COLUMNS` rows; a blank survey is the queue.

    A participant for whom REDCap has no link is left out. Raises RedcapError where the next one would fail
    in the same way.
    """
    lines = lacking[list(LINK_COLUMNS)].to_dict("records")
    found = []
    with working("fetch survey links", len(lines)) as advance:
        for line in lines:
            if link := _link(live, line):
                found.append({**line, "link": link})
            advance(1)
    run_logger().info("fetched %d survey links of %d", len(found), len(lines))
    return pd.DataFrame(found, columns=list(LINK_COLUMNS), dtype="str")


def _link(live: LiveProject, line: Mapping[Hashable, str]) -> str:
    record, survey = line["record"], line["survey"]
    try:
        if not survey:
            return live.redcap.survey_links.of_queue(record)
        return live.redcap.survey_links.of_survey(
            record, survey, event=line["event"], instance=line["instance"]
        )
    except RedcapError as error:
        if error.retryable or isinstance(error, _OF_ALL):
            raise
        return ""
