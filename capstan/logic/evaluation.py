"""One expression over one frame; for many over the same frame, make a Table once."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

import pandas as pd

from capstan.logic.layout import Layout
from capstan.logic.syntax import Expression
from capstan.logic.table import Rows, Table


def evaluate(
    expression: Expression,
    data: pd.DataFrame,
    *,
    layout: Layout,
    now: datetime,
    rows: Rows | None = None,
    context: Mapping[str, str] | None = None,
) -> pd.Series:
    """Compute values as text, as Table.evaluate does."""
    return Table(data, layout).evaluate(expression, now=now, rows=rows, context=context)


def calculate(
    expression: Expression,
    data: pd.DataFrame,
    *,
    layout: Layout,
    now: datetime,
    rows: Rows | None = None,
    context: Mapping[str, str] | None = None,
) -> pd.Series:
    """Compute what a calculated field stores, as Table.calculate does."""
    return Table(data, layout).calculate(expression, now=now, rows=rows, context=context)


def truth(
    expression: Expression,
    data: pd.DataFrame,
    *,
    layout: Layout,
    now: datetime,
    rows: Rows | None = None,
    context: Mapping[str, str] | None = None,
) -> pd.Series:
    """Compute where an expression holds, as Table.truth does."""
    return Table(data, layout).truth(expression, now=now, rows=rows, context=context)
