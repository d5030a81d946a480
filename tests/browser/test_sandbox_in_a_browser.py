"""The sandbox's pages as a person uses them: mouse, keyboard, no script."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass

import pytest
import requests
from playwright.sync_api import Page, expect

from sandbox.server import Running
from tests.adapters.trigger_receiver import receiving

EVIL = "<img src=x onerror=alert(1)><script>alert(2)</script>'\"{{7*7}}"
COLUMNS = [
    "field_name",
    "form_name",
    "field_type",
    "field_label",
    "select_choices_or_calculations",
    "text_validation_type_or_show_slider_number",
    "section_header",
    "branching_logic",
    "required_field",
    "matrix_group_name",
]
FIELDS = [
    ("record_id", "start", "text", "Record"),
    ("name", "start", "text", "Name", "", "", "", "", "y"),
    ("born", "start", "text", "Born", "", "date_mdy"),
    ("sex", "start", "radio", "Sex", "1, Female | 2, Male"),
    ("hand", "start", "dropdown", "Hand", "l, Left | r, Right"),
    ("likes", "start", "checkbox", "Likes", "1, Milk | -9, None"),
    ("sure", "start", "yesno", "Sure", "", "", "About you", "[name] <> ''"),
    ("why", "start", "notes", "Why"),
    ("pain", "start", "slider", "Pain", "none | some | much"),
    ("photo", "start", "file", "Photo"),
    ("told", "start", "descriptive", "Please read this"),
    ("weight", "start", "text", "Weight", "", "number"),
    ("double", "start", "calc", "Double", "[weight]*2"),
    ("m_one", "start", "radio", "Tea", "1, Yes | 0, No", "", "", "", "", "drinks"),
    ("m_two", "start", "radio", "Coffee", "1, Yes | 0, No", "", "", "", "", "drinks"),
    ("seen", "visit", "text", EVIL),
    ("dose", "dose", "text", "Dose", "", "integer"),
]


@dataclass(frozen=True)
class Study:
    server: Running
    token: str
    number: int

    def url(self, path: str = "") -> str:
        return f"{self.server.control_url}project/{self.number}{path}"

    def ask(self, content: str, **fields: str) -> requests.Response:
        data = {"token": self.token, "content": content, "format": "json", **fields}
        answer = requests.post(self.server.redcap_url, data=data, timeout=20)
        assert answer.status_code == 200, answer.text
        return answer

    def record(self, name: str) -> dict[str, str]:
        return next(row for row in self.ask("record").json() if row["record_id"] == name)


@pytest.fixture(scope="module")
def study() -> Iterator[Study]:
    with Running() as server:
        made = requests.post(server.control_url + "projects", json={"title": "Teeth"}, timeout=9).json()
        study = Study(server, made["token"], made["project_id"])
        rows = [dict(zip(COLUMNS, field, strict=False)) for field in FIELDS]
        study.ask("metadata", data=json.dumps(rows))
        study.ask("repeatingFormsEvents", data=json.dumps([{"form_name": "dose", "custom_form_label": ""}]))
        yield study


def open_form(page: Page, study: Study, record: str, form: str = "start") -> None:
    page.goto(study.url(f"/form?id={record}&form={form}"))


def test_a_new_record_is_filled_in_and_its_dot_turns_green(page: Page, study: Study) -> None:
    with receiving() as receiver:
        put = {"url": receiver.url}
        requests.put(f"{study.server.control_url}projects/{study.number}/trigger", json=put, timeout=9)
        page.goto(study.server.control_url)
        page.get_by_role("link", name="Teeth").click()
        page.get_by_label("New record").fill("A-1")
        page.get_by_role("button", name="Add").click()
        page.get_by_role("link", name="Start: never saved").click()
        page.get_by_label("Name").fill("Zoë")
        page.get_by_label("Born").fill("12-31-1999")
        page.get_by_label("Female").check()
        page.get_by_label("Hand").select_option("Right")
        page.get_by_label("None").check()
        page.get_by_role("group", name="Sure").get_by_label("Yes").check()
        page.get_by_label("Why").fill("one\ntwo")
        page.get_by_label("Weight").fill("2.5")
        page.get_by_label("Tea: Yes").check()
        page.get_by_label("Complete?").select_option("Complete")
        page.get_by_role("button", name="Save and leave").click()

        expect(page.get_by_role("link", name="Start: Complete")).to_be_visible()
        said = receiver.next()

    assert (said["record"], said["instrument"], said["start_complete"]) == ("A-1", "start", "2")
    row = study.record("A-1")
    assert (row["name"], row["born"], row["sex"], row["hand"]) == ("Zoë", "1999-12-31", "1", "r")
    assert (row["likes___1"], row["likes____9"], row["sure"], row["m_one"], row["m_two"]) == (
        "0",
        "1",
        "1",
        "1",
        "",
    )
    assert (row["why"].splitlines(), row["double"], row["start_complete"]) == (["one", "two"], "5", "2")
    page.get_by_role("link", name="Log").click()
    expect(page.get_by_role("cell", name="Create record A-1", exact=True)).to_be_visible()


def test_a_wrong_date_is_refused_and_nothing_that_was_typed_is_lost(page: Page, study: Study) -> None:
    open_form(page, study, "B-1")
    page.get_by_label("Name").fill("Ann")
    page.get_by_label("Born").fill("31-31-1999")
    page.get_by_label("Male", exact=True).check()
    page.get_by_label("Milk").check()
    page.get_by_label("Weight").fill("heavy")
    page.get_by_role("button", name="Save and leave").click()

    wrong = page.get_by_role("group", name="Born").or_(page.locator("#wrong-born"))
    expect(wrong.last).to_contain_text("it does not follow the expected format. Please try again.")
    expect(page.get_by_role("alert")).to_contain_text("Nothing was saved: 2 values")
    expect(page.get_by_label("Name")).to_have_value("Ann")
    expect(page.get_by_label("Born")).to_have_value("31-31-1999")
    expect(page.get_by_label("Weight")).to_have_value("heavy")
    expect(page.get_by_label("Male", exact=True)).to_be_checked()
    expect(page.get_by_label("Milk")).to_be_checked()
    assert "B-1" not in [row["record_id"] for row in study.ask("record").json()]


def test_a_saved_form_shows_its_values_in_the_fields_own_format(page: Page, study: Study) -> None:
    rows = [{"record_id": "C-1", "born": "2001-02-03", "sex": "2", "likes___1": "1", "start_complete": "1"}]
    study.ask("record", data=json.dumps(rows))

    open_form(page, study, "C-1")

    expect(page.get_by_label("Born")).to_have_value("02-03-2001")
    expect(page.get_by_label("Male", exact=True)).to_be_checked()
    expect(page.get_by_label("Milk")).to_be_checked()
    expect(page.get_by_label("Complete?")).to_have_value("1")
    expect(page.get_by_text("Name: a value is required.")).to_be_visible()
    expect(page.get_by_text("[name] <> ''")).to_be_visible()


def test_planted_markup_stays_text_everywhere(page: Page, study: Study) -> None:
    rows = [{"record_id": EVIL, "name": EVIL, "why": EVIL, "seen": EVIL}]
    study.ask("record", data=json.dumps(rows))

    for path in ("", "/log", "/tokens"):
        page.goto(study.url(path))
    page.goto(study.url())
    page.get_by_role("link", name=EVIL).click()
    page.get_by_role("link", name="Start: Incomplete").click()

    expect(page.get_by_label("Name")).to_have_value(EVIL)
    expect(page.get_by_label("Why")).to_have_value(EVIL)
    assert page.locator("img, script").count() == 0
    assert "49" not in page.get_by_role("heading", level=2).inner_text()


def test_a_form_is_saved_with_the_keyboard_alone(page: Page, study: Study) -> None:
    open_form(page, study, "D-1", form="visit")
    for _ in range(60):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement.id") == "q-seen":
            break
    page.keyboard.type("typed")
    page.keyboard.press("Enter")

    expect(page.get_by_role("heading", name="Record D-1")).to_be_visible()
    assert study.record("D-1")["seen"] == "typed"


def test_instances_are_added_one_after_the_other(page: Page, study: Study) -> None:
    open_form(page, study, "E-1", form="dose")
    for number in ("1", "2", "3"):
        page.get_by_label("Dose").fill(number)
        page.get_by_role("button", name="Save and leave").click()
        page.get_by_role("link", name=f"add instance {int(number) + 1}").click()

    page.goto(study.url("/record?id=E-1"))
    page.locator("summary", has=page.get_by_label("3 instances")).click()

    expect(page.get_by_role("link", name="instance 3, Incomplete")).to_be_visible()
    rows = [row for row in study.ask("record", records="E-1").json() if row["redcap_repeat_instrument"]]
    assert [(row["redcap_repeat_instance"], row["dose"]) for row in rows] == [(1, "1"), (2, "2"), (3, "3")]


def test_a_file_is_uploaded_downloaded_and_removed(page: Page, study: Study) -> None:
    open_form(page, study, "F-1")
    page.locator("#q-photo").set_input_files(
        {"name": "a b.html", "mimeType": "text/html", "buffer": b"<b>x</b>"}
    )
    page.get_by_role("button", name="Save and stay").click()
    with page.expect_download() as download:
        page.get_by_role("link", name="a b.html").click()
    page.get_by_label("remove it").check()
    page.get_by_role("button", name="Save and stay").click()

    assert download.value.suggested_filename == "a b.html"
    expect(page.get_by_text("a b.html")).to_have_count(0)
    assert study.record("F-1")["photo"] == ""


def test_a_record_is_renamed_and_deleted(page: Page, study: Study) -> None:
    study.ask("record", data=json.dumps([{"record_id": "G-1", "name": "x"}]))
    page.goto(study.url("/record?id=G-1"))
    page.get_by_text("Rename or delete this record").click()
    page.get_by_label("New name").fill("G-2")
    page.get_by_role("button", name="Rename").click()
    page.get_by_text("Rename or delete this record").click()
    page.get_by_label("To delete it, type its name").fill("G-2")
    page.get_by_role("button", name="Delete record").click()

    expect(page.get_by_text("It was deleted.")).to_be_visible()
    assert not {"G-1", "G-2"} & {row["record_id"] for row in study.ask("record").json()}


def test_records_are_found_and_paged(page: Page, study: Study) -> None:
    study.ask("record", data=json.dumps([{"record_id": str(number)} for number in range(1000, 1110)]))
    page.goto(study.url())
    page.get_by_label("Find records").fill("10")
    page.get_by_role("button", name="Find").click()
    page.get_by_role("navigation", name="Pages").get_by_role("link", name="3").click()

    expect(page.get_by_role("rowheader", name="1109")).to_be_visible()
    expect(page.get_by_role("rowheader")).to_have_count(10)


def test_requests_faults_clock_and_tokens_have_their_pages(page: Page, study: Study) -> None:
    page.goto(study.server.control_url)
    page.get_by_role("link", name="Faults").click()
    page.get_by_label("Status", exact=True).fill("502")
    page.get_by_label("Only this content").fill("arm")
    page.get_by_role("button", name="Add").click()
    data = {"token": study.token, "content": "arm"}
    assert requests.post(study.server.redcap_url, data=data, timeout=9).status_code == 502
    page.get_by_role("link", name="Requests").click()
    row = page.get_by_role("row").nth(1)
    expect(row).to_contain_text("arm")
    expect(row).to_contain_text("502")
    page.get_by_role("link", name="Clock and version").click()
    page.get_by_label("Stop it at").fill("2031-02-03T04:05:06")
    page.get_by_role("button", name="Stop there").click()
    expect(page.get_by_role("contentinfo")).to_contain_text("stands at 2031-02-03 04:05:06")
    page.get_by_role("button", name="Let it run").click()
    page.goto(study.url("/tokens"))
    page.get_by_role("button", name="Make a token").click()
    token = page.locator("output.token").inner_text()
    page.goto(study.url("/tokens"))

    assert study.ask("version", token=token).text == "15.2.1"
    assert token not in page.content()


def test_a_project_is_loaded_from_its_own_xml(page: Page, study: Study, tmp_path) -> None:
    file = tmp_path / "teeth.xml"
    file.write_text(study.ask("project_xml", returnMetadataOnly="true").text)
    page.goto(study.server.control_url)
    page.get_by_label("File that REDCap or this sandbox wrote").set_input_files(file)
    page.get_by_label("Title (blank").fill("Teeth again")
    page.get_by_role("button", name="Load").click()

    expect(page.get_by_role("heading", name="Teeth again")).to_be_visible()
    assert len(page.locator("output.token").inner_text()) == 32


def test_every_page_says_sandbox(page: Page, study: Study) -> None:
    server = ["made", "weather", "posts", "settings", "", "project/999"]
    project = [
        "",
        "/record?id=1",
        "/form?id=1&form=start",
        "/log",
        "/trigger",
        "/tokens",
        "/form?id=1&form=x",
    ]
    addresses = [study.server.control_url + path for path in server] + [study.url(path) for path in project]

    for address in addresses:
        page.goto(address)
        expect(page.get_by_role("banner")).to_contain_text("SANDBOX")
        assert page.title().endswith("SANDBOX")


def test_a_participant_answers_a_survey_once(page: Page, study: Study) -> None:
    made = requests.post(study.server.control_url + "projects", json={"title": "Asked"}, timeout=9).json()
    survey = Study(study.server, made["token"], made["project_id"])
    rows = [dict(zip(COLUMNS, field, strict=False)) for field in FIELDS[:4]]
    survey.ask("metadata", data=json.dumps(rows))
    surveys = f"{study.server.control_url}projects/{survey.number}/surveys"
    requests.post(surveys, json={"instrument": "start"}, timeout=9)
    survey.ask("record", data=json.dumps([{"record_id": "7"}]))
    link = survey.ask("surveyLink", record="7", instrument="start").text
    with receiving() as receiver:
        put = {"url": receiver.url}
        requests.put(f"{study.server.control_url}projects/{survey.number}/trigger", json=put, timeout=9)
        page.goto(link)
        page.get_by_label("Born").fill("never")
        page.get_by_role("button", name="Submit").click()
        expect(page.locator("#wrong-born")).to_be_visible()
        page.get_by_label("Born").fill("01-02-2003")
        page.get_by_role("button", name="Submit").click()
        expect(page.get_by_text("Thank you for taking the survey.")).to_be_visible()

        said = receiver.next()

    assert (said["username"], said["start_complete"]) == ("[survey respondent]", "2")
    row = survey.ask("record", exportSurveyFields="true").json()[0]
    assert (row["born"], row["start_complete"]) == ("2003-01-02", "2")
    assert row["start_timestamp"].startswith("20")
    page.goto(link)
    expect(page.get_by_role("button")).to_have_count(0)
