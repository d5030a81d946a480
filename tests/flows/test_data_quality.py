"""A whole project is looked at: findings become queries, here and in REDCap, until they are gone."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from quality_study import make_clean, make_with_instrument, queries, rows_in_redcap
from trial_study import edit

from capstan.errors import Refused, UsageError
from flows.change_records import rename
from flows.data_quality import data_quality
from flows.revert_run import revert_run

BAD = "xplantedx"


def states(study: Any) -> list[tuple[str, str]]:
    return [(query.record, query.state.value) for query in queries(study)]


def test_a_finding_is_a_query_until_it_is_gone(
    addresses: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    study = make_clean(tmp_path, addresses, monkeypatch)
    edit(addresses, study, "1", "part_age", BAD)
    edit(addresses, study, "2", "part_age", BAD)

    dry = data_quality.fn("trial", dry_run=True)
    first = data_quality.fn("trial")
    edit(addresses, study, "1", "part_age", "4")
    limited = data_quality.fn("trial", forms=["exam"])
    after_limited = states(study)
    second = data_quality.fn("trial")

    assert (dry["outcome"], dry["queries"]["opened"]) == ("dry run", 2)
    assert (first["outcome"], first["queries"]["opened"], first["checks"]["type_mismatch"]) == ("done", 2, 2)
    assert (limited["queries"]["closed"], after_limited) == (0, [("1", "open"), ("2", "open")])
    assert (second["queries"]["closed"], states(study)) == (1, [("1", "closed"), ("2", "open")])
    assert BAD not in str([dry, first, limited, second])


def test_queries_stand_in_redcap_and_are_answered_there(
    addresses: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    study = make_with_instrument(tmp_path, addresses, monkeypatch)
    edit(addresses, study, "1", "part_age", BAD)
    edit(addresses, study, "2", "part_age", BAD)

    first = data_quality.fn("trial")
    again = data_quality.fn("trial")
    written = rows_in_redcap(study)
    answer = {
        "record_id": "2",
        "redcap_event_name": "baseline_arm_1",
        "redcap_repeat_instrument": "data_queries",
        "redcap_repeat_instance": 1,
        "qry_answer": "the form says so",
    }
    assert study.call(content="record", action="import", format="json", data=json.dumps([answer])).ok
    edit(addresses, study, "1", "part_age", "4")
    third = data_quality.fn("trial")
    told = {row["record_id"]: (row["qry_state"], row["qry_answer"]) for row in rows_in_redcap(study)}

    assert (first["outcome"], first["cells_written"]) == ("done", 2 * 7)
    assert ("run" in again, len(written)) == (False, 2)
    assert written[0]["qry_link"].startswith("http")
    assert written[0]["qry_field"] == "part_age"
    assert (third["answers"], third["queries"]["closed"]) == (1, 1)
    assert told == {"1": ("closed", ""), "2": ("answered", "the form says so")}
    reverted = revert_run.fn("trial", run=first["run"])
    assert reverted["cells_reverted"] == 2 * 7 - 2


def test_a_query_follows_its_record_to_another_name(
    addresses: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    study = make_clean(tmp_path, addresses, monkeypatch)
    edit(addresses, study, "1", "part_age", BAD)
    data_quality.fn("trial")
    rename("trial", names={"1": "north-1"}, limit=1)
    again = data_quality.fn("trial")

    assert (again["queries"]["opened"], again["queries"]["closed"]) == (0, 0)
    assert states(study) == [("north-1", "open")]


def test_a_project_that_shows_no_records_closes_nothing(
    addresses: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    study = make_clean(tmp_path, addresses, monkeypatch)
    edit(addresses, study, "1", "part_age", BAD)
    data_quality.fn("trial")
    records = {f"records[{at}]": str(at + 1) for at in range(8)}
    assert study.call(content="record", action="delete", **records).ok

    with pytest.raises(Refused, match="has no records"):
        data_quality.fn("trial")
    assert states(study) == [("1", "open")]


def test_an_event_or_form_that_is_not_there_is_refused(
    addresses: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_clean(tmp_path, addresses, monkeypatch)

    with pytest.raises(UsageError, match="There is no event 'baseline'; did you mean 'baseline_arm_1'"):
        data_quality.fn("trial", events=["baseline"])
    with pytest.raises(UsageError, match="There is no form 'exams'; did you mean 'exam'"):
        data_quality.fn("trial", forms=["exams"])
