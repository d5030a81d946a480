"""Check digits: whether the last sign of an id is the one that the others give."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from types import MappingProxyType

_SIGNS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ*"


def _is_luhn(signs: str) -> bool:
    digits = [int(sign) for sign in reversed(signs)]
    doubled = [sum(divmod(2 * digit, 10)) for digit in digits[1::2]]
    return (sum(digits[::2]) + sum(doubled)) % 10 == 0


def _pure(modulus: int, *, radix: int) -> Callable[[str], bool]:
    """A pure system of ISO 7064."""

    def fits(signs: str) -> bool:
        # The X that stands for 10 in `mod_11_2` has another place in the alphabet of the others.
        values = [10 if modulus == 11 and sign == "X" else _SIGNS.index(sign) for sign in signs]
        total = 0
        for value in values:
            total = (total * radix + value) % modulus
        return total == 1

    return fits


# By the name that a study gives it: what an id must look like without its separators, and its sum.
_SYSTEMS: Mapping[str, tuple[str, Callable[[str], bool]]] = MappingProxyType(
    {
        "luhn": ("[0-9]{2,}", _is_luhn),
        "mod_11_2": ("[0-9]+[0-9X]", _pure(11, radix=2)),
        "mod_37_2": ("[0-9A-Z]+[0-9A-Z*]", _pure(37, radix=2)),
        "mod_97_10": ("[0-9]{3,}", _pure(97, radix=10)),
    }
)


def has_check_digit(record: str, system: str) -> bool:
    """Whether an id ends as its check digit system wants: `luhn`, or `mod_11_2` and others of ISO 7064.

    Hyphens, dots, blanks and underlines count for nothing, nor do letters before the digits of a system that
    knows no letters.
    """
    shape, fits = _SYSTEMS[system]
    signs = re.sub(r"[-_. ]", "", record.upper())
    if system != "mod_37_2":
        signs = signs.lstrip(_SIGNS[10:])
    return re.fullmatch(shape, signs) is not None and fits(signs)
