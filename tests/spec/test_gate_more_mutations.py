"""Every check sees its mistake in each of its looks, at its place, and touches no other row."""

from __future__ import annotations

import pytest
from gate_more_operators import MORE, Operator
from gate_operators import OPERATORS, Spoilt, good

from capstan.plan import KEYS
from capstan.verdict import Severity
from checks.catalogue import CATALOGUE

# What the good table is told of itself, and what follows from a change of volume.
EVERYWHERE = {("", "", "", "")}
# A warning that comes along wherever a value is replaced.
ALONG = "overwrite_value"
# What stops a row because another of its record was stopped.
FOLLOWING = {"new_record_incomplete", "rests_on_stopped"}


@pytest.mark.parametrize(
    ("check", "operator"), MORE, ids=[f"{check}-{number}" for number, (check, _) in enumerate(MORE)]
)
def test_a_mistake_is_seen_in_each_of_its_looks_and_touches_no_other_row(
    check: str, operator: Operator
) -> None:
    case = operator()

    judgement = case.judged()

    found = judgement.verdicts
    mine = found[found["check"] == check]
    assert (*case.at, case.field) in {tuple(place) for place in mine[[*KEYS, "field"]].to_numpy()}, (
        found.to_string()
    )
    if check in FOLLOWING:
        assert set(judgement.errors["record"]) == {case.at[0]}
    elif CATALOGUE[check].severity is Severity.ERROR:
        assert set(map(tuple, judgement.rejected[list(KEYS)].to_numpy())) <= {case.at}
        assert {tuple(place) for place in judgement.errors[list(KEYS)].to_numpy()} == {case.at}
    elif CATALOGUE[check].severity in (Severity.WARNING, Severity.NOTE):
        rows = {tuple(place) for place in mine[list(KEYS)].to_numpy()}
        assert rows <= {case.at} | EVERYWHERE


def test_every_check_has_more_looks_than_one() -> None:
    assert not set(OPERATORS) - {check for check, _ in MORE}


def test_the_good_table_has_rows_that_a_mistake_elsewhere_could_touch() -> None:
    assert Spoilt(good()).judged().rows_accepted == len(good()) == 3
