"""Project XML: what the sandbox loads it writes again, and nothing that comes in harms it (E)."""

from __future__ import annotations

import base64
import html
import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime
from io import BytesIO

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from random_projects import filled
from sandbox_caller import ALL, Caller
from sandbox_recordings import recording

from sandbox.odm import stream
from sandbox.people.members import save_role
from sandbox.people.rights import Member, Role
from sandbox.project.model import Project
from sandbox.setup.creation import add_token, create_project
from sandbox.state import State
from sandbox.storage import StoredFile
from sandbox.storage.values import StoredRow

HEAD = '<ODM xmlns="http://www.cdisc.org/ns/odm/v1.3" xmlns:redcap="https://projectredcap.org">'


@pytest.fixture(scope="module")
def desk() -> Iterator[Caller]:
    state = State()
    state.clock.freeze(datetime.fromisoformat("2024-11-05T12:35:00"))
    yield Caller(state)
    state.close()


def study(forms: str = "", variables: str = "", data: str = "") -> str:
    """Wrap the parts of an XML that a test is about; the only field is the record id."""
    return (
        f"{HEAD}<Study><GlobalVariables><StudyName>S</StudyName>{variables}</GlobalVariables><MetaDataVersion>{forms}"
        '<FormDef OID="Form.one" Name="One" redcap:FormName="one"><ItemGroupRef ItemGroupOID="one.record_id"/>'
        '</FormDef><ItemGroupDef OID="one.record_id"><ItemRef ItemOID="record_id"/><ItemRef ItemOID="note"/>'
        '</ItemGroupDef><ItemDef OID="record_id" redcap:Variable="record_id" redcap:FieldType="text"/>'
        '<ItemDef OID="note" redcap:Variable="note" redcap:FieldType="textarea"/>'
        f"</MetaDataVersion></Study><ClinicalData>{data}</ClinicalData></ODM>"
    )


def subject(inside: str, record: str = "1") -> str:
    form = (
        f'<FormData FormOID="Form.one" FormRepeatKey="1"><ItemGroupData>{inside}</ItemGroupData></FormData>'
    )
    return f'<SubjectData SubjectKey="{record}">{form}</SubjectData>'


# What real servers wrote


@pytest.mark.parametrize(
    "folder",
    [
        "arm-multiple-delete",
        "checkboxes-1",
        "dag",
        "longitudinal",
        "repeating-events",
        "repeating-instruments",
        "simple",
        "survey",
    ],
)
def test_what_a_real_server_wrote_is_written_again_byte_for_byte(folder: str) -> None:
    original = recording("golden", folder, "project.xml").decode()

    def told(pattern: str) -> str:
        return html.unescape(re.findall(pattern, original)[0])

    state = State(version=told('SourceSystemVersion="(.*?)"'))
    state.clock.freeze(datetime.fromisoformat(told('AsOfDateTime="(.*?)"')))
    title, purpose = told("<StudyName>(.*?)<"), told("<redcap:Purpose>(.*?)<")

    written = Caller(state).new(original, project_title=title, purpose=purpose).xml()

    state.close()
    assert written == original


def test_the_structure_alone_is_the_recorded_one_but_for_the_projects_own_title_and_date() -> None:
    expected = recording("golden", "repeating-events", "recorded-metadata.xml").decode()
    original = recording("golden", "repeating-events", "project.xml").decode()
    state = State(version="9.1.3")
    state.clock.freeze(datetime.fromisoformat("2020-05-20T17:12:36"))

    written = Caller(state).new(original, project_title="Repeating Events").xml(returnMetadataOnly="true")

    state.close()
    # An editor has given the recording a final line break.
    assert written == expected.removesuffix("\n")


def test_the_demonstration_study_comes_out_as_it_went_in() -> None:
    original = recording("caps-demo", "project.xml").decode()
    state = State(version="8.5.11")
    state.clock.freeze(datetime.fromisoformat("2018-08-29T07:38:51"))

    written = Caller(state).new(original, project_title="CAPS Demo Project").xml(returnMetadataOnly="true")

    state.close()
    without_time = re.compile(r'(AsOf|Creation)DateTime="[^"]*"')
    assert without_time.sub("", written) == without_time.sub("", original)


