"""Merging: of a large project a field is asked about once for all its sites."""

from __future__ import annotations

from capstan.quality.expected import Kind
from checks.quality.asked import Place, Question, Rule, ask, gather, wait
from checks.quality.merging import merge_places

MEAN = Rule("recent mean", Kind.DRIFT, "warning", "The mean is as before: {it}.")
GROWTH = Rule("growth", Kind.VOLUME, "critical", "It grows as before: {it}.")


def _asked(**values: float) -> list[Question]:
    """What is asked of the weight at some sites, in two events, and of the whole project."""
    of_sites = [
        ask(MEAN, Place("vitals", "weight", site=site), value=value, count=40, lower=0, upper=1)
        for site, value in values.items()
    ]
    of_events = [ask(MEAN, Place("vitals", "weight", event), value=0.5, count=40, upper=1) for event in "ab"]
    whole = ask(GROWTH, Place(site="north"), value=0.5, count=40, lower=0)
    return [*of_sites, *of_events, whole, wait(MEAN, "It needs more days.")]


def test_a_few_questions_are_asked_one_by_one() -> None:
    asked = _asked(north=0.5, south=0.5)

    assert merge_places(asked) == asked


def test_many_questions_about_a_field_become_one_of_all_sites_and_one_of_all_events() -> None:
    merged = gather(merge_places(_asked(north=0.5, south=3.0, east=-1.0), most=3))

    assert [one.id for one in merged.expected] == [
        "growth////north",
        "recent_mean",
        "recent_mean_at_events/vitals/weight",
        "recent_mean_at_sites/vitals/weight",
    ]


def test_the_sentence_names_the_sites_at_which_it_is_not_met() -> None:
    merged = merge_places(_asked(north=0.5, south=3.0, east=-1.0), most=3)

    (of_sites,) = [(one, told) for one, told in merged if one.id.startswith("recent_mean_at_sites")]
    one, told = of_sites
    assert told is not None
    assert one.sentence == (
        "The mean is as before: form vitals, field weight, at each site (not at east, south)."
    )
    assert (told.value, told.rows, one.allows(told.value)) == (2.0, 3, False)


def test_a_field_that_is_as_expected_everywhere_is_so_when_merged() -> None:
    merged = merge_places(_asked(north=0.5, south=0.6), most=3)

    assert all(one.allows(told.value) for one, told in merged if told is not None)
    assert not any("not at" in one.sentence for one, _ in merged)


def test_the_numbers_of_merged_questions_are_found_by_their_place() -> None:
    merged = gather(merge_places(_asked(north=0.5, south=3.0), most=3))

    told = merged.measures.set_index(["measure", "form", "field", "event", "site"])["value"]
    asked = [one for one in merged.expected if not one.waits]
    values = [told[one.measure, one.form, one.field, one.event, one.site] for one in asked]
    assert values == [0.5, 0.0, 1.0]
