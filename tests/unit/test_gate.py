"""The gate: what passes, what is stopped, and why. One row or cell is wrong in each test."""

from __future__ import annotations

from datetime import UTC, date, datetime

import pandas as pd
import pytest

from capstan.plan import to_rows
from capstan.study import Limits
from capstan.verdict import Decision, Severity, of_severity
from checks.case import Present, Rules
from checks.catalogue import CATALOGUE
from checks.gate import judge
from checks.judgement import Judgement
from tests.projects import dictionary, export, grid, rows, study

NOW = datetime(2026, 6, 1, 12, tzinfo=UTC)
PRESENT = export(
    """
    record_id | redcap_event_name | redcap_repeat_instrument | redcap_repeat_instance | consented  | colour | teeth | likes___1 | likes____9 | outcome
    1         | baseline_arm_1    |                          |                        | 2026-01-02 | 2      |       |           |            |
    1         | month_6_arm_2     |                          |                        |            |        | 20    | 0         | 1          |
    1         | month_6_arm_2     | call                     | 1                      |            |        |       |           |            | 1
    2         | baseline_arm_1    |                          |                        | 2026-01-03 | 3      |       |           |            |
    3         | baseline_arm_1    |                          |                        | 2026-01-04 |        |       |           |            |
    """
)
GOOD = "record_id | redcap_event_name | redcap_repeat_instrument | redcap_repeat_instance | {field}\n"


def judged(
    table: pd.DataFrame, *, limits: Limits | None = None, rules: Rules | None = None, **options: object
) -> Judgement:
    rules = rules or Rules(study(), dictionary(), grid(), date(2026, 6, 1))
    present = Present(PRESENT, frozenset({"1", "2", "3"}))
    chosen = limits or rules.study.writes.limits
    return judge(table, present=present, rules=rules, limits=chosen, now=NOW, **options)


def one(
    record: str, event: str, field: str, value: str, *, instrument: str = "", instance: str = ""
) -> pd.DataFrame:
    keys = {"record_id": [record], "redcap_event_name": [event]}
    repeat = {"redcap_repeat_instrument": [instrument], "redcap_repeat_instance": [instance]}
    return pd.DataFrame({**keys, **repeat, field: [value]}, dtype="str")


def checks_of(judgement: Judgement) -> set[str]:
    return set(judgement.errors["check"])


def test_a_good_row_passes_and_only_its_changed_cells_are_planned() -> None:
    judgement = judged(
        rows(
            """
            record_id | redcap_event_name | teeth | likes___1 | likes____9 | brushes
            1         | month_6_arm_2     | 21    | 0         | 1          | 1
            """
        )
    )

    assert judgement.decision is Decision.APPLY
    assert judgement.errors.empty
    assert judgement.plan.cells[["field", "before", "after"]].to_numpy().tolist() == [
        ["teeth", "20", "21"],
        ["brushes", "", "1"],
    ]


