"""Text: which texts REDCap's validation types admit, one exact rule per type."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import datetime
from functools import lru_cache, partial
from types import MappingProxyType

Test = Callable[[str], bool]

_NUMBER = re.compile(r"[-+]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][-+]?[0-9]+)?")
_PATTERNS = {
    "integer": r"[-+]?[0-9]+",
    "number": _NUMBER.pattern,
    "number_comma_decimal": _NUMBER.pattern.replace(r"\.", ","),
    "time": r"(?:[01][0-9]|2[0-3]):[0-5][0-9]",
    "time_hh_mm_ss": r"(?:[01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9]",
    "time_mm_ss": r"[0-5][0-9]:[0-5][0-9]",
    "email": r"[^@\s,;<>()\"]+@(?:[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?\.)+[A-Za-z]{2,}",
    "phone": r"(?:\+?1[-. ]?)?\(?[2-9][0-9]{2}\)?[-. ]?[2-9][0-9]{2}[-. ]?[0-9]{4}"
    r"(?: ?(?:x|ext\.?|#) ?[0-9]{1,6})?",
    "phone_australia": r"(?:\(?0[2-478]\)?|\+61 ?[2-478])(?: ?[0-9]){8}",
    "phone_france": r"(?:0|\+33 ?)[1-9](?:[ .-]?[0-9]{2}){4}",
    "phone_uk": r"(?:\+44 ?|\(?0)[1-9][0-9() -]{7,12}[0-9]",
    "zipcode": r"[0-9]{5}(?:-[0-9]{4})?",
    "postalcode_australia": r"[0-9]{4}",
    "postalcode_canada": r"[A-Za-z][0-9][A-Za-z] ?[0-9][A-Za-z][0-9]",
    "postalcode_french": r"[0-9]{5}",
    "postalcode_germany": r"[0-9]{5}",
    "postalcode_uk": r"[A-Za-z]{1,2}[0-9][A-Za-z0-9]? ?[0-9][A-Za-z]{2}",
    "ssn": r"[0-9]{3}-[0-9]{2}-[0-9]{4}",
    "alpha_only": r"[A-Za-z]+",
    "mrn_7d": r"[0-9]{7}",
    "mrn_8d": r"[0-9]{8}",
    "mrn_10d": r"[0-9]{10}",
    "mrn_generic": r"[A-Za-z0-9-]+",
    "vmrn": r"[0-9]{4,9}",
}
_HINTS = {
    "integer": "a whole number",
    "number": "a number with a decimal point",
    "number_comma_decimal": "a number with a decimal comma",
    "time": "a time as HH:MM",
    "time_hh_mm_ss": "a time as HH:MM:SS",
    "time_mm_ss": "minutes and seconds as MM:SS",
    "email": "an email address",
    "phone": "a 10-digit North American phone number",
    "zipcode": "a 5 or 9 digit ZIP code",
    "alpha_only": "letters only",
}
# No address is longer, and the pattern takes long over a long text that is none.
_LONGEST_ADDRESS = 320
_LABEL = "[A-Za-z0-9](?:-?[A-Za-z0-9]){0,30}"
_SURE_ADDRESS = rf"[A-Za-z0-9._+-]{{1,64}}@(?:{_LABEL}\.){{1,3}}[A-Za-z]{{2,20}}"
# Every day that any year has.
_SURE_DAY = (
    "[1-9][0-9]{3}-(?:(?:0[13578]|1[02])-(?:0[1-9]|[12][0-9]|3[01])"
    "|(?:0[469]|11)-(?:0[1-9]|[12][0-9]|30)|02-(?:0[1-9]|1[0-9]|2[0-8]))"
)
_SURE_CLOCK = MappingProxyType(
    {
        "date": "",
        "datetime": " " + _PATTERNS["time"],
        "datetime_seconds": " " + _PATTERNS["time_hh_mm_ss"],
    }
)
_LEGACY = MappingProxyType({"int": "integer", "float": "number"})


# Many fields share a few thousand days; what is remembered is bounded, and of no participant.
@lru_cache(maxsize=16_384)
def _is_moment(text: str, pattern: re.Pattern[str]) -> bool:
    if not pattern.fullmatch(text):
        return False
    try:
        datetime.fromisoformat(text)  # eight times faster than strptime, and the pattern is stricter
    except ValueError:
        return False
    return True


def _matches(pattern: str) -> Test:
    compiled = re.compile(pattern)
    return lambda text: compiled.fullmatch(text) is not None


def _is_address(text: str, *, test: Test) -> bool:
    return len(text) <= _LONGEST_ADDRESS and test(text)


def _decimals(places: int, *, mark: str) -> str:
    return rf"[-+]?[0-9]+{re.escape(mark)}[0-9]{{{places}}}"


_DAY = r"[0-9]{4}-[0-9]{2}-[0-9]{2}"
_MOMENTS = {
    "date": (_DAY, "a date as YYYY-MM-DD"),
    "datetime": (_DAY + " [0-9]{2}:[0-9]{2}", "a date and time as YYYY-MM-DD HH:MM"),
    "datetime_seconds": (_DAY + " [0-9]{2}:[0-9]{2}:[0-9]{2}", "a date and time as YYYY-MM-DD HH:MM:SS"),
}


def _shapes() -> Mapping[str, str]:
    shapes = dict(_PATTERNS)
    for places in range(1, 5):
        shapes[f"number_{places}dp"] = _decimals(places, mark=".")
        shapes[f"number_{places}dp_comma_decimal"] = _decimals(places, mark=",")
    for kind, (pattern, _) in _MOMENTS.items():
        shapes |= {f"{kind}_{order}": pattern for order in ("ymd", "mdy", "dmy")}
    return MappingProxyType(shapes)


def _test(kind: str, pattern: str) -> Test:
    if is_moment(kind):
        return partial(_is_moment, pattern=re.compile(pattern))
    return partial(_is_address, test=_matches(pattern)) if kind == "email" else _matches(pattern)


def canonical(validation: str) -> str:
    """The dictionary's name of a validation type; project XML files have two older ones."""
    return _LEGACY.get(validation, validation)


