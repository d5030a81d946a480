"""The part `sessions` of the study file refuses what no session id could fit."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from capstan.study.sessions import Sessions

SITE = {"site": "CMH", "code": "DTI01"}
PATTERN = {"convention": "pattern", "pattern": r"(?P<subject>\d{1,5})"}


@pytest.mark.parametrize(
    ("part", "said"),
    [
        ({"sites": []}, "at least 1 item"),
        ({"convention": "pattern"}, "give pattern with"),
        ({"pattern": r"(?P<subject>\d)"}, "give pattern with"),
        ({"case": "lower"}, "remove case"),
        ({"sites": [{"site": "CMH"}]}, "code: DTI01"),
        ({"sites": [SITE, SITE]}, "listed twice"),
        ({**PATTERN, "sites": [{"site": "CMH"}, {"site": "UTO"}]}, "must have a group"),
        ({**PATTERN, "pattern": r"(?P<subject>(\d+)+)"}, "repeats a group"),
        ({"default_session": "first"}, "pattern"),
        ({"ignore": "("}, "regular expression"),
        ({"ignore": "(a*)*"}, "repeats a group"),
        ({"kcni": {"subjects": ["^CMP"]}}, "PATTERN->REPLACEMENT"),
        ({"kcni": {"subjects": [r"^CMP(.*)->H\2"]}}, "names a group"),
        ({"kcni": {"subjects": [r"^CMP(.*)->H\g<name>"]}}, "names a group"),
        ({"kcni": {"subjects": ["(->H"]}}, "regular expression"),
    ],
)
def test_what_no_id_could_fit_is_refused_with_what_to_do(part: dict[str, Any], said: str) -> None:
    with pytest.raises(ValidationError) as caught:
        Sessions.model_validate({"sites": [SITE], **part})

    assert said in str(caught.value)


def test_numbers_that_yaml_reads_are_codes() -> None:
    sessions = Sessions.model_validate({"sites": [{"site": 7, "code": 12}], "default_session": 1})

    assert (sessions.sites[0].site, sessions.sites[0].codes, sessions.default_session) == ("7", ("12",), "1")


def test_a_site_of_a_pattern_without_a_study_part_needs_no_code() -> None:
    sessions = Sessions.model_validate({**PATTERN, "sites": [{"site": "CMH", "expects_redcap": False}]})

    assert sessions.expecting_sites == frozenset()
    assert not sessions.names_part("study")
