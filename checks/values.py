"""Values: what the changed cells want to hold, judged by the rules of their fields."""

from __future__ import annotations

import os
from collections.abc import Collection, Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pandas as pd
import pyarrow as pa  # type: ignore[import-untyped]

from capstan.dictionary import Dictionary, Field, FieldType
from capstan.verdict import collected
from checks import oddities, text
from checks.catalogue import say_of_run
from checks.columns import Bools, Column, Rows
from checks.findings import Finding
from checks.ranges import is_open
from checks.screens import cleared, sifted
from checks.sheet import Sheet, blocks
from checks.value_rules import Rule

# So few texts are asked one by one in less time than a screen takes.
_FEW = 64


def judge_values(sheet: Sheet, *, alive: Bools, rules: Mapping[str, tuple[Rule, ...]]) -> Iterator[Finding]:
    """Judge what the changed cells of living rows want to hold."""
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        for found in pool.map(lambda block: _findings(*block, rules=rules), blocks(sheet, alive=alive)):
            yield from found


def _findings(
    name: str, column: Column, mask: Bools, *, rules: Mapping[str, tuple[Rule, ...]]
) -> list[Finding]:
    failures = _failures(column, rules=rules.get(name, ()))
    found = [
        Finding(check, np.flatnonzero(column.spread(words) & mask), name, reason)
        for (check, reason), words in failures.items()
    ]
    return [finding for finding in found if finding.rows.size]


def judge_knowledge(
    columns: Iterable[str], *, dictionary: Dictionary, listed: Collection[str]
) -> pd.DataFrame:
    """Note what cannot be checked of the fields of a table, once for each; the choices of some are listed."""
    items = {dictionary.by_column[name].name: dictionary.by_column[name] for name in columns}
    return collected(
        say_of_run(check, reason, field=item.name)
        for item in items.values()
        for check, reason in _unknown(item, listed=listed)
    )


def _failures(column: Column, *, rules: tuple[Rule, ...]) -> dict[tuple[str, str], Bools]:
    """The words that fail, by what is said of them."""
    found: dict[tuple[str, str], Bools] = {}
    left = doubtful(column, rules=rules)
    rest = column.of_words(left)
    for rule in rules:
        wrong = _wrong(rest, rule=rule)
        for said, places in _said(rule, column=column, wrong=left[wrong]):
            found.setdefault(said, np.zeros(len(column.words), dtype=bool))[places] = True
        if rule.last and wrong.any():
            left, rest = left[~wrong], rest.of_words(np.flatnonzero(~wrong))
    return found


def _wrong(column: Column, *, rule: Rule) -> Bools:
    """The words that fail a rule; it is asked itself where no screen decides."""
    if len(column.words) <= _FEW:
        wrong, asked = np.zeros(len(column.words), dtype=bool), np.arange(len(column.words))
    else:
        wrong, asked = sifted(column, clear=rule.clear)
    texts = column.words.take(pa.array(asked)).to_pylist()
    wrong[asked] = [bool(text) and not rule.fits(text) for text in texts]
    return wrong


def doubtful(column: Column, *, rules: tuple[Rule, ...]) -> Rows:
    """The places of the words that not all rules surely admit."""
    clears = [rule.clear for rule in rules]
    every = np.arange(len(column.words))
    if len(column.words) <= _FEW:
        return every
    sample = column.of_words(every[:: len(every) // _FEW])
    if not cleared(sample, clears=clears).any():  # where all is wrong, one screen more is one too many
        return every
    return every[~cleared(column, clears=clears)]


def _said(rule: Rule, *, column: Column, wrong: Rows) -> Iterator[tuple[tuple[str, str], Rows]]:
    """What a rule says of the words that fail it (their places), or what their look tells more precisely."""
    plain = np.ones(len(wrong), dtype=bool)
    if rule.explains is not None:
        plain = cleared(column.of_words(wrong), clears=[oddities.UNDAMAGED])
        for place in wrong[~plain]:
            more = oddities.damage(rule.explains, column.words[int(place)].as_py()) or rule
            yield (more.check, more.reason), np.array([place])
    if plain.any():
        yield (rule.check, rule.reason), wrong[plain]


def _unknown(item: Field, *, listed: Collection[str]) -> Iterator[tuple[str, str]]:
    kind = text.canonical(item.validation) if item.type is FieldType.TEXT else ""
    if kind and kind not in text.TESTS:
        reason = f"Capstan does not know the validation type {kind}; REDCap judges it on import."
        yield "unknown_validation", reason
    elif kind and is_open(item, kind=kind):
        reason = "A limit of its range refers to another field, so the range was not checked."
        yield "logic_not_evaluated", reason
    if item.type is FieldType.SQL and item.name not in listed:
        yield "sql_choice", "Its choices come from a query that no export has; REDCap judges them on import."
