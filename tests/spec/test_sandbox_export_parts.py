"""Whatever is in a cell, the three formats of a streamed export say the same."""

from __future__ import annotations

import csv
import io
import json

from hypothesis import given
from hypothesis import strategies as st
from lxml import etree

from sandbox.exports.parts import csv_parts, json_parts, xml_parts
from sandbox.render import Part, error_answer, to_csv

NAMES = ["id", "note", "instance"]
# XML cannot hold other control characters, and turns a carriage return into a line feed.
TEXT = st.text(st.characters(exclude_categories=("Cs", "Cc"), include_characters='\t\n"\\,;'), max_size=8)
LINES = st.lists(st.tuples(TEXT.filter(bool), TEXT, st.just("") | st.integers(1, 99)), max_size=12)


def chunked(lines: list, size: int) -> list[list]:
    return [lines[start : start + size] for start in range(0, len(lines), size)]


def joined(parts) -> str:
    return b"".join(part.content for part in parts).decode()


@given(LINES, st.integers(1, 5), st.sampled_from([",", "\t", ";", "|", "^"]))
def test_a_csv_file_can_be_read_back(lines: list, size: int, delimiter: str) -> None:
    text = joined(csv_parts(NAMES, chunked(lines, size), delimiter=delimiter))

    rows = list(csv.reader(io.StringIO(text, newline=""), delimiter=delimiter))
    assert rows == ([NAMES, *([str(cell) for cell in line] for line in lines)] if lines else [[]])
    assert not lines or text == to_csv(NAMES, lines, delimiter=delimiter)


@given(LINES, st.integers(1, 5))
def test_json_and_xml_have_the_same_cells(lines: list, size: int) -> None:
    chunks = chunked(lines, size)
    objects = json.loads(joined(json_parts(NAMES, chunks)))
    items = etree.fromstring(joined(xml_parts(NAMES, chunks)).encode())

    assert [list(one.values()) for one in objects] == [list(line) for line in lines]
    assert [[cell.text or "" for cell in one] for one in items] == [
        [str(cell) for cell in line] for line in lines
    ]


@given(LINES, st.integers(1, 5))
def test_parts_tell_how_many_rows_are_in_them(lines: list, size: int) -> None:
    chunks = chunked(lines, size)
    for parts in (
        csv_parts(NAMES, chunks, delimiter=","),
        json_parts(NAMES, chunks),
        xml_parts(NAMES, chunks),
    ):
        assert sum(part.rows for part in parts) == len(lines)


def test_half_a_character_in_a_heading_does_no_harm() -> None:
    parts = list(csv_parts(["id", "half \ud83d"], [[["1", "x"]]], delimiter=","))

    assert parts == [Part(b'id,"half ?"\n1,x\n', 1)]


def test_what_no_xml_can_hold_is_left_out() -> None:
    text = joined(xml_parts(["name"], [[["a\x00b\x0b\uffffc\td"]]]))

    assert etree.fromstring(text.encode()).findtext("item/name") == "abc\td"


def test_what_no_xml_can_hold_is_left_out_of_refusals() -> None:
    answer = error_answer("a\x00b", "xml", status=400)

    assert etree.fromstring(answer.content).findtext("error") == "ab"
