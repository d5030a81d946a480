"""Measuring a project, and asking what is expected of it."""

from __future__ import annotations

from datetime import date

import pandas as pd
import pytest

from capstan.plan import keyed
from capstan.quality.expected import digest_of
from capstan.quality.measures import COUNTS, LEAST_ROWS, Measure, typed
from checks.quality.asking import ALWAYS, ask_project, days_wanted
from checks.quality.measuring import measure_project
from checks.quality.names import is_expectation
from checks.quality.references import ask_references
from checks.quality.wild import FIRST, MIDDLE, REACH
from tests.projects import STUDY, dictionary, grid, study
from tests.spec.history_trial import Nights, judge_measures
from tests.spec.project_history import FAULT_NIGHT, LAST_NIGHT, History, Shape, at, day_of, make_history

TODAY = date(2026, 3, 2)


@pytest.fixture(scope="module")
def history() -> History:
    return make_history(5, Shape(sites=2, events=2, numbers=2, codes=2, pace=2.0))


def _measured(frame: pd.DataFrame, history: History) -> pd.DataFrame:
    return measure_project(
        frame, study=history.study, dictionary=history.dictionary, grid=history.grid, today=day_of(90)
    )


def _small(rows: int) -> pd.DataFrame:
    cells = {name: [""] * rows for name in dictionary().by_column}
    frame = pd.DataFrame(cells, dtype="str").assign(
        record_id=[str(number) for number in range(rows)],
        redcap_event_name="month_6_arm_2",
        teeth="20",
        exam_complete="2",
    )
    return measure_project(
        keyed(frame, record_field="record_id"),
        study=study(),
        dictionary=dictionary(),
        grid=grid(),
        today=TODAY,
    )


def test_the_order_of_rows_and_columns_changes_nothing(history: History) -> None:
    frame = history.export(90)
    mixed = frame.sample(frac=1, random_state=1)
    mixed = mixed[[*mixed.columns[:4], *reversed(mixed.columns[4:])]]

    pd.testing.assert_frame_equal(_measured(frame, history), _measured(mixed, history))


def test_what_is_drawn_in_at_a_site_does_not_change_with_what_another_enters_later(history: History) -> None:
    frame = history.export(120)
    is_late = frame["redcap_data_access_group"].eq("site_1") & ~frame["number_0"].isin(["", "1700"])
    is_late &= frame.groupby(["redcap_data_access_group", "redcap_event_name"]).cumcount() >= 50
    wild = frame.assign(number_0=frame["number_0"].mask(is_late, "130"))

    before, after = _measured(frame, history), _measured(wild, history)

    of_other = (before["field"] == "number_0") & (before["site"] == "site_2")
    assert is_late.sum() > 100
    assert {"mean", "spread"} <= set(before[of_other]["measure"])
    pd.testing.assert_frame_equal(
        before[of_other].reset_index(drop=True), after[of_other].reset_index(drop=True)
    )


@pytest.mark.parametrize(("by_site", "measured"), [(False, True), (True, False)])
def test_where_sites_number_their_own_records_neighbours_in_number_are_not_compared(
    by_site: bool, measured: bool
) -> None:
    history = make_history(5, Shape(sites=3, events=2, numbers=1, codes=1, pace=2.0, by_site=by_site))

    assert ("out of order" in set(history.measures(90)["measure"])) is measured


def test_hostile_names_of_sites_are_measured_like_others(history: History) -> None:
    frame = history.export(90)
    names = {"site_1": "<b>/{it}//%s\n'", "site_2": "{0}"}
    hostile = frame.assign(redcap_data_access_group=frame["redcap_data_access_group"].map(names))

    plain, odd = _measured(frame, history), _measured(hostile, history)

    sites = odd["site"].map({name: site for site, name in names.items()}).fillna("")
    renamed = odd.assign(site=sites).sort_values(list(plain.columns[:5]), ignore_index=True)
    pd.testing.assert_frame_equal(plain, renamed, check_dtype=False)


def test_hostile_names_of_sites_can_be_asked_about(history: History) -> None:
    frame = history.export(90).replace({"redcap_data_access_group": {"site_1": "{it}{0}/"}})
    measures = _measured(frame, history)

    asked = ask_project(
        history.study,
        history.dictionary,
        history.grid,
        measures=measures,
        history=at(measures, 80),
        today=day_of(90),
    )

    assert all(is_expectation(one.id) for one in asked.expected)
    assert any(one.site == "{it}{0}/" and "{it}{0}/" in one.sentence for one in asked.expected)


@pytest.mark.parametrize("rows", [0, 1, LEAST_ROWS - 1])
def test_over_few_rows_only_numbers_of_things_are_measured(rows: int) -> None:
    assert set(_small(rows)["measure"]) <= COUNTS


def test_over_enough_rows_shares_are_measured_and_over_more_means() -> None:
    few, more = (measures[measures["field"] == "teeth"] for measures in (_small(LEAST_ROWS), _small(FIRST)))

    assert set(few[few["measure"] == "filled"]["value"]) == {1.0}
    assert "mean" not in set(few["measure"])
    assert set(more[more["measure"] == "mean"]["value"]) == {20.0}