def sure(validation: str) -> str:
    """A pattern whose texts a validation type surely admits, and which are nearly all that it gets.

    Texts of numeric types can be read as numbers once a comma is a point.
    """
    if is_moment(validation):
        return _SURE_DAY + _SURE_CLOCK[validation.rpartition("_")[0]]
    if not is_numeric(validation):
        return _SURE_ADDRESS if validation == "email" else _PATTERNS[validation]
    mark = "," if "comma" in validation else r"\."
    places = re.search("_([1-4])dp", validation)
    fraction = f"{mark}[0-9]{{{places[1]}}}" if places else f"(?:{mark}[0-9]{{1,15}})?"
    return "-?[0-9]{1,15}" + ("" if validation == "integer" else fraction)


def is_moment(validation: str) -> bool:
    """Whether a validation type is a date or a date and time."""
    return validation.startswith(("date_", "datetime_"))


def is_numeric(validation: str) -> bool:
    """Whether values of a validation type compare as numbers."""
    return validation.startswith(("number", "integer"))


def shape(validation: str) -> str:
    """A pattern that every text has which a validation type admits."""
    return _SHAPES[validation]


def hint(validation: str) -> str:
    """Say in a few words what a validation type wants."""
    if is_moment(validation):
        return _MOMENTS[validation.rpartition("_")[0]][1]
    places = re.fullmatch(r"number_([1-4])dp(_comma_decimal)?", validation)
    if places:
        return f"a number with exactly {places[1]} decimals after a {'comma' if places[2] else 'point'}"
    return _HINTS.get(validation, f"a text of the form {validation}")


_SHAPES = _shapes()
TESTS: Mapping[str, Test] = MappingProxyType(
    {kind: _test(kind, pattern) for kind, pattern in _SHAPES.items()}
)
