"""The functions of the logic language about blanks and missing data codes (redcap-api G.3)."""

from __future__ import annotations

from functools import reduce

import numpy as np

from capstan.logic.columns import Column, Truths, map_truths


def is_blank(value: Column) -> Truths:
    """Say whether nothing is stored; a missing data code is something."""
    return Truths(value.blank)


def is_code(value: Column, *, codes: frozenset[str]) -> Truths:
    """Say whether the value is one of the project's missing data codes."""
    return map_truths(lambda text: text in codes, value)


def is_blank_or_code(value: Column, *, codes: frozenset[str]) -> Truths:
    """Say whether nothing is stored, or one of the project's missing data codes."""
    return map_truths(lambda text: text == "" or text in codes, value)


def is_one_of(value: Column, *lists: Column) -> Truths:
    """Say whether the value is one of the codes in lists such as `'NA,UNK'`."""
    return Truths(reduce(np.logical_or, [map_truths(_is_listed, value, one).truths for one in lists]))


def _is_listed(text: str, codes: str) -> bool:
    return text != "" and text in {code.strip() for code in codes.split(",")}
