"""Items of the inbox become what the study's rules say, judged on a fresh export, each once."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from live_study import LiveStudy
from trial_study import enter
from trigger_study import EXAM, follow_ups, keep, make_trigger_study, posted, save_form, store_of

import tasks.triggers
from capstan.errors import CapstanError, RedcapUnavailable, RightMissing
from capstan.redcap import Redcap
from capstan.store import Choice, ItemStatus, claim_items, list_items, list_runs
from flows.compute_visit_dates import compute_visit_dates
from flows.ingest_triggers import ingest_triggers


@pytest.fixture
def study(addresses: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> LiveStudy:
    made = make_trigger_study(tmp_path, addresses)
    enter(made, monkeypatch)
    return made


def visit_status(study: LiveStudy) -> dict[tuple[str, str], str]:
    """The status of every visit that has one, by record and event."""
    rows = study.call(content="record", format="json", fields="record_id,vt_status").json()
    return {
        (row["record_id"], row["redcap_event_name"]): row["vt_status"] for row in rows if row["vt_status"]
    }


def items(study: LiveStudy, status: ItemStatus | None = None) -> list[tuple[str, str]]:
    """How items stand and why, oldest first."""
    with store_of(study) as store:
        found = list_items(store, Choice(study=study.name, status=status))
    return [(one.status.value, one.reason) for one in reversed(found)]


def test_a_completed_form_starts_the_flow_for_this_record_alone(
    study: LiveStudy, addresses: dict[str, Any]
) -> None:
    (record, event), *_ = follow_ups(study)
    save_form(addresses, study, record, event)
    keep(study, posted(study, record, event))

    summary = ingest_triggers.fn("trial")

    assert summary["outcome"] == "done"
    assert summary["items"] == {"loaded": 1}
    assert summary["runs"] == {"compute_visit_dates: done": 1}
    assert {who for who, _ in visit_status(study)} == {record}


def test_a_burst_for_one_record_is_one_run(study: LiveStudy, addresses: dict[str, Any]) -> None:
    (record, event), *_ = follow_ups(study)
    save_form(addresses, study, record, event)
    for user in ("ann", "ben", "cem"):
        keep(study, posted(study, record, event, username=user))

    ingest_triggers.fn("trial")

    with store_of(study) as store:
        flows = [run.flow for run in list_runs(store)]
    assert flows == ["compute_visit_dates"]
    assert items(study) == [("loaded", "")] * 3


def test_nothing_is_asked_of_redcap_where_nothing_waits(
    study: LiveStudy, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TOKEN_TRIAL", "")

    summary = ingest_triggers.fn("trial")

    assert (summary["outcome"], summary["items_waiting"]) == ("idle", 0)


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"project_id": "99999"}, "from another project than the study's"),
        ({"redcap_url": "https://elsewhere.example.org/"}, "from another server than the study's"),
        ({"instrument": "phone_follow_up"}, "no rule for this instrument"),
        ({"record": "no-such-record"}, "the record is gone"),
        ({"redcap_event_name": "12_month_arm_9"}, "the form is gone"),
        ({"redcap_repeat_instance": "7"}, "the form is gone"),
        ({"project_url": ""}, "not a trigger of REDCap"),
    ],
)
def test_what_is_ignored_is_logged_with_its_reason(
    changes: dict[str, str], reason: str, study: LiveStudy
) -> None:
    (record, event), *_ = follow_ups(study)
    keep(study, posted(study, record, event, **changes))

    summary = ingest_triggers.fn("trial")

    assert items(study) == [("skipped", reason)]
    assert summary["items"] == {reason: 1}
    assert summary["runs"] == {}


def test_an_item_without_an_event_counts_only_where_one_row_fits(
    study: LiveStudy, addresses: dict[str, Any]
) -> None:
    (record, event), *_ = follow_ups(study)
    save_form(addresses, study, record, event)
    keep(study, posted(study, record, "", username="ann"))
    ingest_triggers.fn("trial")
    save_form(addresses, study, record, event.replace("6", "12"))
    keep(study, posted(study, record, "", username="ben"))

    ingest_triggers.fn("trial")

    several = "several rows fit, and the trigger does not say which"
    assert items(study) == [("loaded", ""), ("skipped", several)]


def test_what_the_item_says_of_completion_is_not_believed(
    study: LiveStudy, addresses: dict[str, Any]
) -> None:
    (one, first), (other, second), *_ = follow_ups(study)
    save_form(addresses, study, one, first, exam_date="2026-05-20", exam_complete="0")
    keep(study, posted(study, one, first, exam_complete="2"))
    save_form(addresses, study, other, second)
    lacking = posted(study, other, second)
    del lacking["exam_complete"]
    keep(study, lacking)

    ingest_triggers.fn("trial")

    assert items(study) == [("skipped", "the form is not completed"), ("loaded", "")]


@pytest.mark.parametrize(("batch", "requests"), [(1000, 1), (2, 5)])
def test_all_records_of_a_batch_are_exported_with_one_request(
    batch: int, requests: int, study: LiveStudy, monkeypatch: pytest.MonkeyPatch
) -> None:
    places, asked = follow_ups(study)[:10], []
    for record, event in places:
        keep(study, posted(study, record, event))
    read = tasks.triggers.read_records
    monkeypatch.setattr(
        tasks.triggers, "read_records", lambda *given, **more: asked.append(more) or read(*given, **more)
    )

    ingest_triggers.fn("trial", batch=batch)

    assert len(asked) == requests
    assert frozenset().union(*(one["records"] for one in asked)) == {record for record, _ in places}


def test_an_item_that_fails_stops_no_other_and_is_tried_again(
    study: LiveStudy, addresses: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    (one, first), (other, second), *_ = follow_ups(study)
    for record, event in ((one, first), (other, second)):
        save_form(addresses, study, record, event)
        keep(study, posted(study, record, event))
    follow = tasks.triggers.follow_rule
    monkeypatch.setattr(
        tasks.triggers,
        "follow_rule",
        lambda *given, place, **more: 1 / 0 if place.record == one else follow(*given, place=place, **more),
    )

    summary = ingest_triggers.fn("trial")

    assert summary["outcome"] == "partly"
    assert summary["items"] == {"failed": 1, "loaded": 1}
    (status, reason), loaded = items(study)
    assert (status, loaded) == ("again", ("loaded", ""))
    assert "Unexpected ZeroDivisionError at" in reason


def test_an_export_that_fails_fails_its_items_and_loses_none(
    study: LiveStudy, monkeypatch: pytest.MonkeyPatch
) -> None:
    (record, event), *_ = follow_ups(study)
    keep(study, posted(study, record, event))
    keep(study, posted(study, record, event, instrument="unknown"))

    def fail(*_: Any, **__: Any) -> None:
        raise RedcapUnavailable("REDCap gave no answer.")

    monkeypatch.setattr(tasks.triggers, "read_records", fail)
    summary = ingest_triggers.fn("trial")

    assert summary["items"] == {"no rule for this instrument": 1, "failed": 1}
    assert items(study, ItemStatus.AGAIN) == [("again", "RedcapUnavailable: REDCap gave no answer.")]


@pytest.mark.parametrize("error", [RedcapUnavailable, RightMissing])
def test_where_no_item_could_be_exported_the_run_ends_and_none_is_counted_as_failed(
    error: type[CapstanError], study: LiveStudy, monkeypatch: pytest.MonkeyPatch
) -> None:
    for record, event in follow_ups(study)[:3]:
        keep(study, posted(study, record, event))
    exports: list[int] = []

    def fail(*_: Any, **__: Any) -> None:
        exports.append(1)
        raise error("REDCap gave no answer.")

    monkeypatch.setattr(tasks.triggers, "read_records", fail)
    monkeypatch.setattr(Redcap, "version", fail)
    with pytest.raises(error):
        ingest_triggers.fn("trial", batch=1)

    assert len(exports) <= 2
    assert items(study) == [("open", "")] * 3
    with store_of(study) as store:
        assert [one.attempts for one in claim_items(store, "trial", limit=9, now=datetime.now(UTC))] == [
            0
        ] * 3


def test_a_raised_revision_works_the_newest_item_of_each_form_again(
    study: LiveStudy, addresses: dict[str, Any]
) -> None:
    (one, first), (other, second), *_ = follow_ups(study)
    for record, event in ((one, first), (other, second)):
        save_form(addresses, study, record, event)
        keep(study, posted(study, record, event))
        keep(study, posted(study, record, event, username="again"))
    ingest_triggers.fn("trial")
    file = study.folder / "study.yaml"
    file.write_text(file.read_text("utf-8") + "triggers_revision: 1\n", "utf-8")

    summary = ingest_triggers.fn("trial")
    again = ingest_triggers.fn("trial")

    assert (summary["items_reopened"], summary["items"]) == (2, {"loaded": 2})
    assert (again["items_reopened"], again["outcome"]) == (0, "idle")


def test_a_run_for_everybody_strikes_off_what_was_asked_for(
    study: LiveStudy, addresses: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    (record, event), *_ = follow_ups(study)
    save_form(addresses, study, record, event)
    keep(study, posted(study, record, event))
    with monkeypatch.context() as patched:
        patched.setattr("flows.ingest_triggers.run_asked", lambda _: {})
        ingest_triggers.fn("trial")

    compute_visit_dates.fn("trial")

    assert ingest_triggers.fn("trial")["runs"] == {}


def test_a_dry_run_counts_and_works_on_nothing(study: LiveStudy) -> None:
    (record, event), *_ = follow_ups(study)
    keep(study, posted(study, record, event))

    summary = ingest_triggers.fn("trial", dry_run=True)

    assert (summary["outcome"], summary["items_waiting"]) == ("dry run", 1)
    assert items(study) == [("open", "")]


def test_a_record_that_is_gone_asks_for_nothing_more(
    study: LiveStudy, addresses: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    (record, event), *_ = follow_ups(study)
    save_form(addresses, study, record, event)
    keep(study, posted(study, record, event))
    with monkeypatch.context() as patched:
        patched.setattr("flows.ingest_triggers.run_asked", lambda _: {})
        ingest_triggers.fn("trial")
    study.call(content="record", action="delete", **{"records[0]": record})

    summary = ingest_triggers.fn("trial")

    assert summary["runs"] == {"compute_visit_dates: idle": 1}


def test_a_rule_may_wait_for_another_field_and_another_code(
    addresses: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rules = 'triggers: [{instrument: exam, events: 6_month, completed: "1, 2"}]\n'
    study = make_trigger_study(tmp_path, addresses, rules=rules)
    enter(study, monkeypatch)
    (one, first), (other, second), *_ = follow_ups(study)
    save_form(addresses, study, one, first, **{**EXAM, "exam_complete": "1"})
    keep(study, posted(study, one, first))
    keep(study, posted(study, other, second.replace("6", "12")))

    ingest_triggers.fn("trial")

    assert items(study) == [("loaded", ""), ("skipped", "no rule for this instrument on this event")]
    assert json.dumps(items(study)).count(one) == 0
