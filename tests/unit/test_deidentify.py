"""De-identification: what becomes of each kind of value, and what must stay."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import pandas as pd
import pytest
from lxml import etree

from capstan.deidentify import Disguise, Mask, disguise_of, words_of
from capstan.deidentify.project import disguise_project, disguise_users
from capstan.study import Study
from tests.projects import dictionary

FIELDS = """
record_id   | info | text     |                       |                      |   |    |
first_name  | info | text     |                       |                      |   |    |
street      | info | text     |                       |                      |   |    |
born        | info | text     |                       | date_mdy             |   |    |
seen        | info | text     |                       | datetime_seconds_ymd |   |    |
phone       | info | text     |                       | phone                |   |    |
mail        | info | text     |                       | email                |   |    |
ssn         | info | text     |                       | ssn                  |   |    |
weight      | info | text     |                       | number               |   |    |
age         | info | text     |                       | integer              |   |    |
woke        | info | text     |                       | time                 |   |    |
remark      | info | notes    |                       |                      |   |    |
told        | info | text     |                       |                      |   |    |
status      | info | text     |                       |                      |   |    |
colour      | info | radio    | 2, Red  | 3, Green    |                      |   |    |
school      | info | dropdown | 1, North | 2, South   |                      |   |    |
likes       | info | checkbox | 1, Milk | -9, None    |                      |   |    |
score       | info | calc     | [weight]*2            |                      |   |    |
pain        | info | slider   |                       |                      |   |    |
clinic      | info | sql      | select a, b from c    |                      |   |    |
photo       | info | file     |                       |                      |   |    |
"""
IDENTIFIERS = ("first_name", "street", "born", "phone", "mail", "ssn", "age", "school")
STUDY = """
study: small
title: Small
redcap: {url: "https://r.test", token: {env: T}, project: {id: 1, title: Small, status: development}}
visits: [{name: 6 month, event: a_arm_1, anchor: "[born]", after: 6 months, done_when: "[age] > 0"}]
eligibility: {criteria: [{id: a, rule: "[age] > 3", reason: too young; no consent}]}
"""
XML = """<?xml version="1.0" encoding="UTF-8" ?>
<ODM xmlns="http://www.cdisc.org/ns/odm/v1.3" xmlns:redcap="https://projectredcap.org">
<Study OID="Project.Small"><GlobalVariables><StudyName>Small</StudyName>
<redcap:ProjectNotes>Walburga came first</redcap:ProjectNotes>
<redcap:ReportsGroup><redcap:Reports title="a" advanced_logic="[first_name] = 'Walburga'"/></redcap:ReportsGroup>
</GlobalVariables></Study><!-- Walburga -->
<ClinicalData><SubjectData SubjectKey="7"><FormData FormOID="Form.info"><ItemGroupData>
<ItemData ItemOID="record_id" Value="7"/><ItemData ItemOID="first_name" Value="Walburga"/>
<ItemData ItemOID="weight" Value="17.5" Note="Walburga">Walburga<b>Walburga</b></ItemData><ItemData ItemOID="remark" Value="Walburga moved to Ulm"/>
<ItemData ItemOID="redcap_data_access_group" Value="north"/><ItemData ItemOID="unknown" Value="Ulm"/>
<ItemDataBase64Binary ItemOID="photo">V2FsYnVyZ2E=</ItemDataBase64Binary>
</ItemGroupData></FormData></SubjectData></ClinicalData></ODM>"""


def mask(*identifiers: str, secret: bytes = b"one") -> Mask:
    flagged = {name: {"identifier": "y"} for name in (*IDENTIFIERS, *identifiers)}
    return Mask(dictionary(FIELDS, **flagged), secret, frozenset({"missed", "too young", "no consent"}))


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("first_name", Disguise.NAME),
        ("street", Disguise.REMOVE),
        ("born", Disguise.SHIFT),
        ("seen", Disguise.SHIFT),
        ("phone", Disguise.PHONE),
        ("mail", Disguise.EMAIL),
        ("ssn", Disguise.REMOVE),
        ("age", Disguise.REMOVE),
        ("school", Disguise.REMOVE),
        ("remark", Disguise.WORDS),
        ("told", Disguise.WORDS),
        ("photo", Disguise.REMOVE),
        ("clinic", Disguise.REMOVE),
        ("weight", Disguise.NUMBER),
        ("score", Disguise.NUMBER),
        ("pain", Disguise.NUMBER),
        ("woke", Disguise.TIME),
        ("colour", Disguise.CHOICE),
        ("likes", Disguise.CHOICE),
        ("info_complete", Disguise.CHOICE),
    ],
)
def test_every_kind_of_field_has_its_disguise(name: str, expected: Disguise) -> None:
    assert disguise_of(mask().dictionary.by_name[name]) is expected


@pytest.mark.parametrize(
    ("column", "value"),
    [
        ("weight", "-17.5"),
        ("age", "5"),
        ("score", "35"),
        ("pain", "100"),
        ("woke", "07:15"),
        ("colour", "3"),
        ("likes____9", "1"),
        ("info_complete", "2"),
        ("status", "missed"),
        ("told", "too young; no consent"),
    ],
)
def test_a_value_that_tells_nothing_about_who_it_is_stays(column: str, value: str) -> None:
    known = replace(mask(), dictionary=dictionary(FIELDS))

    assert known.value("1", column, value=value) == value


def test_the_words_of_a_study_are_those_that_its_rules_write() -> None:
    words = words_of(Study.from_text(STUDY, source="study.yaml", environment={}))

    assert words >= {"6 month", "missed", "none", "eligible", "all criteria met", "too young", "no consent"}
    assert "" not in words


@pytest.mark.parametrize(
    "value", ["Walburga", "4158675309", "867-5309", "2021-02-28", "12:00 Walburga", "1e9"]
)
@pytest.mark.parametrize(
    "column", ["weight", "score", "pain", "woke", "colour", "likes___1", "info_complete", "status", "clinic"]
)
def test_a_value_that_its_field_could_not_have_is_removed(column: str, value: str) -> None:
    assert mask().value("1", column, value=value) == ""


def test_words_of_the_study_in_an_identifier_are_removed_all_the_same() -> None:
    assert mask("status").value("1", "status", value="missed") == ""


@pytest.mark.parametrize("record", ["1", "2", "900"])
def test_dates_of_a_record_move_back_by_the_same_whole_weeks(record: str) -> None:
    born = mask().value(record, "born", value="2020-02-29")
    seen = mask().value(record, "seen", value="2026-03-01 10:15:00")

    days = (date(2020, 2, 29) - date.fromisoformat(born)).days
    assert (date(2026, 3, 1) - date.fromisoformat(seen[:10])).days == days
    assert seen[10:] == " 10:15:00"
    assert days in range(7, 365, 7)


def test_records_are_shifted_by_different_numbers_of_weeks() -> None:
    shifted = {mask().value(str(number), "born", value="2020-02-29") for number in range(200)}

    assert len(shifted) > 40


@pytest.mark.parametrize(
    "value", ["Walburga", "2020-02-30", "0001-01-01", "2020-02-29 Walburga", "29.2.2020"]
)
def test_what_is_no_date_is_removed_from_a_date_field(value: str) -> None:
    assert mask().value("1", "born", value=value) == ""


def test_invented_contacts_are_those_that_reach_nobody() -> None:
    phones = {mask().value("1", "phone", value=f"(415) 867-53{number:02d}") for number in range(100)}
    mails = {mask().value("1", "mail", value=f"parent{number}@clinic.test") for number in range(100)}

    assert all(phone[4:13] == ") 555-01" + phone[12] and len(phone) == 14 for phone in phones)
    assert all(mail.endswith("@example.org") for mail in mails)
    assert len(mails) == 100


def test_one_secret_gives_one_disguise_and_another_secret_another() -> None:
    values = [
        [mask(secret=secret).value("1", "mail", value="parent@clinic.test")]
        for secret in (b"one", b"one", b"two")
    ]

    assert values[0] == values[1] != values[2]


@pytest.mark.parametrize(
    "record", ["Walburga", "WZ-7", "5550142", "867-5309", "12-0007", "19450217", "\u0661"]
)
def test_a_record_id_that_may_be_more_than_a_count_is_invented(record: str) -> None:
    invented = mask().record(record)

    assert invented.isdigit()
    assert record not in invented
    assert invented == mask().value(record, "record_id", value=record)


def test_record_ids_that_count_stay_unless_they_are_flagged() -> None:
    ids = [mask("record_id").record(str(number)) for number in range(1, 1000)]

    assert [mask().record(record) for record in ("1", "1001")] == ["1", "1001"]
    assert len(set(ids)) == 999
    assert not set(ids) & {str(number) for number in range(1, 1000)}


def test_a_missing_data_code_stays_what_it_is() -> None:
    known = mask().dictionary
    coded = replace(mask(), dictionary=replace(known, missing_codes={"NI": "No information"}))

    assert coded.value("1", "ssn", value="NI") == "NI"


def test_xml_keeps_its_structure_and_loses_what_tells_who_it_is() -> None:
    told = disguise_project(XML.encode(), mask())

    values = {one.get("ItemOID"): one.get("Value") for one in etree.fromstring(told).iter("{*}ItemData")}
    assert values.pop("first_name") != "Walburga"
    assert values == {"record_id": "7", "weight": "17.5", "redcap_data_access_group": "north"}
    assert b"<StudyName>Small</StudyName>" in told
    assert b"Walburga" not in told
    assert b"Ulm" not in told
    assert b"V2FsYnVyZ2E=" not in told


def test_users_keep_their_rights_and_lose_their_names() -> None:
    users = pd.DataFrame({"username": ["walburga"], "email": ["w@ulm.test"], "design": ["1"]})

    told = disguise_users(users)

    assert told.to_dict("records") == [{"username": "user_1", "email": "user1@example.org", "design": "1"}]
