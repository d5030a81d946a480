"""Survey links, as the sandbox gives them over the wire."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date

import pytest
import requests

from capstan.errors import RedcapError
from capstan.redcap import Redcap
from sandbox.server import Running
from studies.demo.generate import project_xml

EVENT = "6_month_arm_2"


@pytest.fixture(scope="module")
def redcap() -> Iterator[Redcap]:
    """A trial in which the exam is a survey."""
    with Running() as sandbox:
        xml = project_xml(date(2026, 6, 1), participants=5)
        made = requests.post(f"{sandbox.control_url}projects", json={"xml": xml}, timeout=60).json()
        surveys = f"{sandbox.control_url}projects/{made['project_id']}/surveys"
        requests.post(surveys, json={"instrument": "exam"}, timeout=30).raise_for_status()
        yield Redcap(sandbox.redcap_url, made["token"])


def test_a_link_is_one_record_s_own_and_stays_the_same(redcap: Redcap) -> None:
    links = [redcap.survey_links.of_survey(record, "exam", event=EVENT) for record in ("1", "1", "2")]

    assert links[0] == links[1] != links[2]
    assert all("/surveys/?s=" in link for link in links)


def test_a_queue_has_a_link_for_each_record(redcap: Redcap) -> None:
    links = {redcap.survey_links.of_queue(record) for record in ("1", "2")}

    assert len(links) == 2
    assert all("/surveys/?sq=" in link for link in links)


@pytest.mark.parametrize(("record", "form"), [("1", "randomization"), ("nobody", "exam")])
def test_where_there_is_no_link_redcap_says_so_and_no_record_is_named(
    record: str, form: str, redcap: Redcap
) -> None:
    with pytest.raises(RedcapError) as raised:
        redcap.survey_links.of_survey(record, form, event=EVENT)

    assert not raised.value.retryable
    assert "nobody" not in str(raised.value)