# Any project


@settings(max_examples=60, deadline=None)
@given(filled())
def test_any_project_is_the_same_after_it_was_written_and_loaded(
    desk: Caller, made: tuple[Project, list[StoredRow]]
) -> None:
    project, rows = made
    project_id = desk.state.store.next_id()
    project = replace(project, project_id=project_id)
    desk.state.store.projects.save(project)
    desk.state.store.values.add(project_id, rows)
    first = Caller(desk.state, add_token(desk.state.store, project, member=Member("owner")))
    xml = first.xml()

    second = desk.new(xml)

    assert _structure(second.project) == _structure(project)
    assert second.text("record", format="csv") == first.text("record", format="csv")
    assert second.xml() == xml


def _structure(project: Project) -> Project:
    """Return a project without what every project has of its own: numbers, dates and defaults."""
    numbers = {event.event_id: index for index, event in enumerate(project.ordered_events)}
    written = set(project.settings) & {"MissingDataCodes"}
    return replace(
        project,
        project_id=0,
        created="",
        events=tuple(replace(event, event_id=numbers[event.event_id]) for event in project.ordered_events),
        repeats=tuple(replace(one, event_id=numbers[one.event_id]) for one in project.live_repeats),
        groups=tuple(replace(group, group_id=0) for group in project.groups),
        settings={name: project.settings[name] for name in written},
    )


def test_groups_roles_files_and_survey_columns_come_along(desk: Caller) -> None:
    survey = '<redcap:SurveysGroup><redcap:Surveys form_name="one" title="A"/></redcap:SurveysGroup>'
    file = '<ItemDef OID="scan" redcap:Variable="scan" redcap:FieldType="file"/>'
    groups = '<redcap:DataAccessGroupsGroup><redcap:DataAccessGroups group_name="Site A"/></redcap:DataAccessGroupsGroup>'
    encoded = base64.b64encode(b"picture").decode()
    items = (
        '<ItemData ItemOID="redcap_data_access_group" Value="site_a"/>'
        '<ItemData ItemOID="one_timestamp" Value="2024-01-02 03:04:05"/>'
        f'<ItemDataBase64Binary ItemOID="scan" redcap:DocName="a.png" redcap:MimeType="image/png"><![CDATA[{encoded}]]>'
        "</ItemDataBase64Binary>"
    )
    xml = study(variables=survey + groups, data=subject(items)).replace(
        "</MetaDataVersion>", file + "</MetaDataVersion>"
    )
    xml = xml.replace('<ItemRef ItemOID="note"/>', '<ItemRef ItemOID="note"/><ItemRef ItemOID="scan"/>')
    first = desk.new(xml)
    save_role(desk.state.store, first.project.project_id, role=Role(0, "U-1234567890", "Nurse"))

    second = desk.new(first.xml())

    row = second.json("record", **ALL)[0]
    assert (row["redcap_data_access_group"], row["one_timestamp"]) == ("site_a", "2024-01-02 03:04:05")
    doc_id = second.json("record", type="eav", fields="scan")[0]["value"]
    assert desk.state.store.files.get(second.project.project_id, doc_id) == StoredFile(
        "a.png", "image/png", b"picture"
    )
    assert [role["role_label"] for role in second.json("userRole")] == ["Nurse"]
    assert second.project.surveys == ("one",)


def test_roles_of_older_files_get_unique_names(desk: Caller) -> None:
    roles = '<redcap:UserRolesGroup><redcap:UserRoles role_name="A"/><redcap:UserRoles role_name="B"/></redcap:UserRolesGroup>'

    found = desk.new(study(variables=roles)).json("userRole")

    assert [role["role_label"] for role in found] == ["A", "B"]
    assert all(re.fullmatch("U-[0-9A-Z]{10}", role["unique_role_name"]) for role in found)


