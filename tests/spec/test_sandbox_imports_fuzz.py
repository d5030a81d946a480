"""No import, deletion, renaming or log export makes the sandbox fail, whatever is sent."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sandbox_trial import FIELDS, Trial

from sandbox.project.names import MAX_RECORD

QUICK = settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
NAMES = [
    *(one.field_name for one in FIELDS),
    *("likes___1", "likes____9", "likes", "start_complete", "redcap_event_name", "redcap_repeat_instrument"),
    *("redcap_repeat_instance", "redcap_data_access_group", "redcap_survey_identifier", "no_such_field"),
]
ODD = [
    "",
    " ",
    "\x00",
    "a\x00b",
    "1",
    "01",
    "-9",
    "new",
    "NI",
    "north",
    "call",
    "month_6_arm_1",
    "weekly_arm_1",
    "9" * 5000,
    "-" + "9" * 400,
    "1e999",
    "31/12/99",
    "0000-00-00",
    "9999-12-31 23:59",
    "２",
    "😀",
    "x" * (MAX_RECORD + 1),
    "' OR 1=1 --",
    '"\\',
]
TEXTS = st.sampled_from(ODD) | st.text(max_size=20)
VALUES = (
    TEXTS
    | st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.lists(st.text(max_size=3), max_size=2)
)
ROWS = st.lists(
    st.dictionaries(st.sampled_from(NAMES), VALUES, max_size=8).flatmap(
        lambda row: TEXTS.map(lambda record: {"record_id": record, **row})
    ),
    max_size=4,
)
OPTIONS = st.fixed_dictionaries(
    {},
    optional={
        "type": st.sampled_from(["flat", "eav", "x"]),
        "overwriteBehavior": st.sampled_from(["normal", "overwrite"]),
        "forceAutoNumber": st.sampled_from(["true", "false"]),
        "backgroundProcess": st.sampled_from(["true", "false"]),
        "dateFormat": st.sampled_from(["YMD", "MDY", "DMY", "?"]),
        "returnContent": st.sampled_from(["count", "ids", "auto_ids", "nothing", "?"]),
        "returnFormat": st.sampled_from(["csv", "json", "xml"]),
        "csvDelimiter": st.sampled_from([",", "tab", ";", '"', "\n", "\r", " ", "\x00"]),
    },
)


@pytest.fixture(scope="module")
def trial() -> Iterator[Trial]:
    found = Trial(MissingDataCodes="NI, No information", SecondaryUniqueField="code")
    yield found
    found.close()


def assert_answered(trial: Trial, content: str, **fields: str) -> None:
    answer = trial.ask(trial.owner, content, **fields)
    assert answer.status in (200, 400, 403)
    assert isinstance(answer.content, bytes)


@QUICK
@given(rows=ROWS, options=OPTIONS)
def test_json_rows_are_taken_or_refused(trial: Trial, rows: list[dict], options: dict[str, str]) -> None:
    assert_answered(trial, "record", format="json", data=json.dumps(rows), **options)


@QUICK
@given(rows=ROWS, options=OPTIONS)
def test_csv_rows_are_taken_or_refused(trial: Trial, rows: list[dict], options: dict[str, str]) -> None:
    file = io.StringIO()
    writer = csv.DictWriter(file, NAMES)
    writer.writeheader()
    writer.writerows(rows)

    assert_answered(trial, "record", format="csv", data=file.getvalue(), **options)


@QUICK
@given(lines=st.lists(st.tuples(TEXTS, st.sampled_from(NAMES), VALUES, TEXTS), max_size=5), options=OPTIONS)
def test_eav_lines_are_taken_or_refused(trial: Trial, lines: list[tuple], options: dict[str, str]) -> None:
    names = ("record", "field_name", "value", "redcap_repeat_instance")
    rows = [dict(zip(names, line, strict=True)) for line in lines]

    assert_answered(trial, "record", **{"format": "json", **options, "type": "eav"}, data=json.dumps(rows))


@QUICK
@given(
    text=st.text(alphabet="<>&;[]{}\"',:/!?=-\n\x00 aérecods1DTNLM"),
    fmt=st.sampled_from(["json", "csv", "xml", "odm"]),
)
def test_any_text_is_taken_or_refused(trial: Trial, text: str, fmt: str) -> None:
    assert_answered(trial, "record", format=fmt, data=text, action="import")


@pytest.mark.parametrize("fmt", ["json", "csv", "xml", "odm"])
@pytest.mark.parametrize("opening", ["[", '{"a":', "<a>", '[{"record_id":[', "\x00", "\ud800"])
def test_deep_nesting_is_refused(trial: Trial, fmt: str, opening: str) -> None:
    assert_answered(trial, "record", format=fmt, data=opening * 100_000, action="import")


def test_entities_do_not_blow_up(trial: Trial) -> None:
    entities = "".join(f'<!ENTITY e{n} "{f"&e{n - 1};" * 20}">' for n in range(1, 12))
    data = (
        f'<!DOCTYPE r [<!ENTITY e0 "aaaaaaaaaa">{entities}<!ATTLIST item x CDATA "&e11;">]>'
        "<records><item><record_id>&e11;</record_id></item></records>"
    )

    for fmt in ("xml", "odm"):
        assert_answered(trial, "record", format=fmt, data=data)


@pytest.mark.parametrize(
    ("fmt", "text"),
    [
        ("json", "[" + "{}," * 12_000_000 + "{}]"),
        ("csv", "record_id" + ",a" * 100_000 + "\n1" * 1_000),
        ("xml", "<a>" + "<b/>" * 21_000_000 + "</a>"),
    ],
)
def test_more_cells_than_memory_are_refused(trial: Trial, fmt: str, text: str) -> None:
    answer = trial.ask(trial.owner, "record", format=fmt, data=text, returnFormat="csv")

    assert answer.status == 400
    assert answer.content.startswith(b"ERROR: REDCap ran out of server memory.")


PARAMETERS = st.dictionaries(
    st.sampled_from(
        ["records", "record", "new_record_name", "arm", "event", "instrument", "repeat_instance"]
    ),
    TEXTS,
)


@QUICK
@given(parameters=PARAMETERS, action=st.sampled_from(["delete", "rename"]))
def test_deletions_and_names_are_taken_or_refused(
    trial: Trial, parameters: dict[str, str], action: str
) -> None:
    assert_answered(trial, "record", action=action, **parameters)


@QUICK
@given(
    parameters=st.dictionaries(
        st.sampled_from(["logtype", "user", "record", "dag", "beginTime", "endTime", "format"]), TEXTS
    )
)
def test_the_log_is_shown_or_refused(trial: Trial, parameters: dict[str, str]) -> None:
    assert_answered(trial, "log", **parameters)
