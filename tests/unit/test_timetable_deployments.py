"""Deployments: which flows a study gets, at which times, and how its study file changes them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any, get_args

import pytest
from pydantic import ValidationError
from scheduled_study import scheduled_study

from capstan.study import Study
from capstan.study.messaging import Messaging
from capstan.study.schedules import ScheduledFlow, Schedules
from capstan.timetable.deployments import Deployment, deployments_of
from capstan.timetable.prefect_file import WITHOUT_STUDY
from capstan.timetable.table import TIMETABLE, Collision

ON_DEMAND = {"import_records", "apply_plan", "rejudge_quarantine", "complete_forms", "revert_run"}


def by_flow(study: Study) -> dict[str, Deployment]:
    return {one.row.flow: one for one in deployments_of(study)}


def crons(study: Study, flow: str) -> list[str]:
    return [schedule.cron for schedule in by_flow(study)[flow].schedules]


def test_every_flow_stands_in_the_timetable_once() -> None:
    from cli.calling import FLOWS

    listed = [row.flow for row in TIMETABLE]

    assert sorted(listed) == sorted(set(FLOWS) - set(WITHOUT_STUDY))
    assert set(get_args(ScheduledFlow)) <= set(listed)
    assert {row.flow for row in TIMETABLE if row.times} <= set(get_args(ScheduledFlow))


def test_the_default_times_are_those_of_the_systems_before() -> None:
    defaults = {row.flow: [one.cron for one in row.times] for row in TIMETABLE}

    assert defaults["poll_participants"] == ["*/15 5-22 * * 1-5", "0 6,9,12,15,18,21 * * 0,6"]
    assert defaults["compute_visit_dates"] == ["0 0,4 * * *"]
    assert defaults["send_surveys"] == ["50 13 * * *"]
    assert defaults["check_partner_status"] == ["20 1,5 * * *"]


def test_a_run_that_the_next_one_would_repeat_is_skipped_and_any_other_waits() -> None:
    skipping = {row.flow for row in TIMETABLE if row.collision is Collision.SKIP}

    assert "poll_participants" in skipping
    assert skipping.isdisjoint({"compute_visit_dates", "send_messages", "send_surveys", "import_records"})


def test_a_study_gets_only_what_it_needs() -> None:
    bare = scheduled_study(
        visits=(), messages=(), triggers=(), monitors=(), messaging=Messaging(), sessions=None
    )

    always = {"check_eligibility", "poll_participants", "try_alarm", "data_quality"}
    assert set(by_flow(bare)) == ON_DEMAND | always


def test_names_and_zones_are_the_study_s_own() -> None:
    found = by_flow(scheduled_study(study="north", timezone="Europe/Oslo"))["check_eligibility"]

    assert found.name == "check-eligibility/north"
    assert {schedule.timezone for schedule in found.schedules} == {"Europe/Oslo"}


def test_a_study_s_own_times_take_the_place_of_all_default_times() -> None:
    study = scheduled_study(
        flows={
            "poll_participants": {"every": "10 minutes"},
            "check_eligibility": "off",
            "compute_visit_dates": [
                {"cron": "0 1 * * *", "parameters": {"max_share": 0.5}},
                {"cron": "5 5 * * 6"},
            ],
            "check_partner_status": {"cron": "0 6 * * *"},
        }
    )

    found = by_flow(study)

    assert [one.every for one in found["poll_participants"].schedules] == [timedelta(minutes=10)]
    assert found["check_eligibility"].schedules == ()
    assert [one.parameters for one in found["compute_visit_dates"].schedules] == [{"max_share": 0.5}, {}]
    # Although the demo has no partners.
    assert crons(study, "check_partner_status") == ["0 6 * * *"]
    assert crons(study, "run_monitors") == ["7 * * * *"]


def test_off_alone_deploys_nothing_that_a_study_does_not_need() -> None:
    assert "check_partner_status" not in by_flow(scheduled_study(flows={"check_partner_status": "off"}))


def test_a_shift_moves_every_start_of_a_study() -> None:
    begin, later = datetime(2026, 6, 1, tzinfo=UTC), timedelta(minutes=7)
    flows = {"poll_participants": {"every": "20 minutes"}}
    plain, shifted = scheduled_study(flows=flows), scheduled_study(flows=flows, shift="7 minutes")

    moved = {one.name: one.starts(begin, end=begin + timedelta(days=14)) for one in deployments_of(shifted)}

    assert moved == {
        one.name: [
            start + later for start in one.starts(begin - later, end=begin - later + timedelta(days=14))
        ]
        for one in deployments_of(plain)
    }


def with_survey(study: Study, *ids: str) -> Study:
    changed = tuple(
        message.model_copy(update={"survey": "exam"}) if message.id in ids else message
        for message in study.messages
    )
    return study.model_copy(update={"messages": changed})


def test_messages_with_a_survey_are_left_to_the_time_of_surveys() -> None:
    found = by_flow(with_survey(scheduled_study(), "six_month_reminder"))

    assert crons(with_survey(scheduled_study(), "six_month_reminder"), "send_surveys") == ["50 13 * * *"]
    (parameters,) = {str(one.parameters) for one in found["send_messages"].schedules}
    assert parameters == "{'messages': ['twelve_month_reminder', 'six_month_letter']}"


def test_without_a_time_for_surveys_all_messages_go_out_together() -> None:
    off = with_survey(scheduled_study(flows={"send_surveys": "off"}), "six_month_reminder")

    assert [one.parameters for one in by_flow(off)["send_messages"].schedules] == [{}]


def test_a_study_of_surveys_only_sends_them_at_their_time_only() -> None:
    study = scheduled_study()
    only = with_survey(study, *(message.id for message in study.messages))

    assert by_flow(only)["send_messages"].schedules == ()


@pytest.mark.parametrize(
    ("part", "said"),
    [
        ({"shift": "60 minutes"}, "less than 1 hour"),
        ({"flows": {"poll": "off"}}, "Input should be"),
        ({"flows": {"revert_run": {"cron": "0 0 * * *"}}}, "Input should be"),
        ({"flows": {"run_monitors": {"cron": "0 0 * *"}}}, "five fields"),
        ({"flows": {"run_monitors": {}}}, "give cron or every"),
        ({"flows": {"run_monitors": {"cron": "0 0 * * *", "every": "1 hour"}}}, "give cron or every"),
        ({"flows": {"run_monitors": {"every": "1 day"}}}, "less than 1 day"),
        ({"flows": {"run_monitors": {"every": "0 minutes"}}}, "from 1 minute"),
        (
            {"flows": {"run_monitors": {"cron": "0 0 * * *", "parameters": {"study": "x"}}}},
            "must not name a study",
        ),
        ({"flows": {"run_monitors": {"cron": "59 23 1 * *"}}, "shift": "5 minutes"}, "past midnight"),
    ],
)
def test_what_no_schedule_can_be_is_refused(part: dict[str, Any], said: str) -> None:
    with pytest.raises(ValidationError, match=said):
        Schedules.model_validate(part)
