"""The rules of session ids that the scanning lab's tools have, Datman's and KCNI's, mended where they broke."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st
from session_cases import ID, make_study

from capstan.sessions import LONGEST, BadId, SessionId
from capstan.sessions.conventions import IdMap, read_datman, read_either, read_kcni, write_kcni
from capstan.sessions.patterns import compile_id_pattern
from capstan.sessions.reading import read_session, to_kcni
from tasks.sessions import name_session

MAP = IdMap(
    {"STU01": "DTI01"}, {"ABC": "CMH"}, [(re.compile("^CMP(.*)$"), r"H\1"), (re.compile("^CMPX"), "Y")]
)
UPPER, DIGITS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ", "0123456789"


def text_of(alphabet: str, least: int, most: int | None = None) -> st.SearchStrategy[str]:
    return st.text(alphabet, min_size=least, max_size=most or least)


KCNI_STUDY = st.builds(str.__add__, text_of(UPPER, 3), text_of(DIGITS, 2))
KCNI_SITE = text_of(UPPER, 3)
PERSONS = st.builds(
    SessionId,
    study=KCNI_STUDY,
    site=KCNI_SITE,
    subject=text_of(UPPER + DIGITS, 4, 8).filter(lambda text: "PHA" not in text),
    timepoint=text_of(DIGITS, 2),
    session=text_of(DIGITS, 2),
)
PHANTOMS = st.builds(
    lambda study, site, kind, number: SessionId(study, site, f"PHA_{kind}{number}", is_phantom=True),
    KCNI_STUDY,
    KCNI_SITE,
    text_of(UPPER, 3),
    text_of(DIGITS, 4, 6),
)


@given(PERSONS | PHANTOMS)
def test_an_id_of_datman_comes_back_from_kcni_as_it_was(session: SessionId) -> None:
    written = write_kcni(session)

    assert read_kcni(written) == read_either(written) == session
    assert read_datman(str(session)) == read_either(str(session)) == session


@given(PERSONS | PHANTOMS)
def test_an_id_of_kcni_comes_back_from_datman_as_it_was(session: SessionId) -> None:
    written = write_kcni(session)
    read = read_datman(str(read_kcni(written)))

    assert write_kcni(read) == written


@given(st.text(max_size=80))
def test_no_text_breaks_the_reading_of_ids(text: str) -> None:
    found = read_session(text, rules=make_study().sessions)

    assert isinstance(found, SessionId | BadId)
    assert isinstance(found, BadId) or found.site in ("CMH", "UTO")


@given(PERSONS, st.sampled_from([str.lower, str.upper, str.title]), text_of(" \t", 0, 3))
def test_case_and_spaces_around_an_id_make_no_difference(session: SessionId, case, space: str) -> None:
    sites = [{"site": session.site, "code": session.study}]
    rules = make_study(sites=sites).sessions

    assert read_session(space + case(str(session)) + space, rules=rules) == session


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("DTI01_CMH_H001_01_02", ("DTI01", "CMH", "H001", "01", "02")),
        ("DTI01_CMH_H001_01", ("DTI01", "CMH", "H001", "01", "")),
        ("dti_c_h-1_baseline_7", ("dti", "c", "h-1", "baseline", "7")),
        ("DTI01_CMH_H001_01_02 ", ("DTI01", "CMH", "H001", "01", "02")),
        ("DTI01_CMH_PHA_ABC0001", ("DTI01", "CMH", "PHA_ABC0001", "", "")),
        ("DTI01_CMH_PHA_ABC000123", ("DTI01", "CMH", "PHA_ABC000123", "", "")),
    ],
)
def test_datmans_fields_need_no_digits_no_lengths_and_no_case(text: str, parts: tuple[str, ...]) -> None:
    found = read_datman(text)

    assert (found.study, found.site, found.subject, found.timepoint, found.session) == parts


@pytest.mark.parametrize(
    "text",
    [
        "",
        "DTI01",
        "DTI01_CMH_H001",
        "DTI01__H001_01_01",
        "DTI01_CMH_FBNPHA_01_01",
        "DTI01_CMH_H001_01_MR01",
        "DTI01_CMH_H001_01_SE02",
        "DTI01_CMH_H001_01_02_MR",
        "DTI01_CMH_PHA_ABC001",
        "DTI01_CMH_PHA_AB0001",
        "DTI01_CMH_PHA_ABC0001_01",
    ],
)
def test_what_is_no_id_of_datman_is_refused(text: str) -> None:
    assert isinstance(read_datman(text), BadId)


def test_a_session_that_is_no_number_is_refused() -> None:
    assert "number" in read_datman("DTI01_CMH_H001_01_XX").reason


@pytest.mark.parametrize(
    ("text", "written"),
    [
        ("STU01_ABC_0001_01_SE02_MR", "DTI01_CMH_0001_01_02"),
        ("STU01_ABC_CMP0001_01_SE02_MR", "DTI01_CMH_H0001_01_02"),
        ("STU01_ABC_FBNPHA_0001_MR", "DTI01_CMH_PHA_FBN0001"),
        ("OTH02_XYZ_0001_01_SE02_EEG", "OTH02_XYZ_0001_01_02"),
        ("DTI01_ABC_CMP0001_01_SE02_MR", "DTI01_ABC_CMP0001_01_02"),
    ],
)
def test_kcnis_names_become_the_studys_unless_the_study_has_its_own_already(text: str, written: str) -> None:
    assert str(read_kcni(text, mapped=MAP)) == written


def test_the_first_pattern_for_subjects_that_fits_is_used() -> None:
    assert read_kcni("STU01_ABC_CMPX1_01_SE01_MR", mapped=MAP).subject == "HX1"


@pytest.mark.parametrize(
    "text",
    [
        "DTI01_CMH_H001_01_SE02",
        "DTI01_CMH_H001_01_02_MR",
        "DTI1_CMH_H001_01_SE02_MR",
        "DTI01_CMHX_H001_01_SE02_MR",
        "DTI01_CMH_H01_01_SE02_MR",
        "DTI01_CMH_H001_1_SE02_MR",
        "dti01_cmh_h001_01_se02_mr",
        "DTI01_CMH_FBNPHA_001_MR",
        "DTI01_CMH_FBNPHA_0001",
    ],
)
def test_what_is_no_id_of_kcni_is_refused(text: str) -> None:
    assert isinstance(read_kcni(text), BadId)


def test_names_go_back_to_kcni_and_subjects_are_filled_up_with_zeros() -> None:
    session = SessionId("DTI01", "CMH", "7", "01", "2")

    assert write_kcni(session, mapped=MAP) == "STU01_ABC_0007_01_SE02_MR"


@pytest.mark.parametrize(
    "session",
    [
        SessionId("DTI", "CMH", "0001", "01", "01"),
        SessionId("DTI01", "CMH", "0001", "", "01"),
        SessionId("DTI01", "CMH", "PHA_ABC12"),
        SessionId("DTI01", "CMH", "TOOLONG001", "01", "01"),
    ],
)
def test_what_kcni_cannot_write_is_said_and_not_written(session: SessionId) -> None:
    assert isinstance(write_kcni(session), BadId)


def test_an_id_has_its_names_by_subject_timepoint_session_and_bids() -> None:
    person, phantom = read_datman(ID), read_datman("DTI01_CMH_PHA_ABC0001")

    assert (person.full_subject, person.name, str(person)) == ("DTI01_CMH_H001", "DTI01_CMH_H001_01", ID)
    assert (person.bids_name, person.number, person.is_phantom) == ("CMHH001", 1, False)
    assert phantom.full_subject == phantom.name == str(phantom) == "DTI01_CMH_PHA_ABC0001"
    assert (phantom.number, phantom.is_phantom) == (1, True)


def test_an_id_of_four_fields_has_no_number_and_is_refused_unless_the_study_gives_one() -> None:
    refused = name_session(make_study(), "DTI01_CMH_H001_01")
    filled = name_session(make_study(default_session="01"), "DTI01_CMH_H001_01")

    assert "number" in refused.reason
    assert str(filled) == ID


@pytest.mark.parametrize(
    ("convention", "text"),
    [("datman", "DTI01_CMH_H001_01_SE01_MR"), ("kcni", "DTI01_CMH_H001_01_01"), ("either", "H002")],
)
def test_a_study_may_keep_to_one_convention(convention: str, text: str) -> None:
    found = name_session(make_study(convention=convention), text)

    assert found.reason.startswith("This is no session id.")
    assert text not in found.reason


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("DTI02_CMH_H001_01_01", "The study code is none of this study's; did you mean DTI01?"),
        ("COGBDO_CMH_H001_01_01", "The study code is none of this study's; did you mean COGBD?"),
        ("DTI01_CMX_H001_01_01", "The site code is none of this study's; did you mean CMH?"),
        ("DTI01_ZZZ_H001_01_01", "The site code is none of this study's; there are CMH, UTO."),
        ("COGBD_UTO_H001_01_01", "The study has another code at this site; did you mean DTI01?"),
    ],
)
def test_unknown_codes_are_refused_with_the_nearest_valid_ones(text: str, said: str) -> None:
    assert name_session(make_study(), text).reason == said


@pytest.mark.parametrize("text", ["DTI01_CMH_H001_01_01", "COGBD_CMH_H001_01_01", "DTI01_UTO_H001_01_01"])
def test_a_site_has_its_code_and_others_beside_it(text: str) -> None:
    assert str(name_session(make_study(), text)) == text


@pytest.mark.parametrize("text", ["x" * (LONGEST + 1), "DTI01_CMH_H\n1_01_01", "DTI01_CMH_H\u202e1_01_01"])
def test_an_id_is_short_and_can_be_seen(text: str) -> None:
    assert "characters" in name_session(make_study(), text).reason


def test_a_phantom_has_one_session() -> None:
    assert "one session" in name_session(make_study(), "DTI01_CMH_PHAX_01_02").reason
    assert name_session(make_study(), "DTI01_CMH_PHAX_01_01").is_phantom


def test_a_study_brings_a_pattern_with_named_parts() -> None:
    pattern = r"(?P<site>[a-z]{3})-(?P<subject>\d{1,4})(?:-v(?P<timepoint>\d))?(?:-s(?P<session>\d))?"
    rules = make_study(
        convention="pattern",
        pattern=pattern,
        case="lower",
        sites=[{"site": "CMH"}],
        default_session="1",
        phantom="9",
    ).sessions

    found = read_session(" CMH-0012-V2 ", rules=rules)

    assert (found.name, found.number, found.is_phantom) == ("cmh_0012_2", 1, False)
    assert read_session("cmh-9001", rules=rules).is_phantom
    assert "cmh" in read_session("cmx-0012", rules=rules).reason
    assert isinstance(to_kcni(found, rules=rules), BadId)


@pytest.mark.parametrize(
    ("pattern", "said"),
    [
        ("(", "regular expression"),
        (r"(?P<site>\d)", "subject"),
        (r"(?P<subject>\d)(?P<sight>\d)", "'sight'"),
        (r"(?P<subject>(a+)+)", "repeats a group"),
        (r"(?P<subject>(a|a)*)", "repeats a group"),
        (r"(?P<subject>\d){2}", "repeats a group"),
        (r"(?x)(?P<subject>(a+) +)", "flags"),
        (r"(?P<subject>\w+)\w+\w+\w+\w+", "too long"),
        (r"(?P<subject>\d)" + "a?" * 25, "too long"),
    ],
)
def test_a_pattern_that_could_take_for_ever_or_lacks_its_parts_is_refused(pattern: str, said: str) -> None:
    with pytest.raises(ValueError, match=re.escape(said)):
        compile_id_pattern(pattern)


@given(
    st.lists(
        st.sampled_from([r"\w+", r"\w*", "a?", r"\d{1,9}", "(?:a|aa)", "-", "[^_]{2,}", r"\("]), max_size=12
    )
)
def test_a_pattern_that_is_taken_is_quick_on_any_text(parts: list[str]) -> None:
    try:
        compiled = compile_id_pattern("(?P<subject>a)" + "".join(parts) + "!")
    except ValueError:
        return
    # As many steps as a slow pattern would need do not fit into a test's time.
    for text in ("a" * LONGEST, "a1" * (LONGEST // 2)):
        assert compiled.fullmatch(text) is None