@pytest.mark.parametrize(
    ("check", "table"),
    [
        ("wrong_arm", one("1", "month_6_arm_3", "teeth", "20")),
        ("wrong_arm", one("3", "month_6_arm_2", "teeth", "20")),
        ("event_unknown", one("1", "month_9_arm_2", "teeth", "20")),
        ("event_blank", one("1", "", "teeth", "20")),
        ("record_blank", one("", "month_6_arm_2", "teeth", "20")),
        ("record_unknown", one("9", "baseline_arm_1", "consented", "2026-01-01")),
        ("field_not_in_event", one("1", "baseline_arm_1", "teeth", "20")),
        ("field_not_on_row", one("1", "month_6_arm_2", "outcome", "1")),
        ("field_not_on_row", one("1", "month_6_arm_2", "teeth", "7", instrument="call", instance="1")),
        ("repeat_form_invalid", one("1", "month_6_arm_2", "teeth", "7", instrument="exam", instance="1")),
        ("repeat_instance_invalid", one("1", "month_6_arm_2", "outcome", "2", instrument="call")),
        (
            "repeat_instance_invalid",
            one("1", "month_6_arm_2", "outcome", "2", instrument="call", instance="0"),
        ),
        (
            "repeat_instance_invalid",
            one("1", "month_6_arm_2", "outcome", "2", instrument="call", instance="1.5"),
        ),
        ("repeat_instance_invalid", one("1", "month_6_arm_2", "teeth", "7", instance="1")),
        ("choice_unknown", one("2", "baseline_arm_1", "colour", "Red")),
        ("checkbox_value", one("1", "month_6_arm_2", "likes___1", "yes")),
        ("yesno_value", one("1", "month_6_arm_2", "brushes", "2")),
        ("form_status", one("1", "month_6_arm_2", "exam_complete", "3")),
        ("slider_value", one("1", "month_6_arm_2", "pain", "101")),
        ("type_mismatch", one("1", "month_6_arm_2", "teeth", "2.5")),
        ("type_mismatch", one("1", "baseline_arm_1", "consented", "01/02/2026")),
        ("type_mismatch", one("1", "baseline_arm_1", "consented", "2026-02-30")),
        ("type_mismatch", one("1", "month_6_arm_2", "mail", "someone@nowhere")),
        ("out_of_range", one("1", "month_6_arm_2", "teeth", "33")),
        ("phone_e164", one("1", "month_6_arm_2", "phone", "555-0101")),
        ("too_long", one("1", "month_6_arm_2", "remark", "x" * 65_001)),
        ("control_chars", one("1", "month_6_arm_2", "remark", "a\x07b")),
        ("future_date", one("1", "baseline_arm_1", "consented", "2026-06-02")),
        ("read_only_field", one("1", "month_6_arm_2", "double", "40")),
    ],
)
def test_a_bad_row_is_stopped_for_its_own_reason(check: str, table: pd.DataFrame) -> None:
    judgement = judged(table)

    assert check in checks_of(judgement)
    assert judgement.plan.is_empty
    assert judgement.decision is Decision.APPLY


@pytest.mark.parametrize(
    ("check", "table"),
    [
        ("unknown_column", one("1", "month_6_arm_2", "tooth", "1")),
        ("unknown_column", one("1", "month_6_arm_2", "likes___9", "1")),
        ("missing_key_column", pd.DataFrame({"record_id": ["1"], "teeth": ["3"]}, dtype="str")),
        (
            "duplicate_column",
            pd.DataFrame(
                [["1", "a", "2", "3"]], columns=["record_id", "redcap_event_name", "teeth", "teeth"]
            ),
        ),
    ],
)
def test_a_bad_header_refuses_the_whole_table(check: str, table: pd.DataFrame) -> None:
    judgement = judged(table)

    assert checks_of(judgement) == {check}
    assert judgement.decision is Decision.REFUSE


def test_one_bad_row_stops_itself_and_no_other() -> None:
    judgement = judged(
        rows(
            """
            record_id | redcap_event_name | teeth
            1         | month_6_arm_2     | 25
            1         | month_6_arm_3     | 25
            2         | month_6_arm_3     | 99
            """
        )
    )

    assert judgement.plan.cells["event"].tolist() == ["month_6_arm_2"]
    assert judgement.counts()["rows_stopped"] == {"out_of_range": 1, "wrong_arm": 1}
    assert judgement.counts()["rows_rejected"] == 2


def test_rows_that_disagree_on_one_place_are_all_stopped_and_a_word_for_word_copy_is_dropped() -> None:
    judgement = judged(
        rows(
            """
            record_id | redcap_event_name | teeth
            1         | month_6_arm_2     | 25
            1         | month_6_arm_2     | 26
            2         | month_6_arm_3     | 12
            2         | month_6_arm_3     | 12
            """
        )
    )

    assert judgement.plan.cells["record"].tolist() == ["2"]
    assert checks_of(judgement) == {"duplicate_row"}