def test_a_picture_outlives_an_upload_of_the_dictionary(desk: Caller) -> None:
    picture = '<redcap:Attachment DocName="a.png" MimeType="image/png"><![CDATA[AAAA]]></redcap:Attachment>'
    xml = study().replace(
        'redcap:FieldType="textarea"/>', f'redcap:FieldType="descriptive">{picture}</ItemDef>'
    )
    loaded = desk.new(xml)

    loaded.send("metadata", loaded.json("metadata"))

    assert picture in loaded.xml()


def test_unknown_settings_and_groups_are_kept_as_they_came(desk: Caller) -> None:
    variables = (
        "<redcap:NewThing>a &amp; b</redcap:NewThing>"
        '<redcap:ThingsGroup>\n\t<redcap:Things a="1&#10;2" b="it&#039;s"><![CDATA[x < y]]></redcap:Things></redcap:ThingsGroup>'
    )

    written = desk.new(study(variables=variables)).xml(returnMetadataOnly="true")

    assert "<redcap:NewThing>a &amp; b</redcap:NewThing>" in written
    kept = '<redcap:Things a="1\n2" b="it&#039;s"><![CDATA[x < y]]></redcap:Things></redcap:ThingsGroup>'
    assert kept in written


def test_line_breaks_in_attributes_are_kept_although_they_are_raw(desk: Caller) -> None:
    loaded = desk.new(study(data=subject('<ItemData ItemOID="note" Value="one\r\ntwo\n\nthree"/>')))

    assert loaded.json("record")[0]["note"] == "one\ntwo\n\nthree"


def test_control_characters_that_no_xml_can_hold_are_left_out(desk: Caller) -> None:
    loaded = desk.new(study())
    loaded.text("record", format="json", data='[{"record_id":"1","note":"a\\u0001b"}]')

    assert desk.new(loaded.xml()).json("record")[0]["note"] == "ab"


@pytest.mark.parametrize("record", ["a&#10;b", "x" * 101, " "])
def test_a_record_that_no_import_would_take_is_left_out(desk: Caller, record: str) -> None:
    loaded = desk.new(study(data=subject('<ItemData ItemOID="note" Value="one"/>', record=record)))

    assert loaded.json("record") == []


def test_an_order_of_reports_that_is_no_number_does_no_harm(desk: Caller) -> None:
    report = f'<redcap:Reports title="All" report_order="{"9" * 5000}" redcap_reports_fields="record_id"/>'
    loaded = desk.new(study(variables=f"<redcap:ReportsGroup>{report}</redcap:ReportsGroup>"))

    assert loaded.ask("report", report_id="1")[0] == 200


# Which data are written


def test_access_groups_and_survey_columns_are_written_only_when_asked_for(desk: Caller) -> None:
    groups = '<redcap:DataAccessGroupsGroup><redcap:DataAccessGroups group_name="A"/></redcap:DataAccessGroupsGroup>'
    loaded = desk.new(
        study(variables=groups, data=subject('<ItemData ItemOID="redcap_data_access_group" Value="a"/>'))
    )

    plain, full = loaded.xml(format="xml"), loaded.xml()

    assert "redcap_data_access_group" not in plain
    assert '<ItemData ItemOID="redcap_data_access_group" Value="a"/>' in full


@pytest.mark.parametrize(
    ("asked", "records"),
    [
        ({"records": "2,3"}, ["2", "3"]),
        ({"filterLogic": "[note] = 'b'"}, ["2"]),
        ({"records[0]": "1"}, ["1"]),
        ({"records": "none"}, []),
    ],
)
def test_records_can_be_chosen(desk: Caller, asked: dict[str, str], records: list[str]) -> None:
    data = "".join(
        subject(f'<ItemData ItemOID="note" Value="{note}"/>', record)
        for record, note in zip("123", "abc", strict=True)
    )
    loaded = desk.new(study(data=data))

    assert re.findall('SubjectKey="(.)"', loaded.xml(**asked)) == records


def test_fields_can_be_chosen(desk: Caller) -> None:
    loaded = desk.new(study(data=subject('<ItemData ItemOID="note" Value="x"/>')))

    written = loaded.xml(fields="record_id").partition("<ClinicalData")[2]

    assert re.findall('ItemOID="(.*?)"', written) == ["record_id"]


