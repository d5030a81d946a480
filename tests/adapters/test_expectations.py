"""Great Expectations: what is judged, what its pages hold, and that nobody hears of it.

All tests that import it are here: the import alone takes five seconds.
"""

from __future__ import annotations

import logging
import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import lxml.html
import pandas as pd
import pytest
import yaml

from capstan.dictionary import Dictionary, Field, FieldType
from capstan.errors import ExpectationRaised, StoreError, UsageError
from capstan.expectations import Project, judged_columns, validate
from capstan.expectations.columns import typed_columns
from capstan.expectations.shelf import RUNS_KEPT, Shelf
from capstan.expectations.site import RunNote, note_of
from capstan.quality.expected import Expected
from capstan.quality.outcome import Outcome

MARK = "qzxmark"
HOSTILE = "<script>alert('x')</script>&$name ${x}"
AT = datetime(2026, 3, 1, 5, 40, tzinfo=UTC)
MEASURES = ["measure", "form", "field", "event", "site", "value", "count"]

DICTIONARY = Dictionary(
    (
        Field("record_id", "base", FieldType.TEXT),
        Field("full_name", "base", FieldType.TEXT, identifier=True),
        Field("born", "base", FieldType.TEXT, validation="date_ymd"),
        Field("phone", "base", FieldType.TEXT, validation="phone"),
        Field("mail", "base", FieldType.TEXT, validation="email"),
        Field("zip", "base", FieldType.TEXT, validation="zipcode"),
        Field("about", "base", FieldType.NOTES),
        Field("words", "base", FieldType.TEXT),
        Field("mrn", "base", FieldType.TEXT, validation="integer", identifier=True),
        Field("town", "base", FieldType.SQL, calculation="select 1"),
        Field("scan", "base", FieldType.FILE),
        Field("made", "base", FieldType.TEXT, validation="integer", annotation="@CALCTEXT('x')"),
        Field("sex", "base", FieldType.RADIO, choices={"1": "Female", f"{MARK}code": "Male"}),
        Field("likes", "base", FieldType.CHECKBOX, choices={"a": "Apples", "b": "Bread"}),
        Field("well", "base", FieldType.YESNO, choices={"1": "Yes", "0": "No"}),
        Field("age", "base", FieldType.TEXT, validation="integer"),
        Field("weight", "vitals", FieldType.TEXT, validation="number_1dp_comma_decimal"),
        Field("pain", "vitals", FieldType.SLIDER),
        Field("index", "vitals", FieldType.CALC, calculation="[age] * 2"),
        Field("base_complete", "base", FieldType.FORM_STATUS, choices={"0": "", "1": "", "2": ""}),
    ),
    {"base": "Base", "vitals": "Vitals"},
    {"-99": "Unknown"},
)


