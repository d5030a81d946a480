"""What the PDF of a form shows (protocol section B.19)."""

from __future__ import annotations

import io

import pytest
from pypdf import PdfReader
from sandbox_recordings import Api
from sandbox_studies import Study, new_study

from sandbox.printing.pdf import MAX_PAGES, Pages, Style, TooManyPages
from sandbox.server import Running

SCRIPTS = ["Größe", "Женщина", "αβγ", "中文", "日本語かな", "한국어"]


@pytest.fixture(scope="module")
def classic(server: Running) -> Study:
    study = new_study(server)
    study.send("dag", [{"data_access_group_name": "North", "unique_group_name": ""}], action="import")
    values = {"name": "Ann", "sex": "2", "likes___b": "1", "weight": "70.5", "notes": "one\r\ntwo"}
    study.send("record", [{"record_id": "1", **values, "redcap_data_access_group": "north"}])
    study.send("record", [{"record_id": "2", "name": "Bo"}])
    return study


@pytest.fixture(scope="module")
def longitudinal(server: Running) -> Study:
    study = new_study(server, longitudinal=True)
    base, month = {"redcap_event_name": "baseline_arm_1"}, {"redcap_event_name": "month_6_arm_1"}
    study.send(
        "record",
        [
            {"record_id": "1", **base, "name": "Ann", "weight": "70"},
            {"record_id": "1", **month, "weight": "60"},
        ],
    )
    for number in (1, 2):
        call = {"redcap_repeat_instrument": "call", "redcap_repeat_instance": number, "reached": "1"}
        study.send("record", [{"record_id": "1", **month, **call}])
    return study


def pages_of(api: Api, **fields: str) -> list[str]:
    response = api.post("pdf", **fields)
    assert response.status_code == 200, response.text
    return text_of(response.content)


def text_of(content: bytes) -> list[str]:
    return [page.extract_text() for page in PdfReader(io.BytesIO(content)).pages]


def test_it_is_a_pdf_with_a_name(classic: Study) -> None:
    response = classic.api.post("pdf", record="1", instrument="contact")

    assert response.headers["Content-Type"].startswith('application/pdf; name="Contact_Test_')
    assert response.content.startswith(b"%PDF-")


def test_blank_forms_show_labels_and_choices_without_tags(classic: Study) -> None:
    contact, exam, call = pages_of(classic.api)

    assert "Your name" in contact
    assert "E-mail & address" in contact
    assert "( ) Female\n( ) Male" in contact
    assert "[ ] Apples\n[ ] Bananas\n[ ] Cherries" in contact
    assert "Measurements" in exam
    assert "( ) Yes\n( ) No" in call


def test_a_field_can_be_kept_out_of_pdfs(server: Running) -> None:
    study = new_study(server)
    dictionary = study.api.json("metadata")
    dictionary[1]["field_annotation"] = "@hidden-pdf"
    study.send("metadata", dictionary)
    contact = pages_of(study.api, instrument="contact")[0]

    assert "Your name" not in contact
    assert "Sex" in contact


def test_every_page_says_what_it_is_and_where_from(classic: Study) -> None:
    for number, page in enumerate(pages_of(classic.api, record="1"), start=1):
        assert page.startswith("Test\nRecord 1\nSANDBOX")
        assert f"Page {number}\n" in page


def test_a_records_forms_show_its_values_and_mark_its_choices(classic: Study) -> None:
    contact, exam = pages_of(classic.api, record="1")

    assert "Ann" in contact
    assert "( ) Female\n(x) Male" in contact
    assert "[ ] Apples\n[x] Bananas\n[ ] Cherries" in contact
    assert "70.5" in exam
    assert "141" in exam
    assert "one\ntwo" in exam


def test_a_compact_pdf_leaves_out_what_has_no_value(classic: Study) -> None:
    (contact,) = pages_of(classic.api, record="1", instrument="contact", compactDisplay="true")

    assert "(x) Male" in contact
    assert "Female" not in contact
    assert "Apples" not in contact
    assert "E-mail" not in contact


def test_a_form_that_is_asked_for_is_shown_even_when_blank(classic: Study) -> None:
    (page,) = pages_of(classic.api, record="2", instrument="call")

    assert "Record 2" in page
    assert "( ) Yes" in page


@pytest.mark.parametrize("name", ["allRecords", "allrecords"])
def test_all_records_are_asked_for_by_naming_the_parameter(classic: Study, name: str) -> None:
    text = "\n".join(pages_of(classic.api, **{name: ""}))

    assert "Ann" in text
    assert "Bo" in text


def test_events_and_instances_are_in_the_head(longitudinal: Study) -> None:
    heads = [page.splitlines()[1] for page in pages_of(longitudinal.api, record="1")]

    assert [" ".join(head.split()) for head in heads] == [
        "Record 1 Baseline (Arm 1: Arm 1)",
        "Record 1 Baseline (Arm 1: Arm 1)",
        "Record 1 Month 6 (Arm 1: Arm 1)",
        "Record 1 Month 6 (Arm 1: Arm 1) Instance 1",
        "Record 1 Month 6 (Arm 1: Arm 1) Instance 2",
    ]


