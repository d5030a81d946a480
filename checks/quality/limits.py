"""Limits: what holds on any day, by the study file, by chance, or because it never was otherwise."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import date, timedelta

import pandas as pd

from capstan.quality.expected import Kind
from capstan.quality.measures import PLACE, each_of
from capstan.study.quality_expect import Expect
from checks.quality.asked import Place, Question, Rule, ask, wait

DOUBLES = Rule("doubles", Kind.DUPLICATES, "critical", "Rows repeat no others but by chance: {it}.")
NEEDED = Rule("needed", Kind.REFERENTIAL, "critical", "No row lacks the form that it needs: {it}.")
COMPLETE = Rule(
    "complete", Kind.COMPLETENESS, "warning", "As many rows are complete as the study asks: {it}."
)
_NEVER: Mapping[str, tuple[Rule, float]] = {
    "orphans": (Rule("never orphans", Kind.REFERENTIAL, "critical", NEEDED.says), 2.0),
    "repeated": (Rule("never repeated", Kind.DUPLICATES, "critical", DOUBLES.says), 4.0),
    "ahead": (Rule("never ahead", Kind.DATES, "warning", "No date lies in the future: {it}."), 4.0),
}
_NEVER_ROWS = 50
SETTLED = timedelta(days=7)
_LIKELY = 0.1
_SLACK_SHARE, _SLACK_ROWS = 0.03, 5.0


def ask_limits(measures: pd.DataFrame, expect: Expect) -> Iterator[Question]:
    """Ask what needs no history: doubles, forms that others need, and the least shares of the study file."""
    whole = measures[(measures["event"] == "") & (measures["site"] == "")]
    chances = whole[whole["measure"] == "repeated by chance"].set_index("form")["value"]
    for row in each_of(whole[whole["measure"] == "repeated"]):
        chance = float(chances.get(row.form, 1.0))
        if chance < _LIKELY:
            upper = 3 * chance + _SLACK_SHARE + _SLACK_ROWS / row.rows
            yield ask(DOUBLES, Place(row.form), value=row.value, count=row.rows, upper=upper)
    needed = {(one.form, one.needs) for one in expect.needs}
    for row in each_of(whole[whole["measure"] == "orphans"]):
        if (row.form, row.field) in needed:
            yield ask(NEEDED, Place(row.form, row.field), value=row.value, count=row.rows, upper=0.0)
    shares = {row.form: row for row in each_of(whole[whole["measure"] == "complete"])}
    for form, least in sorted(expect.completeness.items()):
        if form in shares:
            value, count = shares[form].value, shares[form].rows
            yield ask(COMPLETE, Place(form), value=value, count=count, lower=least)
        else:
            yield wait(COMPLETE, f"Too few rows of the form {form} have been entered.")


def ask_never(measures: pd.DataFrame, history: pd.DataFrame, *, today: date) -> Iterator[Question]:
    """Ask whether what never was in many rows is still not, but for a few rows."""
    looks = [at for at in history["at"].unique() if at.date() <= today - SETTLED]
    if not looks:
        reason = f"It needs {SETTLED.days} days of history."
        yield from (wait(rule, reason) for rule, _ in _NEVER.values())
        return
    then = history[(history["at"] == max(looks)) & history["measure"].isin(list(_NEVER))]
    was_never = then[(then["value"] == 0) & (then["count"] >= _NEVER_ROWS)][list(PLACE)]
    for row in each_of(measures.merge(was_never, on=list(PLACE))):
        rule, rows = _NEVER[row.measure]
        place = Place(row.form, row.field, row.event, row.site)
        yield ask(rule, place, value=row.value, count=row.rows, upper=rows / row.rows)
