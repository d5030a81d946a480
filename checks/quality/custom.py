"""Custom rules: what a study wants found, in REDCap's logic; and its own conditions, on all that is held."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import pandas as pd

from capstan.errors import LogicError
from capstan.logic import Expression, Reference, parse
from capstan.study import CheckRule
from capstan.study.quality_rules import QualityRule
from capstan.verdict import Severity, verdicts
from checks.catalogue import say_of_run, severity
from checks.columns import Bools
from checks.conditions import OF_VALUES
from checks.quality.held import Held, either


def judge_custom(held: Held, *, rules: Iterable[QualityRule]) -> Iterator[pd.DataFrame]:
    """Say where the custom rules of a study find something; the check is the rule's own."""
    for rule in rules:
        try:
            found = _holding(rule.finds, held=held)
        except LogicError:
            yield _not_computed(rule.id)
            continue
        rows = found & _rows_of(parse(rule.finds), held=held) & _on_event(rule.event, held=held)
        yield verdicts(
            held.keys[rows],
            check=rule.check,
            severity=Severity(rule.severity),
            reason=rule.text,
            field=rule.field,
        )


def judge_conditions(held: Held, *, rules: Iterable[CheckRule]) -> Iterator[pd.DataFrame]:
    """Say which rows break the conditions that the study sets its imports (`checks.rules`)."""
    for rule in rules:
        try:
            broken = _holding(rule.when, held=held) & ~_holding(rule.expect, held=held)
        except LogicError:
            yield _not_computed(rule.id)
            continue
        rows = broken & _asked(rule, held=held) & _on_event(rule.event, held=held)
        reach = Severity(rule.severity) if rule.severity else severity(rule.check)
        reason = f"{rule.reason} (rule {rule.id})"
        yield verdicts(held.keys[rows], check=rule.check, severity=reach, reason=reason, field="")


def _holding(text: str, *, held: Held) -> Bools:
    """Where logic holds; raises LogicError where it cannot be read, or reads what the export lacks."""
    expression = parse(text)
    if not held.reads(expression):
        raise LogicError("The export lacks a field.")
    found: Bools = held.table.truth(expression, now=held.now).to_numpy()
    return found


def _asked(rule: CheckRule, *, held: Held) -> Bools:
    """The rows that a condition is about: those with a value that it reads, or with a form that it names."""
    if rule.check in OF_VALUES:
        names = {name for text in (rule.when, rule.expect) for name in _own_fields(parse(text), held=held)}
        named = [held.values[name] for name in names if name in held.values]
        return either(named) if named else _first_rows(held)
    begun = [rows for form, rows in held.begun.items() if not rule.forms or form in rule.forms]
    return either([~held.everywhere, *begun])


def _rows_of(expression: Expression, *, held: Held) -> Bools:
    """The rows on which a rule is asked.

    Those that can hold a field which it names without an event. If each has its event, the rule is asked
    once of each record, on its first row; if it follows the row's own place, on every row.
    """
    forms = {held.dictionary.by_name[name].form for name in _own_fields(expression, held=held)}
    if forms:
        return held.belonging(forms)
    return held.everywhere if any(map(_follows, expression.references)) else _first_rows(held)


def _own_fields(expression: Expression, *, held: Held) -> set[str]:
    """The fields whose values of the row itself are read."""
    names = {one.field for one in expression.references if not (one.is_smart or one.event)}
    return names - {held.dictionary.record_field}


def _follows(reference: Reference) -> bool:
    """Whether a reference means something else on every row of a record."""
    return "-" in reference.event or (reference.is_smart and not reference.field.startswith("aggregate-"))


def _first_rows(held: Held) -> Bools:
    found: Bools = ~held.keys["record"].duplicated().to_numpy()
    return found


def _on_event(event: str, *, held: Held) -> Bools:
    """The rows of an event, named whole or without its arm; all if blank."""
    if not event:
        return held.everywhere
    named = held.keys["event"]
    found: Bools = (
        (named == event) | (named.str.replace("_arm_[0-9]+$", "", regex=True) == event)
    ).to_numpy()
    return found


def _not_computed(rule: str) -> pd.DataFrame:
    reason = f"The study's rule {rule} could not be computed: not checked."
    return say_of_run("logic_not_evaluated", reason)
