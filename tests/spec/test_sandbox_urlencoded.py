"""Bodies of forms are taken apart as the library does it, only faster (A.1)."""

from __future__ import annotations

from urllib.parse import parse_qsl

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sandbox.web import urlencoded
from sandbox.web.urlencoded import read_pairs

PIECES = [
    "%",
    "2",
    "5",
    "C",
    "7",
    "%22",
    "%25",
    "%e9",
    "%2c",
    "%0A",
    "%C3%A9",
    "%5B",
    "a",
    "+",
    "&",
    "=",
    "\u00e9",
]


@given(st.lists(st.sampled_from(PIECES) | st.text(max_size=3)).map("".join))
def test_names_and_values_are_those_of_the_library(text: str) -> None:
    body = text.encode()

    assert read_pairs(body, 1000) == parse_qsl(text, keep_blank_values=True)


def test_broken_utf8_becomes_question_marks_and_stops_nothing() -> None:
    assert read_pairs(b"a=%ff\xfe&b", 10) == [("a", "\ufffd\ufffd"), ("b", "")]


def test_too_many_fields_are_refused() -> None:
    with pytest.raises(ValueError, match="too many"):
        read_pairs(b"a=1&b=2&c=3", 2)


@given(st.lists(st.sampled_from(PIECES)).map("".join), st.integers(1, 5))
def test_long_values_are_read_in_slices(text: str, size: int) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(urlencoded, "MAX_SLICE", size)
        assert read_pairs(text.encode(), 1000) == parse_qsl(text, keep_blank_values=True)
