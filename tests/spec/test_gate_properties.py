"""The gate's properties on any text at all: it never raises, loses no row, and judges each row for itself."""

from __future__ import annotations

from dataclasses import replace

import pandas as pd
from gate_operators import Spoilt, held
from hypothesis import HealthCheck, Phase, assume, given, settings
from hypothesis import strategies as st

from capstan.plan import KEY_NAMES, KEYS
from capstan.study import Limits
from checks.frames import normal_form
from checks.rows import look_of

RUNS = settings(
    max_examples=15, deadline=None, phases=[Phase.generate], suppress_health_check=list(HealthCheck)
)
COLUMNS = [
    "teeth",
    "weight",
    "seen",
    "colour",
    "brushes",
    "remark",
    "exam_complete",
    "likes___1",
    "outcome",
    "pain",
]
# On these, rows of one record, and of others, rest on each other.
SHARED = ["consented", "mobile", "dob"]
# What is said of a record because of others, or of how much there is.
TOGETHER = {"identifier_collision", "probable_duplicate_person", "mass_change", "value_collapse"}
NAMES = ["record_id", *KEY_NAMES]
TEXTS = st.one_of(
    st.text(max_size=12),
    st.sampled_from(
        ["", "1", "2", "21", "2026-05-20", "x", "-8", "1,5", "TRUE", "new", "9" * 400, "\x00", "e\u0301"]
    ),
)
ROWS = st.fixed_dictionaries(
    {
        "record_id": st.one_of(st.sampled_from(["1", "2", "3", "4", "9"]), st.text(max_size=3)),
        "redcap_event_name": st.sampled_from(["month_6_arm_2", "month_6_arm_3", "baseline_arm_1", "", "no"]),
        "redcap_repeat_instrument": st.sampled_from(["", "", "", "call", "exam"]),
        "redcap_repeat_instance": st.sampled_from(["", "", "", "1", "2", "new", "0", "1e9"]),
        **dict.fromkeys(COLUMNS, TEXTS),
        "consented": st.sampled_from(["", "", "2025-12-02", "2026-05-30", "x"]),
        "mobile": st.sampled_from(["", "", "(415) 555-0101", "+1 415 555 0102", "415 555 0155"]),
        "dob": st.sampled_from(["", "", "2020-03-04", "2020-05-06"]),
    }
)
# Rows with little wrong in them, which rest on each other: an assignment, a consent, and what needs them.
LIKELY = st.fixed_dictionaries(
    {
        **dict.fromkeys((*NAMES, *COLUMNS), st.just("")),
        "record_id": st.sampled_from(["3", "4", "7"]),
        "redcap_event_name": st.just("month_6_arm_2"),
        "teeth": st.sampled_from(["3", "4"]),
        **dict.fromkeys(SHARED, st.just("")),
    }
) | st.fixed_dictionaries(
    {
        **dict.fromkeys((*NAMES, *COLUMNS), st.just("")),
        "record_id": st.sampled_from(["3", "4", "7"]),
        "redcap_event_name": st.just("baseline_arm_1"),
        "colour": st.sampled_from(["2", "2", "3", ""]),
        "consented": st.just("2025-12-02"),
        "mobile": st.sampled_from(["(415) 555-0101", "415.555.0102", "415 555 0155"]),
        "dob": st.just(""),
    }
)
# Not shrunk: a table that fails is small already.
TABLES = st.one_of(
    st.lists(ROWS, min_size=1, max_size=5),
    st.lists(
        LIKELY, min_size=3, max_size=6, unique_by=lambda row: (row["record_id"], row["redcap_event_name"])
    ),
).map(lambda rows: pd.DataFrame(rows, dtype="str"))
ANY = Limits(records=1000, share=1, new_records=1000, blanked=1000)


def of(table: pd.DataFrame) -> Spoilt:
    return Spoilt(table, limits=ANY)


def said(table: pd.DataFrame) -> list[tuple[str, ...]]:
    found = of(table).judged().verdicts
    return sorted(map(tuple, found[[*KEYS, "field", "check"]].to_numpy()))


def plain(table: pd.DataFrame) -> pd.DataFrame:
    """Without `new` instances and rows of one key: what these say depends on the order, and should."""
    told = table[table["redcap_repeat_instance"] != "new"]
    keys = told[NAMES].apply(normal_form)
    return told[~keys.duplicated(keep=False)].reset_index(drop=True)