def test_wild_values_are_told_as_on_the_first_night_so_that_what_stands_stays(history: History) -> None:
    few, more = history.export(60), history.export(90)
    first = _measured(few, history)
    wilder = more.assign(number_0=more["number_0"].where(more["number_0"] == "", "9000"))

    kept, anew = (
        measure_project(
            wilder,
            study=history.study,
            dictionary=history.dictionary,
            grid=history.grid,
            today=day_of(90),
            history=past,
        )
        for past in (first, None)
    )

    told = [
        one[one["measure"].isin([MIDDLE, REACH]) & (one["field"] == "number_0")]
        for one in (first, kept, anew)
    ]
    assert len(told[0]) == 4
    assert told[1].equals(told[0].set_index(told[1].index))
    assert set(told[2][told[2]["measure"] == MIDDLE]["value"]) == {9000.0}


@pytest.mark.parametrize("rows", [0, 1, 60])
def test_a_first_look_says_what_waits_for_history(rows: int) -> None:
    measures = _small(rows)

    asked = ask_project(
        study(),
        dictionary(),
        grid(),
        measures=measures,
        history=at(measures, 1).iloc[:0],
        today=TODAY,
    )

    assert {"growth", "silence", "recent_mean"} <= {one.id for one in asked.expected if one.waits}
    assert all(is_expectation(one.id) for one in asked.expected)
    assert judge_measures(asked) == []


def test_ids_are_unique_and_the_suite_has_one_digest(history: History) -> None:
    nights = Nights(history, step=5)

    first, again = nights.asked(FAULT_NIGHT), nights.asked(FAULT_NIGHT)

    ids = [one.id for one in first.expected]
    assert len(ids) == len(set(ids)) > 100
    assert digest_of(first.expected) == digest_of(again.expected)


@pytest.mark.parametrize("step", [1, 4, 9])
def test_of_days_that_are_not_wanted_only_a_few_measures_are_asked_for(history: History, step: int) -> None:
    nights, today = Nights(history, step=step), day_of(LAST_NIGHT)
    past = {day_of(night): at(nights.measures(night), night) for night in range(20, LAST_NIGHT, step)}
    wanted = days_wanted(past, today=today)
    thin = [told if day in wanted else told[told["measure"].isin(list(ALWAYS))] for day, told in past.items()]

    asked = [
        ask_project(
            history.study,
            history.dictionary,
            history.grid,
            measures=nights.measures(LAST_NIGHT),
            history=pd.concat(known),
            today=today,
        )
        for known in (past.values(), thin)
    ]

    assert len(wanted) <= 12
    assert asked[0].expected == asked[1].expected
    pd.testing.assert_frame_equal(asked[0].measures, asked[1].measures)


def test_what_is_switched_off_is_not_asked(history: History) -> None:
    text = "quality: {expect: {off: [volume, recent_mean]}}"
    measures = _measured(history.export(90), history)
    small = study(STUDY + text)

    asked = ask_project(
        small, history.dictionary, history.grid, measures=measures, history=at(measures, 80), today=day_of(90)
    )

    assert not [one for one in asked.expected if one.kind == "volume" or one.id.startswith("recent_mean")]


def test_an_ended_study_may_fall_silent(history: History) -> None:
    measures = _measured(history.export(90), history)
    past = pd.concat([at(measures, night) for night in range(60, 90)])
    ended = study(STUDY + "quality: {expect: {ended: 2026-01-01, freshness: 3 days}}")
    open_still = study(STUDY + "quality: {expect: {freshness: 3 days}}")

    asked = [
        ask_project(one, history.dictionary, history.grid, measures=measures, history=past, today=day_of(90))
        for one in (ended, open_still)
    ]

    silent = [[one for one in judge_measures(each) if one.kind == "freshness"] for each in asked]
    assert silent[0] == []
    assert {one.site for one in silent[1]} == {"", "site_1", "site_2"}


def test_two_looks_long_ago_are_enough_to_ask() -> None:
    history = make_history(1)
    past = pd.concat([at(history.measures(night), night) for night in (60, 80)])

    asked = ask_project(
        history.study,
        history.dictionary,
        history.grid,
        measures=history.measures(90),
        history=past,
        today=day_of(90),
    )

    assert {one.kind for one in asked.expected if not one.waits} >= {"drift", "completeness"}
    assert judge_measures(asked) == []


def test_a_code_that_nobody_chose_so_far_is_not_impossible() -> None:
    field = dictionary().by_name["outcome"]
    place = (field.form, field.name, "", "")
    codes = list(field.choices)
    shares = [1.0, *[0.0 for _ in codes[1:]]]
    told = [Measure(f"share of {code}", *place, share, 60) for code, share in zip(codes, shares, strict=True)]
    history = at(typed(told), 1)

    asked = [one for one, _ in ask_references(history, dictionary(), today=day_of(60)) if one.reference]

    (one,) = asked
    assert min(share for _, share in one.reference) > 0
    assert sum(share for _, share in one.reference) == pytest.approx(1)