def test_a_record_export_as_odm_has_data_alone_and_imports_again(desk: Caller) -> None:
    loaded = desk.new(study(data=subject('<ItemData ItemOID="note" Value="a &lt; b"/>')))
    exported = loaded.text("record", format="odm")
    loaded.text("record", format="json", data='[{"record_id":"1","note":"changed"}]')

    answer = loaded.text("record", format="odm", data=exported, returnFormat="json")

    assert "<Study" not in exported
    assert answer == '{"count": 1}'
    assert loaded.json("record")[0]["note"] == "a < b"
    assert desk.create(exported)[0] == 400


# Harm

BOMB = "".join(f'<!ENTITY e{n} "{f"&e{n - 1};" * 10}">' for n in range(1, 10))
HARMFUL = {
    "nothing but blanks": "  ",
    "no XML": "record_id\n1",
    "cut short": study()[:-20],
    "another document": "<html><body/></html>",
    "another namespace": study().replace("cdisc.org", "example.org"),
    "no study": f"{HEAD}</ODM>",
    "no fields": f"{HEAD}<Study><MetaDataVersion/></Study></ODM>",
    "no version": f"{HEAD}<Study/></ODM>",
    "a billion laughs": f'<!DOCTYPE ODM [<!ENTITY e0 "ha">{BOMB}]>{study().replace(">S<", ">&e9;<")}',
    "laughs in an attribute": f'<!DOCTYPE ODM [<!ENTITY e0 "ha">{BOMB}]>{study().replace("One", "&e9;")}',
    "one large entity many times": f'<!DOCTYPE ODM [<!ENTITY e "{"x" * 100_000}">]>{study().replace(">S<", ">" + "&e;" * 10_000 + "<")}',
    "a file of the server": f'<!DOCTYPE ODM [<!ENTITY e SYSTEM "file:///etc/passwd">]>{study().replace(">S<", ">&e;<")}',
    "a DTD elsewhere": f'<!DOCTYPE ODM SYSTEM "http://localhost/odm.dtd">{study()}',
    "an unknown entity": study().replace(">S<", ">&e;<"),
    "elements too deep": study(variables="<redcap:A>" * 100_000 + "</redcap:A>" * 100_000),
    "too many attributes": study(variables="<redcap:A " + " ".join(f'a{n}=""' for n in range(50_000)) + "/>"),
    "too many events": study('<StudyEventDef redcap:EventName="A"/>' * 3000),
    "too many access groups": study(
        variables="<redcap:G>" + '<redcap:DataAccessGroups group_name="A"/>' * 3000 + "</redcap:G>"
    ),
    "too many options": study().replace(
        'redcap:FieldType="textarea"/>',
        'redcap:FieldType="checkbox"><CodeListRef CodeListOID="c"/></ItemDef>'
        f'<CodeList OID="c" redcap:CheckboxChoices="{"|".join(map(str, range(3000)))}"/>',
    ),
    "a zero character": study().replace(">S<", ">\0<"),
    "half a character": study().replace(">S<", ">\ud800<")[:-4],
}


@pytest.mark.parametrize("name", HARMFUL)
def test_what_is_no_project_is_refused_at_once(desk: Caller, name: str) -> None:
    before = desk.state.store.projects.ids()

    status, _ = desk.create(HARMFUL[name])

    assert status == 400
    assert desk.state.store.projects.ids() == before