@pytest.mark.parametrize(
    ("fields", "count"),
    [
        ({"event": "month_6_arm_1"}, 3),
        ({"event": "month_6_arm_1", "instrument": "exam"}, 1),
        ({"event": "month_6_arm_1", "instrument": "call", "repeat_instance": "2"}, 1),
        ({"instrument": "exam"}, 2),
    ],
)
def test_event_instrument_and_instance_choose(
    longitudinal: Study, fields: dict[str, str], count: int
) -> None:
    assert len(pages_of(longitudinal.api, record="1", **fields)) == count


def test_an_event_chooses_its_blank_forms(longitudinal: Study) -> None:
    exam, call = pages_of(longitudinal.api, event="month_6_arm_1")

    assert "Weight (kg)" in exam
    assert "Reached?" in call


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"record": "9"}, 'The record "9" does not exist'),
        (
            {"instrument": "nope"},
            "The following values in the parameter \"instrument\" are not valid: 'nope'",
        ),
        ({"event": "nope"}, "invalid event"),
        (
            {"repeat_instance": "0"},
            "The following values in the parameter \"repeat_instance\" are not valid: '0'",
        ),
    ],
)
def test_what_the_project_does_not_have_is_refused(
    longitudinal: Study, fields: dict[str, str], message: str
) -> None:
    assert longitudinal.error("pdf", **fields) == (400, message)


def test_forms_and_fields_without_export_rights_are_left_out(classic: Study) -> None:
    api = classic.as_user(forms_export={"contact": 3, "exam": 0})
    contact, call = pages_of(api)

    assert "Your name" not in contact
    assert "Sex" in contact
    assert "Reached?" in call


def test_without_any_export_rights_there_is_no_pdf(classic: Study) -> None:
    none = classic.as_user(forms_export=dict.fromkeys(("contact", "exam", "call"), 0))

    assert none.post("pdf").status_code == 403
    assert classic.as_user(rights={"api_export": 0}).post("pdf").status_code == 403


def test_a_user_in_an_access_group_gets_only_its_records(classic: Study) -> None:
    api = classic.as_user(data_access_group="north")
    text = "\n".join(pages_of(api, allRecords="1"))

    assert "Ann" in text
    assert "Bo" not in text
    assert api.post("pdf", record="2").status_code == 400


def test_a_survey_says_when_it_was_answered(server: Running) -> None:
    study = new_study(server)
    study.control("surveys", {"instrument": "contact"})
    study.send("record", [{"record_id": "1"}])
    key = next(key for key, _ in server.state.store.values.rows(study.project_id))
    with server.state.writing():
        stamp = {(key, "contact_timestamp"): "2026-03-04 05:06:07"}
        server.state.store.values.set_surveys(study.project_id, stamp)

    assert "2026-03-04 05:06:07" in pages_of(study.api, record="1", instrument="contact")[0]


@pytest.mark.parametrize("text", SCRIPTS)
def test_text_in_any_script_can_be_read_back(text: str) -> None:
    pages = Pages("Test")
    pages.start(text)
    pages.write(f"before {text} after")

    assert f"before {text} after" in text_of(pages.finish())[0]


@pytest.mark.parametrize("text", ["\x00\x07\t\x1b", "\ud800", "😀", "\u202eevil", "", "\n\n", "x" * 5000])
def test_no_text_breaks_a_pdf(text: str) -> None:
    pages = Pages(text)
    pages.start(text)
    pages.write(f"before {text} after", Style(bold=True))

    assert "after" in "\n".join(text_of(pages.finish()))


def test_no_line_is_wider_or_lower_than_its_page() -> None:
    found: list[tuple[float, float]] = []
    pages = Pages("Test")
    pages.start("")
    pages.write("wide words " * 500 + "W" * 1000)
    for page in PdfReader(io.BytesIO(pages.finish())).pages:
        page.extract_text(
            visitor_text=lambda text, _, place, __, ___: found.append((place[5], len(text.strip())))
        )

    assert min(height for height, length in found if length) >= 50
    assert max(length for _, length in found) < 120


def test_a_document_is_bounded() -> None:
    pages = Pages("Test")
    pages.start("")

    with pytest.raises(TooManyPages):
        pages.write("line\n" * 100 * MAX_PAGES)


def test_a_document_that_is_too_large_is_refused_as_redcap_does(classic: Study) -> None:
    classic.send("record", [{"record_id": "3", "notes": "line\n" * 100 * MAX_PAGES}])
    refused = classic.error("pdf", record="3")
    classic.api.text("record", action="delete", records="3")

    assert refused == (
        400,
        "REDCap ran out of server memory. The request cannot be processed. "
        "Please try importing/exporting a smaller amount of data.",
    )