def test_an_assignment_in_the_same_table_counts_for_the_unassigned_only() -> None:
    judgement = judged(
        rows(
            """
            record_id | redcap_event_name | colour | teeth
            3         | baseline_arm_1    | 2      |
            3         | month_6_arm_2     |        | 8
            2         | month_6_arm_2     |        | 8
            """
        )
    )

    assert judgement.plan.cells["record"].tolist() == ["3", "3"]
    assert judgement.errors["record"].tolist() == ["2"]


def test_blanks_leave_values_alone_unless_they_are_told_to_erase() -> None:
    table = one("1", "month_6_arm_2", "teeth", "")

    kept, stopped = judged(table), judged(table, blanks_erase=True)
    erased = judged(table, blanks_erase=True, limits=Limits(share=1, blanked=1))

    assert kept.plan.is_empty
    assert kept.errors.empty
    assert checks_of(stopped) == {"overwrite_with_blank"}
    assert erased.plan.cells["after"].tolist() == [""]


def test_new_records_need_leave_and_more_than_allowed_are_held() -> None:
    table = rows(
        """
        record_id | redcap_event_name | consented
        8         | baseline_arm_1    | 2026-05-01
        9         | baseline_arm_1    | 2026-05-01
        """
    )

    unknown = judged(table)
    allowed = judged(table, limits=Limits(share=1, new_records=2))
    held = judged(table, limits=Limits(share=1, new_records=1))

    assert checks_of(unknown) == {"record_unknown"}
    assert allowed.plan.counts()["records"] == 2
    assert held.decision is Decision.HOLD


def test_a_run_that_changes_too_many_records_is_held() -> None:
    table = rows(
        """
        record_id | redcap_event_name | consented
        1         | baseline_arm_1    | 2026-05-01
        2         | baseline_arm_1    | 2026-05-01
        """
    )

    assert judged(table, limits=Limits(records=1, share=1)).decision is Decision.HOLD
    assert judged(table, limits=Limits(records=9, share=0.5)).decision is Decision.HOLD
    assert judged(table, limits=Limits(records=2, share=0.67)).decision is Decision.APPLY


def test_what_the_project_holds_judged_against_itself_changes_and_stops_nothing() -> None:
    judgement = judged(PRESENT)

    assert judgement.plan.is_empty
    assert judgement.verdicts.empty
    assert judgement.counts()["rows_unchanged"] == len(PRESENT)


def test_the_instance_new_gets_the_next_free_number() -> None:
    table = pd.concat(
        [one("1", "month_6_arm_2", "outcome", code, instrument="call", instance="new") for code in "22"]
    )

    judgement = judged(table)

    assert judgement.plan.cells["instance"].tolist() == ["2", "3"]


def test_a_new_instance_with_the_values_of_an_old_one_is_taken_for_it() -> None:
    table = pd.concat(
        [one("1", "month_6_arm_2", "outcome", code, instrument="call", instance="new") for code in "11"]
    )

    judgement = judged(table)

    assert judgement.plan.cells["instance"].tolist() == ["2"]
    assert judgement.counts()["rows_unchanged"] == 1


def test_an_odd_instance_does_not_disturb_the_counting_of_new_ones() -> None:
    rows_ = [
        one("1", "month_6_arm_2", "outcome", "2", instrument="call", instance=i) for i in ("1e999", "new")
    ]

    judgement = judged(pd.concat(rows_))

    assert judgement.plan.cells["instance"].tolist() == ["2"]
    assert checks_of(judgement) == {"repeat_instance_invalid"}


def test_a_field_that_the_export_lacks_is_not_overwritten_blindly() -> None:
    rules = Rules(study(), dictionary(), grid(), date(2026, 6, 1))
    hidden = PRESENT.drop(columns="teeth")

    judgement = judge(
        one("1", "month_6_arm_2", "teeth", "7"),
        present=Present(hidden, frozenset("123")),
        rules=rules,
        limits=Limits(share=1),
        now=NOW,
    )

    assert checks_of(judgement) == {"not_exported"}
    assert judgement.plan.is_empty