@pytest.mark.parametrize(
    "xml",
    [
        study().replace('<ItemRef ItemOID="note"/>', '<ItemRef ItemOID="gone"/><ItemRef/>'),
        study().replace(
            '<ItemGroupRef ItemGroupOID="one.record_id"/>',
            '<ItemGroupRef ItemGroupOID="one.record_id"/><ItemGroupRef/>',
        ),
        study('<FormDef OID="Form.one" redcap:FormName="one"/><FormDef/>'),
        study().replace(
            "<ItemGroupRef ", '<ItemGroupRef ItemGroupOID="one.record_id"/>' * 3000 + "<ItemGroupRef "
        ),
        study('<StudyEventDef redcap:EventName="A" redcap:ArmNum="x" redcap:DayOffset="inf"/>' * 40),
        study(
            '<StudyEventDef redcap:UniqueEventName="&quot;&gt;" redcap:ArmNum="-1" redcap:OffsetMin="1e999"><FormRef/></StudyEventDef>'
        ),
        study(f'<StudyEventDef redcap:ArmNum="{"9" * 5000}" redcap:DayOffset="{"9" * 5000}"/>'),
        study().replace('redcap:FieldType="textarea"', 'redcap:FieldType="checkbox"'),
        study().replace('redcap:FieldType="textarea"', 'redcap:FieldType="hologram"'),
        study().replace('redcap:Variable="note"', 'redcap:Variable="&quot;/&gt;&lt;x y=&quot;"'),
        study(
            variables="<redcap:Purpose>many</redcap:Purpose><!-- a --><?b?><redcap:SurveysEnabled>"
            + "9" * 5000
            + "</redcap:SurveysEnabled>"
        ),
        study(variables='<redcap:X><redcap:RepeatingEvent redcap:UniqueEventName="no"/></redcap:X>'),
        study(data=subject('<ItemData/><ItemData ItemOID="note"/><ItemData ItemOID="gone" Value="x"/>')),
        study(
            data='<SubjectData/><SubjectData SubjectKey="1"><FormData/></SubjectData>'
            + subject("", "x" * 200)
        ),
        study(
            data=subject('<ItemData ItemOID="note" Value="a"/>')
            + subject('<ItemData ItemOID="note" Value="b"/>')
        ),
        study().replace(' Name="One"', ' Name="' + "x" * 2_000_000 + '"'),
    ],
)
def test_odd_projects_are_loaded_as_far_as_they_go_and_written_as_xml(desk: Caller, xml: str) -> None:
    loaded = desk.new(xml)
    written = loaded.xml()

    assert desk.new(written).xml() == written
    for content in ("metadata", "record", "exportFieldNames", "instrument", "project"):
        loaded.json(content)


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 10_000), st.binary(max_size=6), st.booleans())
def test_a_damaged_file_is_loaded_or_refused(
    desk: Caller, place: int, damage: bytes, overwrite: bool
) -> None:
    whole = study(
        '<StudyEventDef redcap:EventName="A" redcap:UniqueEventName="a_arm_1" redcap:ArmNum="1"><FormRef redcap:FormName="one"/></StudyEventDef>',
        '<redcap:ReportsGroup><redcap:Reports title="&lt;x"/></redcap:ReportsGroup>',
        subject('<ItemData ItemOID="note" Value="x"/>'),
    ).encode()
    place %= len(whole)
    damaged = whole[:place] + damage + whole[place + len(damage) * overwrite :]

    status, text = desk.create(damaged.decode("utf-8", "replace"))

    assert status in (200, 400), text


# Size


def test_a_stream_is_read_in_pieces_without_breaking_attributes_or_files(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    section = '<![CDATA[a="x\ny" <b>]]>'
    xml = study(data=subject(f'<ItemData ItemOID="note" Value="one\ntwo">{section}</ItemData>'))
    monkeypatch.setattr(stream, "CHUNK_BYTES", 7)

    *_, last = [
        (one[0][0][0].get("Value"), one[0][0][0].text)
        for one in stream.elements(BytesIO(xml.encode()))
        if one.tag == stream.SUBJECT
    ]

    assert last == ("one\ntwo", 'a="x\ny" <b>')


def test_a_project_comes_from_a_file_as_well(desk: Caller) -> None:
    source = BytesIO(study(data=subject('<ItemData ItemOID="note" Value="x"/>')).encode())
    with desk.state.store.transaction():
        created = create_project(
            desk.state.store, {"project_title": "File"}, odm=source, now="2024-01-01 00:00:00"
        )

    assert Caller(desk.state, created.token).json("record")[0]["note"] == "x"
