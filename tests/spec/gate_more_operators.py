"""Further ways to spoil the good table for each check: the same mistakes with other looks."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pandas as pd
from gate_operators import (
    NEW,
    NOWHERE,
    OLD,
    STUDY,
    Spoilt,
    again,
    at,
    call,
    cell,
    chain,
    good,
    header,
    held,
    new_record,
    row,
    with_held,
)

from capstan.study import Limits

Operator = Callable[[], Spoilt]
# Wrong texts of one cell: check, column, row of the good table (2 is the only one of a baseline), texts.
CELLS: tuple[tuple[str, str, int, tuple[str, ...]], ...] = (
    ("choice_unknown", "colour", 2, ("1", "2.0", "02", "2;3", "r", "\uff12", "2\u200b", "#2")),
    ("checkbox_value", "likes___1", 0, ("2", "-8", "-1", "01", "on", "1.0")),
    ("checkbox_value", "likes____9", 1, ("-9", "x")),
    ("yesno_value", "brushes", 0, ("y", "-1", "01", "1.0", "10")),
    ("form_status", "exam_complete", 0, ("-8", "1.0", "complete", "-1", "02", "\uff12")),
    ("slider_value", "pain", 0, ("-1", "1.5", "1e1", "100.0", "\uff15\uff10", "+5", "9" * 12)),
    ("type_mismatch", "weight", 0, ("1_000", "\uff11", "--1", "1e", "0x10", "\u221e", "1 000", "1.2.3", "1\xa0000")),
    ("type_mismatch", "teeth", 0, ("1e1", "1.", "\u0665", "5.0", "1,000", "5-", "5\u200b")),
    ("type_mismatch", "seen", 0, ("2026-02-29", "2025-04-31", "0000-01-01", "2025-13-01", "2025-2-28", "today")),
    ("type_mismatch", "seen", 0, ("2026-05-20T00:00", "20260520", "\u0662026-05-20", "2026-05-20 10:00", "45797")),
    ("type_mismatch", "mail", 2, ("a@x.-y.org", "a\xa0b@example.org", "a@b@example.org", "a@example", "a@.org")),
    ("type_mismatch", "mobile", 2, ("+57 321 423 4567", "415 555 01012", "(415) 555-010l", "4155550101 4155550102")),
    ("out_of_range", "teeth", 1, ("33", "-1", "+33", "999999999999")),
    ("out_of_range", "asked", 0, ("9999-12-31",)),
    ("decimal_comma", "weight", 0, ("-0,5", ",5", "1000,25")),
    ("too_long", "must", 0, ("\u00e9" * 65_001, "x" * 100_000)),
    ("too_long", "weight", 0, ("9" * 70_000 + "x",)),
    ("text_cut", "must", 0, ("x" * 32_767,)),
    ("control_chars", "must", 0, ("a\tb", "a\rb", "a\nb", "a\u2028b", "a\u200bb", "a\x00", "\x1b[1m")),
    ("control_chars", "remark", 0, ("\ufeffx", "a\x7fb", "a\x0bb")),
    ("mojibake", "remark", 0, ("\ufffd", "it\u00e2\u20ac\u2122s", "\u00c3\u00a9t\u00e9", "caf\x92s", "5\u00c2 \u00b5")[:4]),
    ("formula_injection", "must", 0, ("=1+1", "-2+3+cmd|' /C calc'!A0", "@SUM(1)", "+A1", "= A1")),
    ("spreadsheet_damage", "weight", 0, ("1E+05", "-1.5E+11")),
    ("spreadsheet_damage", "brushes", 0, ("FALSE", "TRUE", "#N/A")),
    ("spreadsheet_damage", "must", 0, ("#REF!", "1.23457E+11")),
    ("spreadsheet_damage", "teeth", 0, ("2E+01",)),
    ("phone_e164", "mobile", 2, ("(900) 555-0123", "911-555-0101", "(222) 222-2222 x5", "555 0101")),
    ("email_shape", "mail", 2, ("a@example.con", "NoReply@example.org", "a@gmial.com")),
    ("missing_code", "brushes", 1, ("-8",)),
    ("missing_code", "pain", 0, ("-8",)),
    ("missing_code_unlisted", "weight", 0, ("NA", "n/a", ".", "null")),
    ("missing_code_unlisted", "colour", 2, ("UNK",)),
    ("missing_number", "weight", 0, ("-99", "-88", "-9999")),
    ("free_text_identifier", "remark", 0, ("write a@example.org", "her id is 123456789", "(415) 555 0101")),
    ("future_date", "seen", 0, ("2026-06-02", "9999-12-31")),
    ("too_old_date", "seen", 0, ("2024-12-31", "0026-05-20")),
    ("visit_window", "seen", 0, ("2026-03-01", "2026-04-01")),
    ("read_only_field", "line", 1, ("x",)),
    ("read_only_field", "double", 0, ("41", "x")),
    ("not_exported", "likes___1", 0, ()),
)  # fmt: skip
_WEIGHED = Limits(share=1, records=100, same_value=2, blanked=9)


def alone(values: dict[str, str], *, field: str, **more: object) -> Spoilt:
    """A table of one row; the verdict is on it."""
    return row(values, field_=field, **more).only_last()


def cells() -> Iterator[tuple[str, Operator]]:
    """An operator for each wrong text of `CELLS`."""
    for check, column, place, texts in CELLS:
        for text in texts:
            yield check, lambda c=column, t=text, p=place: cell(c, t, row=p)


def on_record(record: str, values: dict[str, str]) -> dict[str, str]:
    """The same row of another record."""
    return {**values, "record_id": record}


def grouped() -> str:
    """A study whose groups begin their record ids with a digit of their own."""
    return STUDY.replace('record_id: "[0-9]+"', "record_id_groups: {north: '7', south: '8'}")


SEEN = with_held(4, "seen", "2026-05-20")
ROWS: tuple[tuple[str, Operator], ...] = (
    *(("unknown_column", lambda n=n: header(n)) for n in ("Weight", "likes", "likes___9", "weight ", "\ufeffweight")),
    ("missing_key_column", lambda: Spoilt(good().drop(columns="record_id"), at=NOWHERE, field="record_id")),
    ("missing_key_column", lambda: Spoilt(
        good()[["record_id", "redcap_event_name"]].assign(outcome="1"), at=NOWHERE, field="redcap_repeat_instance")),
    ("duplicate_column", lambda: Spoilt(
        pd.concat([good(), good()[["record_id"]]], axis=1), at=NOWHERE, field="record_id")),
    ("record_blank", lambda: row(at("\xa0", "baseline_arm_1", initials="X"), at=("", "baseline_arm_1", "", ""))),
    *(("record_blank", lambda r=r: row(at(r, "baseline_arm_1", initials="X"), limits=NEW))
      for r in ("7" * 101, "7\x01", "7\n8", "7\t8")),
    *(("record_id_format", lambda r=r: row(at(r, "baseline_arm_1", initials="X"), limits=NEW))
      for r in ("A7", "7 8", "\uff17", "7.0", "-7", "+7")),
    *(("record_unknown", lambda r=r: row(at(r, "baseline_arm_1", initials="X"), limits=NEW))
      for r in ("1\u200b", "\uff11", "\u200e1", "01", "0001", "\u0661")),
    *(("record_unknown", lambda r=r: row(at(r, "baseline_arm_1", initials="X"))) for r in ("01", "10", "001")),
    ("record_exists", lambda: Spoilt(
        good().iloc[[1]], at=("2", "month_6_arm_3", "", ""),
        text=STUDY.replace("protect: [line]", "protect: [line], only_new: true"))),
    *(("event_blank", lambda e=e: row(at("1", e, teeth="3"), at=("1", "", "", ""))) for e in (" ", "\xa0")),
    *(("event_unknown", lambda e=e: row(at("1", e, teeth="3")))
      for e in ("Month 6", "MONTH_6_ARM_2", "month_6_arm_02", "month_6_arm_4", "month_6", "month_6_arm_2\u200b", "1")),
    ("event_unknown", lambda: row(at("1", "month_9_arm_2"))),
    ("wrong_arm", lambda: row(at("3", "month_6_arm_2", teeth="3"))),
    ("wrong_arm", lambda: row(on_record("2", call("1")))),
    ("cross_arm_presence", lambda: Spoilt(
        good(), at=("2", "month_6_arm_2", "", ""),
        present=pd.concat([held(), held().iloc[[1]].assign(record_id="2")], ignore_index=True))),
    *(("repeat_form_invalid", lambda i=i: row(call("1", instrument=i))) for i in ("Call", "info", "nothing", "call\u200b")),
    *(("repeat_instance_invalid", lambda n=n: row(call(n)))
      for n in ("0", "-1", "1.0", "01", "", "+1", "\uff11", "1e0", "0x1", "9999999999", "new1", "None")),
    ("repeat_instance_invalid", lambda: row({**at("1", "month_6_arm_2", teeth="3"), "redcap_repeat_instance": "1"})),
    ("repeat_instance_invalid", lambda: row(
        {**at("1", "month_6_arm_2", teeth="3"), "redcap_repeat_instance": "new"}, at=("1", "month_6_arm_2", "", "1"))),
    *(("repeat_instance_gap", lambda n=n: row(call(n))) for n in ("3", "999999999")),
    ("duplicate_row", lambda: again(weight="")),
    ("duplicate_row", lambda: again(record_id=" 1", weight="22")),
    ("field_not_in_event", lambda: cell("exam_complete", "1", row=2)),
    ("field_not_in_event", lambda: cell("outcome", "1", row=2)),
    ("field_not_on_row", lambda: row(call("1", teeth="3"), field_="teeth")),
    ("field_not_on_row", lambda: cell("call_complete", "2", row=1)),
    ("required_blank", lambda: cell("exam_complete", "1", present=with_held(1, "must", ""), field="must")),
    ("hidden_has_value", lambda: cell("brushes", "0", present=with_held(1, "hid", "x"), field="hid")),
    ("calc_mismatch", lambda: cell("exam_complete", "1", present=with_held(1, "double", "40.01"), field="double")),
    ("status_vs_data", lambda: cell("exam_complete", "2", row=1, present=with_held(4, "must", ""), field="must")),
    ("date_order", lambda: alone(
        at("2", "baseline_arm_1", consented="2026-05-21"), field="consented", present=SEEN)),
    ("age_vs_dob", lambda: cell("age", "4", field="")),
    ("age_vs_dob", lambda: alone(
        at("1", "baseline_arm_1", dob="2000-03-04"), field="dob", present=with_held(1, "age", "6"))),
    ("sex_specific", lambda: alone(
        at("1", "baseline_arm_1", sex="2"), field="sex", present=with_held(1, "pregnant", "1"))),
    ("eligibility", lambda: cell("colour", "3", row=2)),
    ("randomisation_consistency", lambda: alone(
        at("1", "baseline_arm_1", colour=""), field="colour", blanks_erase=True, limits=_WEIGHED)),
    ("consent_missing", lambda: row(on_record("4", call("1")))),
    ("study_rule", lambda: cell("pain", "100", row=1, field="")),
    ("not_exported", lambda: cell("likes___1", "1", present=held().drop(columns="likes___1"))),
    ("overwrite_with_blank", lambda: alone(at("1", "month_6_arm_2", must=" "), field="must", blanks_erase=True)),
    ("overwrite_value", lambda: alone(call("1", outcome="2"), field="outcome")),
    ("verified_or_complete_changed", lambda: cell(
        "weight", "3", row=1, present=with_held(4, "exam_complete", "1"), field="")),
    ("dag_mismatch", lambda: cell("redcap_data_access_group", "South", groups={"1": "south"})),
    ("record_id_format", lambda: row(
        at("79927398710", "baseline_arm_1", initials="X"), limits=NEW,
        text=STUDY.replace('record_id: "[0-9]+"', "record_id_digit: luhn"))),
    ("record_id_format", lambda: row(
        {**at("7", "baseline_arm_1", initials="X"), "redcap_data_access_group": "south"}, limits=NEW,
        text=grouped())),
    ("record_id_format", lambda: row(at("9", "baseline_arm_1", initials="X"), limits=NEW, text=grouped())),
    ("choice_unknown", lambda: cell("clinic", "3", text=STUDY.replace(
        'record_id: "[0-9]+"', 'sql_choices: {clinic: ["1", "2"]}'))),
    ("mass_change", lambda: Spoilt(
        good(), at=NOWHERE, field="weight", limits=Limits(records=100, share=1, field_share=0.1))),
    *(("identifier_collision", lambda n=n: cell("mobile", n, row=2))
      for n in ("+1 (415) 555-0101", "14155550101", "415.555.0102", "415-555-0102")),
    ("mass_change", lambda: Spoilt(good(), at=NOWHERE, limits=Limits(records=100, share=0.5))),
    ("mass_change", lambda: Spoilt(
        good().assign(must=""), at=NOWHERE, blanks_erase=True,
        limits=Limits(records=100, share=1, blanked=1))),
    ("calc_input_changed", lambda: cell("teeth", "21", at=NOWHERE, field="double")),
    ("logic_not_evaluated", lambda: cell(
        "pain", "60", row=1, at=NOWHERE, field="", text=STUDY.replace("[pain] > 50", "[pain] > [nowhere]"))),
    ("new_record_incomplete", lambda: new_record(sex="1", mail="no address")),
    ("probable_duplicate_person", lambda: row(
        at("4", "baseline_arm_1", dob="2020-03-04", initials="\xa0aB "), limits=NEW)),
    ("rests_on_stopped", lambda: chain(60)),
    ("sql_choice", lambda: cell("clinic", "no code", row=1, at=NOWHERE)),
    ("unknown_validation", lambda: cell("strange", "\u00e9\u00e9", row=1, at=NOWHERE)),
    ("value_collapse", lambda: Spoilt(
        good().assign(remark="all alike").iloc[:2], at=NOWHERE, field="remark",
        present=held().assign(remark=held()["must"].eq("x").map({True: "seen", False: ""})),
        limits=Limits(records=100, share=1, same_value=1))),
    ("all_or_nothing", lambda: row(
        at("1", "nowhere", teeth="3"), at=NOWHERE, limits=OLD,
        text=STUDY.replace("protect: [line]", "protect: [line], stop_run_on_rejection: true"))),
)  # fmt: skip
MORE: tuple[tuple[str, Operator], ...] = (*cells(), *ROWS)
