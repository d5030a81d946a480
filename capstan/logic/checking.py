"""Checks that a project has what an expression names."""

from __future__ import annotations

from capstan.errors import LogicError
from capstan.logic.complaints import complaint, suggest, within
from capstan.logic.layout import Layout
from capstan.logic.references import RELATIVE_EVENTS
from capstan.logic.syntax import AGGREGATES, Expression, Reference

_MODIFIERS = frozenset({"", "value", "label"})


def check(expression: Expression, layout: Layout) -> None:
    """Raise LogicError at the first reference to an unknown event, field, choice or modifier."""
    for reference in expression.references:
        try:
            _check_event(reference, layout)
            _check_field(reference, layout)
        except LogicError as error:
            raise within(expression.text, error) from None


def _check_event(reference: Reference, layout: Layout) -> None:
    event = reference.event
    if not event:
        return
    if not layout.events:
        raise complaint(f"[{event}] names an event, but this project has none.", reference.position)
    known = {name.lower() for name, *_ in layout.events}
    if event not in known | RELATIVE_EVENTS:
        raise complaint(f"There is no event '{event}'.{suggest(event, known)}", reference.position)


def _check_field(reference: Reference, layout: Layout) -> None:
    if reference.field in AGGREGATES:
        _refuse_unknown_field(reference.modifier, layout, position=reference.position)
    elif not reference.is_smart:
        _refuse_unknown_field(reference.field, layout, position=reference.position)
        _check_code(reference, layout)
        if reference.modifier not in _MODIFIERS:
            sentence = f"':{reference.modifier}' cannot stand in logic: only :label and :value can."
            raise complaint(sentence, reference.position)


def _refuse_unknown_field(name: str, layout: Layout, *, position: int) -> None:
    if name in layout.form_of:
        return
    stem, _, code = name.partition("___")
    if stem in layout.checkboxes:
        raise complaint(f"Write a checkbox with its code in brackets: [{stem}({code})].", position)
    raise complaint(f"There is no field '{name}'.{suggest(name, layout.form_of)}", position)


def _check_code(reference: Reference, layout: Layout) -> None:
    name, position = reference.field, reference.position
    codes = layout.checkboxes.get(name)
    if codes is None and reference.code:
        raise complaint(f"'{name}' is no checkbox and has no choice ({reference.code}).", position)
    if codes is None:
        return
    if not reference.code:
        raise complaint(f"'{name}' is a checkbox: name one choice, as in [{name}(1)].", position)
    if reference.code not in codes:
        raise complaint(f"The checkbox '{name}' has no choice ({reference.code}).", position)