@RUNS
@given(table=TABLES)
def test_no_text_makes_the_gate_raise_or_lose_a_row(table: pd.DataFrame) -> None:
    judgement = of(table).judged()

    counts = judgement.counts()
    assert counts["rows_in"] == len(table)
    assert sum(counts[f"rows_{part}"] for part in ("accepted", "rejected", "unchanged")) == len(table)
    assert counts["rows_unchanged"] >= 0


@RUNS
@given(table=TABLES, data=st.data())
def test_the_order_of_rows_does_not_matter(table: pd.DataFrame, data: st.DataObject) -> None:
    rows = plain(table)
    order = data.draw(st.permutations(range(len(rows))))

    assert said(rows.iloc[order].reset_index(drop=True)) == said(rows)


@RUNS
@given(table=TABLES)
def test_what_was_accepted_is_accepted_alone(table: pd.DataFrame) -> None:
    judged = of(plain(table)).judged()
    stopped = pd.MultiIndex.from_frame(judged.errors[list(KEYS)])
    keys = plain(table)[NAMES].apply(normal_form).set_axis(list(KEYS), axis=1)
    left = plain(table)[~pd.MultiIndex.from_frame(keys).isin(stopped)]

    again = of(left).judged()

    assert again.errors.empty
    assert again.plan.digest == judged.plan.digest


@RUNS
@given(cells=st.lists(TEXTS, min_size=8, max_size=8), column=st.sampled_from(COLUMNS))
def test_whatever_a_project_holds_judged_against_itself_holds_nothing_up(
    cells: list[str], column: str
) -> None:
    frame = held().assign(**{column: pd.array(cells, dtype="str")})

    judgement = replace(of(frame), present=frame).judged()

    assert judgement.errors.empty
    assert judgement.counts()["rows_rejected"] == 0


def of_each(table: pd.DataFrame) -> dict[str, set[tuple[str, ...]]]:
    """What is said of each record for its own rows' sake, and of the run as a whole."""
    found: dict[str, set[tuple[str, ...]]] = {}
    for place in said(table):
        if place[-1] not in TOGETHER:
            found.setdefault(place[0], set()).add(place)
    return found


def looks(table: pd.DataFrame) -> pd.Series:
    """Records as the gate tells them apart: new ones that look alike are judged together."""
    return normal_form(table["record_id"]).map(look_of)


@RUNS
@given(table=TABLES)
def test_what_is_said_of_a_record_does_not_depend_on_which_others_are_in_the_file(
    table: pd.DataFrame,
) -> None:
    rows = plain(table).drop(columns=["mobile"])
    whole = of_each(rows)

    apart = [of_each(part.reset_index(drop=True)) for _, part in rows.groupby(looks(rows))]

    for parts in apart:
        for record in parts.keys() - {""}:
            assert parts[record] == whole.get(record), record
    assert whole.keys() - {""} == {record for parts in apart for record in parts} - {""}


@RUNS
@given(table=TABLES, column=st.sampled_from([*COLUMNS, *SHARED]), data=st.data())
def test_a_row_that_is_not_touched_keeps_its_verdicts(
    table: pd.DataFrame, column: str, data: st.DataObject
) -> None:
    rows = plain(table).drop(columns=["mobile"])
    assume(len(rows) and column in rows)
    at = data.draw(st.integers(0, len(rows) - 1))
    before = of_each(rows)

    after = of_each(rows.assign(**{column: rows[column].where(rows.index != at, "\x07")}))

    mine = set(normal_form(rows["record_id"])[looks(rows) == looks(rows)[at]])
    assert {record: before.get(record) for record in before.keys() - mine - {""}} == {
        record: after.get(record) for record in after.keys() - mine - {""}
    }


@RUNS
@given(table=TABLES)
def test_no_row_is_both_accepted_and_stopped(table: pd.DataFrame) -> None:
    judgement = of(plain(table)).judged()

    accepted = set(map(tuple, judgement.plan.cells[list(KEYS)].to_numpy()))
    stopped = set(map(tuple, judgement.errors[list(KEYS)].to_numpy()))
    assert not accepted & stopped
    assert judgement.rows_accepted == len(accepted)
    assert judgement.rows_rejected == len(stopped - {("", "", "", "")})
    assert set(map(tuple, judgement.rejected[list(KEYS)].to_numpy())) <= stopped