def test_ids_that_differ_only_by_case_are_stopped_whatever_is_allowed() -> None:
    present = Present(
        PRESENT.assign(record_id=PRESENT["record_id"].replace("1", "ab")), frozenset({"ab", "2", "3"})
    )
    table = pd.concat([one(r, "baseline_arm_1", "consented", "2026-01-01") for r in ("AB", "x", "X", "new")])

    judgement = judge(
        table,
        present=present,
        rules=Rules(study(), dictionary(), grid(), date(2026, 6, 1)),
        limits=Limits(share=1, new_records=9),
        now=NOW,
    )

    assert judgement.plan.cells["record"].tolist() == ["new"]
    assert judgement.errors[["record", "check"]].to_numpy().tolist() == [
        [r, "record_unknown"] for r in ("AB", "x", "X")
    ]


def test_a_record_with_nothing_but_its_id_is_created_when_that_is_allowed() -> None:
    judgement = judged(one("9", "baseline_arm_1", "consented", ""), limits=Limits(share=1, new_records=1))

    assert judgement.plan.cells[["field", "after"]].to_numpy().tolist() == [["record_id", "9"]]
    assert to_rows(judgement.plan.cells, key_columns=grid().key_columns("record_id")).to_numpy().tolist() == [
        ["9", "baseline_arm_1", "", ""]
    ]


def test_a_text_of_thousands_of_digits_is_stopped_and_breaks_nothing() -> None:
    judgement = judged(one("1", "month_6_arm_2", "pain", "9" * 5000))

    assert checks_of(judgement) == {"slider_value"}


def test_missing_values_of_a_frame_mean_blanks() -> None:
    table = one("1", "month_6_arm_2", "teeth", "22")
    table = pd.concat([table, table.assign(record_id="2", redcap_event_name="month_6_arm_3", teeth=None)])

    judgement = judged(table)

    assert judgement.plan.cells["record"].tolist() == ["1"]


def test_protected_fields_are_read_only_whatever_else_is_allowed() -> None:
    protected = study().model_copy(
        update={"writes": study().writes.model_copy(update={"protect": ("colour",)})}
    )
    rules = Rules(protected, dictionary(), grid(), date(2026, 6, 1))

    judgement = judged(one("3", "baseline_arm_1", "colour", "2"), rules=rules)

    assert checks_of(judgement) == {"read_only_field"}


def test_leading_blanks_are_trimmed_before_anything_is_judged() -> None:
    judgement = judged(one(" 1", "month_6_arm_2", "teeth", " 22 "))

    assert judgement.plan.cells["after"].tolist() == ["22"]
    assert judgement.normalised_cells == 2


def test_required_and_hidden_fields_are_warned_of_and_written() -> None:
    fields = dictionary(mail={"required_field": "y"}, phone={"branching_logic": "[teeth] > 30"})
    rules = Rules(study(), fields, grid(), date(2026, 6, 1))
    wide = PRESENT.assign(phone="", mail="")
    table = one("1", "month_6_arm_2", "phone", "(415) 555-0123")

    judgement = judge(
        table, present=Present(wide, frozenset("123")), rules=rules, limits=Limits(share=1), now=NOW
    )

    warned = of_severity(judgement.verdicts, Severity.WARNING)
    assert set(warned["check"]) == {"required_blank", "hidden_has_value"}
    assert judgement.plan.cells["field"].tolist() == ["phone"]


def test_every_check_that_is_said_stands_in_the_catalogue_with_its_severity() -> None:
    judgement = judged(one("1", "month_6_arm_3", "teeth", "x"))

    for check, severity in judgement.verdicts[["check", "severity"]].to_numpy():
        assert CATALOGUE[check].severity.value == severity