def export(rows: int = 40) -> pd.DataFrame:
    """An export with a mark in every cell that may hold text."""
    marked = {name: f"{MARK}{name}" for one in DICTIONARY.fields for name in one.columns}
    frame = pd.DataFrame([marked] * rows).astype("str")
    frame["record_id"] = [f"{MARK}{number}" for number in range(rows)]
    frame["redcap_event_name"] = ["start_arm_1", "end_arm_1"] * (rows // 2)
    frame["redcap_data_access_group"] = ["north"] * (rows - 4) + ["tiny"] * 4
    frame["sex"] = ["1", f"{MARK}code", "1", f"{MARK}stray"] * (rows // 4)
    frame["age"] = [str(number) for number in range(rows)]
    frame["weight"] = ["70,5", ""] * (rows // 2)
    return frame


def of_data(expects: str, column: str = "", **more: Any) -> Expected:
    """Something expected of the export."""
    name = f"{expects}/{column}/{more.get('event', '')}/{more.get('site', '')}"
    known = {"severity": "warning", "sentence": f"{column} is {expects} as before", **more}
    return Expected(name, "drift", asset="data", expects=expects, column=column, **known)


def of_measures(name: str, **more: Any) -> Expected:
    """Something expected of a measure."""
    return Expected(
        name,
        more.pop("kind", "volume"),
        more.pop("severity", "critical"),
        f"Enough: {name}",
        measure=name,
        **more,
    )


MET = [
    of_data("filled", "weight", lower=0.5),
    of_data("mean", "age", lower=0, upper=100),
    of_data("spread", "age", lower=0, upper=100),
    of_data("shares", "sex", upper=0.1, reference=(("1", 0.5), (f"{MARK}code", 0.25), (f"{MARK}gone", 0.25))),
    of_data("unique", columns=("participant", "redcap_event_name")),
    of_data("rows", lower=40, upper=40),
    of_data("rows", event="end_arm_1", lower=20, upper=20),
    of_measures("rows", lower=10, upper=50),
]
UNMET = [
    of_data("filled", "weight", site="north", lower=0.9, severity="critical"),
    of_data("mean", "age", event="start_arm_1", lower=90, upper=100),
    of_data("spread", "weight", lower=5),
    of_data(
        "shares",
        "sex",
        event="start_arm_1",
        upper=0.01,
        reference=(("1", 0.1), (f"{MARK}code", 0.9)),
        severity="info",
    ),
    of_data(
        "unique",
        columns=("redcap_event_name", "redcap_data_access_group"),
        event="start_arm_1",
        sentence=f"Unique at {HOSTILE}",
    ),
    of_data("rows", event="start_arm_1", lower=100),
    of_measures("lag", form="base", site=HOSTILE, upper=3, kind="freshness"),
]
WAITING = [
    of_data("mean", "age", site="tiny", lower=0),
    of_data("filled", "pain", site="nowhere", lower=0),
    of_measures("unmeasured", lower=1),
    replace(of_measures("early", lower=1), waits="14 nights of history are needed"),
]
RAISED = [of_data("mean", "full_name", lower=0), of_data("shares", "sex", upper=1, site="north")]


def project(**changes: Any) -> Project:
    """What is judged."""
    rows = [("rows", "", "", "", "", 40.0, 40), ("lag", "base", "", "", HOSTILE, 9.5, 12)]
    given = {
        "study": "demo",
        "measures": pd.DataFrame(rows, columns=MEASURES),
        "export": export(),
        "dictionary": DICTIONARY,
    }
    return Project(**{**given, **changes})


@pytest.fixture(scope="module")
def judged(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[Outcome]]:
    """A home with the pages of one run, and its outcomes."""
    home = tmp_path_factory.mktemp("judged")
    _watching.append(True)
    outcomes = validate(project(), [*MET, *UNMET, *WAITING], home=home, at=AT)
    _watching.clear()
    return home, outcomes


_heard: set[str] = set()
_watching: list[bool] = []


def _hear(event: str, args: object) -> None:
    if _watching:
        _heard.add(event)


# It cannot be taken off again, so it hears only while the fixture judges.
sys.addaudithook(_hear)


@pytest.fixture(scope="module")
def pages(judged: tuple[Path, list[Outcome]]) -> dict[str, str]:
    """All pages of that run."""
    docs = judged[0] / "quality" / "demo" / "data_docs"
    return {str(path.relative_to(docs)): path.read_text() for path in docs.rglob("*.html")}


def test_each_expectation_is_judged_under_its_own_id(judged: tuple[Path, list[Outcome]]) -> None:
    results = {outcome.id: outcome.result for outcome in judged[1]}

    assert results == {
        **{one.id: "passed" for one in MET},
        **{one.id: "failed" for one in UNMET},
        **{one.id: "waiting" for one in WAITING},
    }


def test_the_number_that_was_judged_is_told(judged: tuple[Path, list[Outcome]]) -> None:
    observed = {outcome.id: outcome.observed for outcome in judged[1]}

    assert observed["filled/weight//"] == pytest.approx(0.5)
    assert observed["mean/age//"] == pytest.approx(19.5)
    assert observed["unique//start_arm_1/"] == 20
    assert observed["rows///"] == 40
    assert observed["lag"] == 9.5
    assert observed["mean/age//tiny"] is None


def test_only_columns_that_are_known_to_be_harmless_are_judged() -> None:
    columns = judged_columns(DICTIONARY)

    assert columns == (
        "sex",
        "likes___a",
        "likes___b",
        "well",
        "age",
        "weight",
        "pain",
        "index",
        "base_complete",
    )


def test_a_project_whose_first_field_is_a_number_keeps_its_record_id_out() -> None:
    numbered = Dictionary(
        (Field("record_id", "base", FieldType.TEXT, validation="integer"),), {"base": "Base"}
    )

    columns = judged_columns(numbered)

    assert columns == ()


def test_codes_are_named_by_their_place_and_unknown_ones_alike() -> None:
    cells = pd.DataFrame({"sex": ["1", f"{MARK}code", "anything", "", "-99"]}, dtype="str")

    typed = typed_columns(cells, dictionary=DICTIONARY, names=["sex", "full_name"], values=False)

    assert list(typed) == ["sex"]
    assert typed["sex"].astype(object).where(typed["sex"].notna(), "").tolist() == [
        "choice 1",
        "choice 2",
        "other",
        "",
        "",
    ]


def test_numbers_are_read_with_comma_or_point_and_what_is_none_is_missing() -> None:
    cells = pd.DataFrame({"weight": ["70,5", "70.5", "-99", "", "inf", MARK]}, dtype="str")

    typed = typed_columns(cells, dictionary=DICTIONARY, names=["weight"], values=False)

    assert typed["weight"].fillna(0).tolist() == [70.5, 70.5, 0, 0, 0, 0]


def test_a_repeating_form_is_judged_by_its_instances(tmp_path: Path) -> None:
    rows = [("1", "", "", "30", "")] * 10 + [("1", "vitals", str(place), "", "70") for place in range(1, 31)]
    names = ["record_id", "redcap_repeat_instrument", "redcap_repeat_instance", "age", "weight"]
    repeating = pd.DataFrame(rows, columns=names, dtype="str")
    asked = [of_data("filled", "weight", lower=1), of_data("filled", "age", lower=1)]

    outcomes = validate(project(export=repeating), asked, home=tmp_path, at=AT)

    assert [outcome.observed for outcome in outcomes] == [1, 1]


def test_no_planted_value_is_found_in_anything_that_is_written(judged: tuple[Path, list[Outcome]]) -> None:
    written = [path for path in (judged[0] / "quality").rglob("*") if path.is_file()]

    assert len(written) > 10
    assert [path for path in written if MARK.encode() in path.read_bytes()] == []


def test_failing_judgements_print_and_log_no_planted_value(
    tmp_path: Path, capfd: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)

    with pytest.raises(ExpectationRaised) as error:
        validate(project(), [*MET, *RAISED], home=tmp_path, at=AT)

    out, err = capfd.readouterr()
    assert (out, err) == ("", "")
    assert MARK not in caplog.text + str(error.value)


def test_a_judgement_that_went_wrong_fails_the_run_by_name_and_type_after_all_is_written(
    tmp_path: Path,
) -> None:
    with pytest.raises(
        ExpectationRaised, match=r"2 of 3 .*mean/full_name// \(ColumnNotJudged\), shares/sex//north"
    ) as error:
        validate(project(), [MET[0], *RAISED], home=tmp_path, at=AT)

    assert [outcome.result for outcome in error.value.outcomes] == ["passed", "raised", "raised"]
    index = (tmp_path / "quality/demo/data_docs/runs/20260301T054000/index.html").read_text()
    assert "Not judged: 2" in index
    assert "Traceback" not in "".join(path.read_text() for path in tmp_path.rglob("*.html"))


def test_whatever_breaks_a_whole_judgement_is_told_by_its_id_and_the_others_are_judged(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    # A share that is no number escapes from Great Expectations itself.
    breaking = of_data("shares", "sex", upper=1, reference=((f"{MARK}code", float("nan")),))
    odd = of_data("mean", "sex", lower=0, upper=1)

    with pytest.raises(ExpectationRaised, match=r"shares/sex// \(TypeError\)") as error:
        validate(project(), [*MET[:3], breaking, odd, UNMET[1]], home=tmp_path, at=AT)

    results = [outcome.result for outcome in error.value.outcomes]
    written = b"".join(path.read_bytes() for path in tmp_path.rglob("*") if path.is_file())
    assert results == ["passed", "passed", "passed", "raised", "raised", "failed"]
    assert MARK not in caplog.text + str(error.value)
    assert MARK.encode() not in written
    assert b"Traceback" not in written


def test_with_values_a_person_sees_codes_in_a_folder_of_its_own(tmp_path: Path) -> None:
    validate(project(), [MET[3]], home=tmp_path, at=AT, values=True)

    assert [path.name for path in (tmp_path / "quality/demo").iterdir()] == ["values"]
    assert f"{MARK}code" in "".join(path.read_text() for path in tmp_path.rglob("expectations/*.json"))


def test_every_other_class_of_expectations_is_refused(judged: tuple[Path, list[Outcome]]) -> None:
    from great_expectations.expectations import core

    from capstan.expectations.suites import HARMLESS, refuse_telling

    classes = {kind.expectation_type: kind for kind in _expectation_classes(core)}
    refused = []
    for name in sorted(classes.keys() - HARMLESS):
        with pytest.raises(UsageError, match=name):
            refuse_telling([classes[name].construct()])
        refused.append(name)

    assert {"expect_column_max_to_be_between", "expect_column_most_common_value_to_be_in_set"} < set(refused)
    assert len(refused) > 40
    assert classes.keys() > HARMLESS


def _expectation_classes(module: Any) -> Iterator[Any]:
    from great_expectations.expectations.expectation import Expectation

    members = [getattr(module, name) for name in dir(module)]
    yield from (
        one
        for one in members
        if isinstance(one, type) and issubclass(one, Expectation) and one.expectation_type
    )


def test_nobody_is_called_while_a_project_is_judged(judged: tuple[Path, list[Outcome]]) -> None:
    configuration = yaml.safe_load((judged[0] / "quality/demo/gx/great_expectations.yml").read_text())

    assert "open" in _heard
    assert _heard & {"socket.connect", "socket.getaddrinfo", "socket.gethostbyname", "socket.sendto"} == set()
    assert configuration["analytics_enabled"] is False


def test_pages_load_nothing_run_nothing_and_lead_only_to_each_other(pages: dict[str, str]) -> None:
    addresses = {}
    for name, text in pages.items():
        tree = lxml.html.fromstring(text)
        assert not tree.xpath("//script | //link | //img | //iframe | //object | //form | //@src | //@style")
        assert not [one for one in tree.xpath("//@*") if one.attrname.startswith("on")]
        assert re.search(r"https?:|//|url\(|@import", text.replace("http-equiv", "")) is None
        addresses[name] = tree.xpath("//a/@href")

    for name, found in addresses.items():
        for address in found:
            path, _, anchor = address.partition("#")
            target = os.path.normpath(Path(name).parent / path)
            assert target in pages
            assert not anchor or f'id="{anchor}"' in pages[target]


def test_hostile_names_stay_text(pages: dict[str, str]) -> None:
    shown = [lxml.html.fromstring(text).text_content() for text in pages.values()]

    assert sum(HOSTILE in " ".join(text.split()) for text in shown) == 3


def test_the_page_of_a_run_tells_what_failed_first_with_words_for_each_state(pages: dict[str, str]) -> None:
    tree = lxml.html.fromstring(pages["runs/20260301T054000/index.html"])

    titles = [" ".join(one.text_content().split()) for one in tree.xpath("//h2")]
    first = [" ".join(cell.text_content().split()) for cell in tree.xpath("(//tbody)[1]/tr[1]/td")]
    assert titles == [
        "Failed: 7",
        "Passed, drift: 7",
        "Passed, volume: 1",
        "Waiting, drift: 2",
        "Waiting, volume: 2",
    ]
    assert first[:3] == ["failed", "critical", "weight is filled as before"]
    assert len(tree.xpath("//details")) == 4


def test_each_run_is_listed_and_the_oldest_go(tmp_path: Path) -> None:
    shelf = Shelf(tmp_path / "quality" / "demo")
    for number in range(RUNS_KEPT + 5):
        put_on(shelf, at=AT + timedelta(days=number))

    kept = sorted(path.name for path in shelf.docs.glob("runs/*"))
    assert len(kept) == RUNS_KEPT
    assert kept[0] == "20260306T054000"
    assert (shelf.docs / "index.html").read_text().split("\n")[::-1] == kept


def test_a_second_run_at_the_same_second_gets_a_folder_of_its_own(tmp_path: Path) -> None:
    shelf = Shelf(tmp_path)
    for _ in range(2):
        put_on(shelf, at=AT)

    assert sorted(path.name for path in shelf.docs.glob("runs/*")) == ["20260301T054000", "20260301T054000-2"]


def test_all_that_is_written_is_for_its_owner_alone(judged: tuple[Path, list[Outcome]]) -> None:
    modes = {path.stat().st_mode & 0o077 for path in (judged[0] / "quality" / "demo").rglob("*")}

    assert modes == {0}


def test_whoever_is_killed_while_publishing_leaves_what_was_there(tmp_path: Path) -> None:
    shelf = Shelf(tmp_path)
    put_on(shelf, at=AT)
    before = read_all(shelf.docs)

    script = f"""
import os, signal, sys
sys.path[:0] = [{str(Path(__file__).parent)!r}]
import test_expectations as cases
def die(notes): os.kill(os.getpid(), signal.SIGKILL)
cases.put_on(cases.Shelf(cases.Path({str(tmp_path)!r})), at=cases.AT + cases.timedelta(days=1), index=die)
"""
    ended = subprocess.run([sys.executable, "-c", script], check=False, cwd=Path.cwd())

    assert ended.returncode == -signal.SIGKILL
    assert before.items() <= read_all(shelf.docs).items()
    put_on(shelf, at=AT + timedelta(days=2))
    assert len((shelf.docs / "index.html").read_text().split("\n")) == 3


def test_a_disk_that_takes_nothing_is_an_error_of_ours(tmp_path: Path) -> None:
    (tmp_path / "quality").write_text("a file where a folder should be")

    with pytest.raises(StoreError, match="cannot be written"):
        validate(project(), MET, home=tmp_path, at=AT)


@pytest.mark.parametrize("rows", [0, 4])
def test_a_project_without_rows_waits_and_gets_its_pages(tmp_path: Path, rows: int) -> None:
    asked = [of_data("mean", "age", lower=0), of_data("filled", "age", lower=0), of_data("rows", lower=5)]

    outcomes = validate(project(export=export().iloc[:rows]), asked, home=tmp_path, at=AT)

    assert [outcome.result for outcome in outcomes] == ["waiting", "waiting", "failed"]
    assert (tmp_path / "quality/demo/data_docs/index.html").exists()


def test_a_project_without_events_sites_or_expectations_gets_its_pages(tmp_path: Path) -> None:
    plain = export().drop(columns=["redcap_event_name", "redcap_data_access_group"])

    outcomes = validate(
        project(export=plain), [of_data("mean", "age", lower=0)], home=tmp_path / "one", at=AT
    )
    nothing = validate(project(export=plain), [], home=tmp_path / "none", at=AT)

    assert [outcome.result for outcome in outcomes] == ["passed"]
    assert nothing == []
    assert (tmp_path / "none/quality/demo/data_docs/index.html").exists()


def put_on(shelf: Shelf, *, at: datetime, index: Any = None) -> None:
    """Put the pages of a run on a shelf."""
    note = note_of([], name=shelf.free_name(at), at=at)
    with shelf.draft() as draft:
        shelf.publish(draft, pages={"index.html": "a page"}, note=note, index=index or _names)


def _names(notes: list[RunNote]) -> str:
    return "\n".join(note.name for note in notes)


def read_all(folder: Path) -> dict[str, bytes]:
    """All files of a folder."""
    return {str(path): path.read_bytes() for path in folder.rglob("*") if path.is_file()}
