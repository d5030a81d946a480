"""How many segments a text takes, and what a plan will cost."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from capstan.segments import Segments, count_segments, forecast_cost, odd_characters
from sandbox.twilio.segments import count_segments as counted_by_the_sandbox
from tests.unit.message_cases import FILES, MAIL, SIX, person, planned, study_with

GSM = (
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿"
    "abcdefghijklmnopqrstuvwxyzäöñüà"
)
TWO_UNITS = "\f^{}\\[~]|€"
FAMILY = "👨‍👩‍👧‍👦"  # seven code points, eleven units
VECTORS = [
    ("", "GSM-7", 0, 0),
    ("a", "GSM-7", 1, 1),
    ("a" * 160, "GSM-7", 1, 160),
    ("a" * 161, "GSM-7", 2, 161),
    ("a" * 306, "GSM-7", 2, 306),
    ("a" * 307, "GSM-7", 3, 307),
    ("a" * 1600, "GSM-7", 11, 1600),
    ("€" * 80, "GSM-7", 1, 160),
    ("€" * 81, "GSM-7", 2, 162),
    ("a" * 159 + "€", "GSM-7", 2, 161),
    # A character of two units does not fit into the last place of a segment.
    ("a" * 152 + "€" + "a" * 151, "GSM-7", 2, 305),
    ("a" * 152 + "€" + "a" * 152, "GSM-7", 3, 306),
    ("ñ é ü à è ù ò", "GSM-7", 1, 13),
    ("á", "UCS-2", 1, 1),
    ("ç", "UCS-2", 1, 1),
    ("It’s", "UCS-2", 1, 4),
    ("–", "UCS-2", 1, 1),
    ("ы" * 70, "UCS-2", 1, 70),
    ("ы" * 71, "UCS-2", 2, 71),
    ("ы" * 134, "UCS-2", 2, 134),
    ("ы" * 135, "UCS-2", 3, 135),
    ("ы" * 1600, "UCS-2", 24, 1600),
    ("a" * 69 + "’", "UCS-2", 1, 70),
    ("😀" * 35, "UCS-2", 1, 70),
    ("😀" * 36, "UCS-2", 2, 72),
    # An emoji of two units is not split either: 66 units and one over.
    ("ы" * 66 + "😀" + "ы" * 65, "UCS-2", 2, 133),
    ("ы" * 66 + "😀" + "ы" * 66, "UCS-2", 3, 134),
    ("🇺🇸" * 17, "UCS-2", 1, 68),
    ("🇺🇸" * 18, "UCS-2", 2, 72),
    (FAMILY * 6, "UCS-2", 1, 66),
    (FAMILY * 7, "UCS-2", 2, 77),
    ("ы" * 60 + FAMILY, "UCS-2", 2, 71),
    ("ы" * 57 + FAMILY + "ы" * 67, "UCS-2", 3, 135),
    ("👍🏽" * 17, "UCS-2", 1, 68),
    # Nothing could hold this as one piece.
    ("a" + "\u0301" * 200, "UCS-2", 3, 201),
]


@pytest.mark.parametrize(("text", "encoding", "segments", "units"), VECTORS)
def test_each_vector_has_its_encoding_segments_and_units(
    text: str, encoding: str, segments: int, units: int
) -> None:
    assert count_segments(text) == Segments(encoding, segments, units)  # type: ignore[arg-type]


@pytest.mark.parametrize("character", GSM)
def test_each_character_of_the_alphabet_takes_one_unit(character: str) -> None:
    assert count_segments(character) == Segments("GSM-7", 1, 1)


@pytest.mark.parametrize("character", TWO_UNITS)
def test_each_character_of_the_extension_takes_two(character: str) -> None:
    assert count_segments(character) == Segments("GSM-7", 1, 2)


@given(st.text(max_size=500))
def test_the_encoding_is_the_small_one_only_if_every_character_is_in_it(text: str) -> None:
    assert (count_segments(text).encoding == "GSM-7") == (odd_characters(text) == ())
    assert set(odd_characters(text)) == set(text) - set(GSM + TWO_UNITS)


@given(st.text(max_size=700))
def test_segments_hold_their_units_and_are_no_more_than_splitting_costs(text: str) -> None:
    encoding, segments, units = count_segments(text)
    alone, chained = (160, 153) if encoding == "GSM-7" else (70, 67)

    assert units <= (alone if segments == 1 else segments * chained)
    assert (segments == 0) == (text == "")
    assert (segments > 1) == (units > alone)


@given(st.text(GSM + TWO_UNITS, max_size=900))
def test_a_longer_text_of_one_alphabet_takes_no_fewer_segments(text: str) -> None:
    assert count_segments(text[: len(text) // 2]).segments <= count_segments(text).segments


@given(st.text(GSM + TWO_UNITS + "áç’ы😀", max_size=900))
def test_what_is_planned_is_what_the_sandbox_bills(text: str) -> None:
    assert count_segments(text).segments == counted_by_the_sandbox(text)


def test_the_forecast_counts_texts_that_will_be_sent() -> None:
    long = {**FILES, "six.txt.j2": "ы" * 71}
    people = [person(str(n), phone=f"(206) 555-010{n}", name=f"N{n}") for n in range(3)]
    people[2]["ok"] = "0"
    letter = {**MAIL, "visit": {"name": "6 month"}}
    plan = planned(study_with(SIX, letter), *people, files={**long, "six.es.txt.j2": ""})

    forecast = forecast_cost(plan, price_per_segment=0.01)

    assert forecast.to_dict("records") == [{"message": "six", "messages": 2, "segments": 4, "cost": 0.04}]
    assert forecast_cost(plan.iloc[:0], price_per_segment=1).empty
