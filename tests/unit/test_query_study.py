"""The query instrument of a study file: it must repeat, be designated, and take what is written."""

from __future__ import annotations

from typing import Any

import pytest

from capstan.needs import query_targets
from capstan.study.check import check_study
from tests.unit.demo_project import demo_dictionary, demo_grid, demo_study

FORM, EVENT = "sms_survey_log", "6_month"


def problems(
    *, name: str = FORM, event: str = EVENT, allow: tuple[str, ...] = (FORM,), **fields: str
) -> list[str]:
    named = {"number": "txt_error_code", **fields}
    instrument: dict[str, Any] = {"name": name, "event": event, "fields": named}
    study = demo_study(quality={"queries": {"instrument": instrument}}, writes={"allow": [*ALLOWED, *allow]})
    found = check_study(study, demo_dictionary(), grid=demo_grid())
    return [str(problem) for problem in found if problem.place.startswith("quality")]


ALLOWED = tuple(demo_study().writes.allow)


def test_an_instrument_that_repeats_and_takes_text_has_no_problem() -> None:
    assert problems(reason="txt_message", check="txt_twilio_sid") == []


def test_a_study_without_an_instrument_writes_no_queries() -> None:
    assert query_targets(demo_study()) == frozenset()


@pytest.mark.parametrize(
    ("parts", "said"),
    [
        ({"name": "sms_log"}, "there is no instrument 'sms_log'; did you mean 'sms_survey_log'"),
        ({"event": "baselin"}, "there is no event 'baselin'"),
        ({"name": "exam", "number": "exam_remarks"}, "exam does not repeat on 6_month_arm_2"),
        ({"check": "part_first_name"}, "sms_survey_log has no field 'part_first_name'"),
        ({"state": "txt_twilio_status"}, "has no choice for open, answered, dismissed, closed"),
        ({"check": "txt_sent_at"}, "does not take this; name a text field"),
    ],
)
def test_what_does_not_fit_is_said(parts: dict[str, str], said: str) -> None:
    assert any(said in problem for problem in problems(**parts)), problems(**parts)
