"""Suites: expectations as Great Expectations' own classes, of which only harmless ones are let in."""

from __future__ import annotations

import html
import math
from collections.abc import Callable, Iterable, Mapping
from types import MappingProxyType
from typing import Any

from great_expectations.core import ExpectationSuite
from great_expectations.expectations.core import (
    ExpectColumnKLDivergenceToBeLessThan,
    ExpectColumnMeanToBeBetween,
    ExpectColumnStdevToBeBetween,
    ExpectColumnValuesToNotBeNull,
    ExpectCompoundColumnsToBeUnique,
    ExpectTableRowCountToBeBetween,
)
from great_expectations.expectations.expectation import Expectation
from great_expectations.expectations.metadata_types import FailureSeverity

from capstan.errors import UsageError
from capstan.expectations.assets import Asset, Question
from capstan.quality.outcome import Outcome

OUR_ID = "capstan"
"""The key of an expectation's meta under which our id stands."""

# Others publish values of people: distinct and most common ones, minimum, maximum, quantiles, rows.
HARMLESS = frozenset(
    {
        "expect_column_kl_divergence_to_be_less_than",
        "expect_column_mean_to_be_between",
        "expect_column_stdev_to_be_between",
        "expect_column_values_to_not_be_null",
        "expect_compound_columns_to_be_unique",
        "expect_table_row_count_to_be_between",
    }
)

# The smoothing that keeps the divergence finite for a code that the reference does not have.
_UNSEEN_SHARE = 0.001


def suite_of(asset: Asset) -> tuple[ExpectationSuite, list[Outcome]]:
    """Make the suite of an asset, new with every call, and say which expectations cannot be made."""
    made, unmade = [], []
    for question in asset.questions:
        try:
            made.append(_expectation(question))
        except (ValueError, TypeError, KeyError) as error:  # a bound or a kind that makes no sense
            unmade.append(Outcome(question.expected.id, "raised", why=type(error).__name__))
    suite = ExpectationSuite(name=asset.name)
    suite.expectations = refuse_telling(made)
    return suite, unmade


def refuse_telling(expectations: Iterable[Expectation]) -> list[Expectation]:
    """Return the expectations as they are.

    Raises UsageError where one of them publishes values of people in its results, or may do so.
    """
    kept = list(expectations)
    telling = sorted({one.expectation_type for one in kept} - HARMLESS)
    if telling:
        raise UsageError(
            f"{', '.join(telling)}: the results of such expectations may hold values of people. "
            f"Use one of {', '.join(sorted(HARMLESS))}."
        )
    return kept


def _expectation(question: Question) -> Expectation:
    expected = question.expected
    kind, arguments = _ASKED[expected.expects]
    return kind(
        **arguments(question),
        # Great Expectations writes the description into its pages as it is.
        description=html.escape(expected.sentence),
        severity=FailureSeverity(expected.severity),
        meta={OUR_ID: expected.id, "kind": str(expected.kind)},
    )


def _between(question: Question) -> dict[str, Any]:
    bounds = question.expected
    return {"column": question.column, "min_value": bounds.lower, "max_value": bounds.upper}


def _filled(question: Question) -> dict[str, Any]:
    share = 1.0 if question.expected.lower is None else question.expected.lower
    return {"column": question.column, "mostly": min(max(share, 0.0), 1.0)}


def _shares(question: Question) -> dict[str, Any]:
    total = math.fsum(share for _, share in question.reference)
    if total <= 0:
        raise ValueError("Shares are compared with a reference.")
    reference = {
        "values": [name for name, _ in question.reference],
        "weights": [share / total for _, share in question.reference],
    }
    return {
        "column": question.column,
        "partition_object": reference,
        "threshold": question.expected.upper,
        "tail_weight_holdout": _UNSEEN_SHARE,
    }


def _unique(question: Question) -> dict[str, Any]:
    return {"column_list": list(question.expected.columns), "ignore_row_if": "never"}


def _rows(question: Question) -> dict[str, Any]:
    lower, upper = question.expected.lower, question.expected.upper
    return {
        "min_value": None if lower is None else math.ceil(lower),
        "max_value": None if upper is None else math.floor(upper),
    }


_ASKED: Mapping[str, tuple[type[Expectation], Callable[[Question], dict[str, Any]]]] = MappingProxyType(
    {
        "value": (ExpectColumnMeanToBeBetween, _between),  # of one row: the number itself
        "mean": (ExpectColumnMeanToBeBetween, _between),
        "spread": (ExpectColumnStdevToBeBetween, _between),
        "filled": (ExpectColumnValuesToNotBeNull, _filled),
        "shares": (ExpectColumnKLDivergenceToBeLessThan, _shares),
        "unique": (ExpectCompoundColumnsToBeUnique, _unique),
        "rows": (ExpectTableRowCountToBeBetween, _rows),
    }
)
