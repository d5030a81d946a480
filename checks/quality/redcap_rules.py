"""REDCap's own data quality rules, A to I, by the checks that find what each of them means."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import NamedTuple

from capstan.dictionary import Dictionary


class RedcapRule(NamedTuple):
    """One rule: what REDCap calls it, and the checks whose findings it counts."""

    title: str
    checks: tuple[str, ...]


RULES = {
    "A": RedcapRule("blank values", ("missing_value", "required_blank")),
    "B": RedcapRule("blank values (required fields only)", ("required_blank",)),
    "C": RedcapRule("incorrect data type", ("type_mismatch", "decimal_comma")),
    "D": RedcapRule("out of range", ("out_of_range", "slider_value")),
    "E": RedcapRule("outliers of numerical fields", ("outlier",)),
    "F": RedcapRule("hidden fields that contain values", ("hidden_has_value",)),
    "G": RedcapRule(
        "multiple choice fields with invalid values",
        ("choice_unknown", "checkbox_value", "yesno_value", "form_status"),
    ),
    "H": RedcapRule("incorrect values of calculated fields", ("calc_mismatch",)),
    "I": RedcapRule("fields containing missing data codes", ("missing_code",)),
}
# These say why a field does not admit a value; the field's type says whether that is rule C or G.
_SAID_OF_BOTH = frozenset({"spreadsheet_damage", "missing_code_unlisted"})


def count_letters(findings: Mapping[tuple[str, str], int], *, dictionary: Dictionary) -> dict[str, int]:
    """How many findings each of REDCap's rules has, by how many each (check, column) has."""
    found = Counter(dict.fromkeys(RULES, 0))
    for (check, column), count in findings.items():
        for letter in _letters(check, column=column, dictionary=dictionary):
            found[letter] += count
    return dict(found)


def _letters(check: str, *, column: str, dictionary: Dictionary) -> list[str]:
    if check in _SAID_OF_BOTH:
        return ["G" if dictionary.by_column[column].choices else "C"]
    return [letter for letter, rule in RULES.items() if check in rule.checks]
