"""Templates: read strictly, in several languages, with versions, and filled in without surprises."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from capstan.errors import StudyError
from capstan.message import Wording
from capstan.study.messages import Message
from capstan.wording import Template, read_reply, read_templates, variant_name
from capstan.wording.facts import list_wordings
from tests.unit.message_cases import FILES, MAIL, SIX, study_with


def message(**changes: Any) -> Message:
    return Message.model_validate(MAIL | {"html": "mail.html.j2"} | changes)


def filled(source: str, **values: str) -> str | None:
    wording = Template("en", "", source, "").render(values)
    return wording.text if wording else None


def test_text_is_taken_as_it_is_and_html_is_escaped() -> None:
    template = Template("en", "For {{ name }}", "Dear {{ name }}", "<p>{{ name }}</p>")

    wording = template.render({"name": "<b>Zoë & Co</b>"})

    assert wording == Wording(
        "For <b>Zoë & Co</b>", "Dear <b>Zoë & Co</b>", "<p>&lt;b&gt;Zoë &amp; Co&lt;/b&gt;</p>"
    )


def test_a_line_break_in_a_subject_begins_no_header() -> None:
    wording = Template("en", "Hello {{ name }}", "x", "").render({"name": "Ann\r\nBcc: all@example.org"})

    assert wording is not None
    assert wording.subject == "Hello Ann Bcc: all@example.org"


@given(st.text(min_size=1))
def test_what_is_put_in_is_never_read_as_a_template(value: str) -> None:
    assert filled("[{{ value }}]", value=value + "{{ 7 * 7 }}") == f"[{value}{{{{ 7 * 7 }}}}]"


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("Dear {{ name }}", None),
        ("Dear {{ name | upper }}", None),
        ("Dear {{ name ~ '!' }}", None),
        ("Dear {{ name | default('friend') }}", "Dear friend"),
        ("Dear{% if name %} {{ name }}{% endif %}", "Dear"),
        ("{% if name == '' %}nobody{% endif %}", "nobody"),
        ("{% if name != 'Bob' %}other{% endif %}", "other"),
        ("{{ never_heard_of }}", None),
        ("{{ due | date }}", None),
    ],
)
def test_a_blank_value_may_be_asked_for_and_replaced_but_not_printed(
    source: str, expected: str | None
) -> None:
    assert filled(source, name="", due="soon") == expected


def test_dates_are_written_as_the_template_wants() -> None:
    assert filled("{{ due | date('%d.%m.%Y') }}", due="2026-07-05") == "05.07.2026"
    assert filled("{{ at | date('%m/%d') }}", at="2026-07-05 09:30") == "07/05"


@pytest.mark.parametrize(
    "source", ["{{ name.__class__.__mro__ }}", "{{ 1 / 0 }}", "{{ name + 1 }}", "{{ name | date(3) }}"]
)
def test_a_template_that_fails_raises_without_a_value(source: str) -> None:
    with pytest.raises(StudyError, match="The wording in en fails") as caught:
        filled(source, name="2026-01-01")

    assert "2026-01-01" not in str(caught.value)


def test_the_variants_of_a_template_are_its_languages() -> None:
    files = {**FILES, "mail.es.txt.j2": "Hola", "mail.es.html.j2": "<p>Hola</p>", "mailing.fr.txt.j2": "Non"}

    found = read_templates(message(subjects={"es": "Su visita"}), files=files, language="en")

    assert sorted(found) == ["en", "es"]
    assert found["es"] == Template("es", "Su visita", "Hola", "<p>Hola</p>")
    assert found["en"].subject == "Your visit"


def test_a_language_without_its_html_is_refused() -> None:
    with pytest.raises(StudyError, match=r"templates/mail\.es\.html\.j2: there is no such file"):
        read_templates(message(), files={**FILES, "mail.es.txt.j2": "Hola"}, language="en")


@pytest.mark.parametrize(
    ("source", "words"),
    [
        ("one\n{{ name", r"templates/six\.txt\.j2 \(en\) line 2: Jinja2 cannot read it"),
        ("{% include 'other' %}", "a template stands alone"),
        ("{{ name | moon }}", "No filter named 'moon'"),
    ],
)
def test_a_template_that_cannot_be_read_is_named_with_its_line(source: str, words: str) -> None:
    with pytest.raises(StudyError, match=words):
        read_templates(Message.model_validate(SIX), files={"six.txt.j2": source}, language="en")


def test_variables_are_those_that_come_from_outside() -> None:
    template = Template(
        "en", "{{ a }}", "{% for x in b.split() %}{{ x }}{% endfor %}{% set c = 1 %}{{ c }}", "{{ d }}"
    )

    assert template.variables == {"a", "b", "d"}


@given(st.text("ab{} \n", max_size=20), st.text("ab{} \n", max_size=20))
def test_a_version_changes_with_every_letter_and_with_where_it_stands(one: str, other: str) -> None:
    versions = {Template("en", one, other, "").version, Template("en", other, one, "").version}

    assert len(versions) == (1 if one == other else 2)
    assert all(len(version) == 12 for version in versions)


def test_a_version_does_not_depend_on_line_ends_nor_on_the_language_of_the_file() -> None:
    unix = read_reply("a.txt.j2", files={"a.txt.j2": "one\ntwo\n"})
    dos = read_reply("a.txt.j2", files={"a.txt.j2": "one\r\ntwo\r\n"})

    assert unix.version == dos.version


def test_the_file_of_a_language_has_it_before_its_kind() -> None:
    assert variant_name("six.month.txt.j2", language="es") == "six.month.es.txt.j2"
    assert variant_name("six.txt.j2", language="") == "six.txt.j2"


def test_people_see_version_length_and_segments_of_every_wording() -> None:
    files = {
        "six.txt.j2": "Dear {{ name }}, {{ due | date('%d.%m.') }} {{ survey_link }}",
        "six.es.txt.j2": "Qué día",
    }

    facts = list_wordings(study_with(SIX), templates=files)

    assert [(each.message, each.language, each.segments) for each in facts] == [
        ("six", "en", ("GSM-7", 1, len(facts[0].text))),
        ("six", "es", ("UCS-2", 1, 7)),
    ]
    assert facts[0].text.startswith("Dear Abcdefghijkl, 31.12. https://")
    assert facts[1].version == Template("es", "", "Qué día", "").version
