"""Text validation types: what an import accepts, and what it says otherwise (D.5)."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import date, time
from functools import partial
from typing import NamedTuple

GENERIC = (
    "The value you provided could not be validated because it does not follow the expected format. "
    "Please try again."
)
_DATE = (
    "Invalid date format. (NOTE: Dates must be imported here only in {0} format or {1} format, regardless "
    "of the specific date format designated for this field.)"
)
_MESSAGES = {
    "integer": "This value you provided is not an integer. Please try again.",
    "time": (
        "The value entered must be a time value in the following format HH:MM within the range "
        "00:00-23:59 (e.g., 04:32 or 23:19)."
    ),
    "email": "Email address is not properly formatted.",
    "phone": ("This field must be a 10 digit U.S. phone number (like 415 555 1212). Please re-enter it now."),
    "zipcode": "This field must be a 5 or 9 digit U.S. ZIP Code (like 94043). Please re-enter it now.",
    "vmrn": (
        "The value entered is not a valid Vanderbilt Medical Record Number (i.e. 4- to 9-digit number, "
        "excluding leading zeros). Please try again."
    ),
}
_PATTERNS = {
    "integer": r"[-+]?[0-9]+",
    "number": r"[-+]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][-+]?[0-9]+)?",
    "number_comma_decimal": r"[-+]?(?:[0-9]+,?[0-9]*|,[0-9]+)(?:[eE][-+]?[0-9]+)?",
    "time": r"(?:[01]?[0-9]|2[0-3]):[0-5][0-9]",
    "time_hh_mm_ss": r"(?:[01]?[0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9]",
    "time_mm_ss": r"[0-5]?[0-9]:[0-5][0-9]",
    "email": r"[^\s@,;<>\"()]+@(?:[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?\.)+[A-Za-z]{2,}",
    "phone": (
        r"(?:\+?1[\s.-]*)?\(?[2-9][0-9]{2}\)?[\s.-]*[0-9]{3}[\s.-]*[0-9]{4}"
        r"(?:\s*(?:#|x\.?|ext\.?|extension)\s*[0-9]+)?"
    ),
    "phone_australia": r"(?:\+?61[\s-]?|\(?0)[2-478]\)?(?:[\s-]?[0-9]){8}",
    "phone_france": r"(?:\+33[\s.-]?|0)[1-9](?:[\s.-]?[0-9]{2}){4}",
    "phone_uk": r"(?:\+44[\s-]?(?:\(0\))?|\(?0)[1-9][0-9\s()-]{7,12}[0-9]",
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
_PLACES = re.compile(r"number_([1-4])dp(_comma_decimal)?")
_ISO = re.compile(r"([0-9]{4})[-/]([0-9]{1,2})[-/]([0-9]{1,2})")
_SLASHED = re.compile(r"([0-9]{1,2})/([0-9]{1,2})/([0-9]{4}|[0-9]{2})")
_TIME = re.compile(r"([0-9]{1,2}):([0-9]{2})(?::([0-9]{2}))?")


class Rule(NamedTuple):
    """How to read a value: as what it is stored, or None where it is refused, and with which words."""

    read: Callable[[str], str | None]
    message: str = ""


def text_rule(validation: str, *, date_format: str = "YMD") -> Rule | None:
    """Return the rule of a validated text field, or None for a type that accepts everything."""
    if validation.startswith("datetime"):
        return _datetime_rule(validation.startswith("datetime_seconds"), date_format)
    if validation.startswith("date"):
        return Rule(partial(_read_date, date_format=date_format), _DATE.format("M/D/Y", "Y-M-D"))
    pattern = _pattern(validation)
    if pattern is None:
        return None
    fits = re.compile(pattern).fullmatch
    return Rule(lambda value: value if fits(value) else None, _MESSAGES.get(validation, GENERIC))


def _pattern(validation: str) -> str | None:
    places = _PLACES.fullmatch(validation)
    if places is None:
        return _PATTERNS.get(validation)
    mark = "," if places[2] else r"\."
    return rf"[-+]?[0-9]*{mark}[0-9]{{{places[1]}}}"


def _datetime_rule(with_seconds: bool, date_format: str) -> Rule:
    def read(value: str) -> str | None:
        day_text, _, time_text = value.partition(" ")
        day = _read_date(day_text, date_format)
        moment = _read_time(time_text.strip(), with_seconds=with_seconds)
        return f"{day} {moment}" if day and moment else None

    clock = "H:M:S" if with_seconds else "H:M"
    return Rule(read, _DATE.format(f"M/D/Y {clock}", f"Y-M-D {clock}"))


def _read_date(text: str, date_format: str) -> str | None:
    iso = _ISO.fullmatch(text)
    slashed = None if iso else _SLASHED.fullmatch(text)
    if iso:
        year, month, day = iso.groups()
    elif slashed:
        first, second, year = slashed.groups()
        month, day = (second, first) if date_format == "DMY" else (first, second)
        if len(year) == 2:
            # Where the century turns was not recorded (J.1).
            year = ("20" if year < "70" else "19") + year
    else:
        return None
    try:
        return date(int(year), int(month), int(day)).isoformat()
    except ValueError:
        return None


def _read_time(text: str, *, with_seconds: bool) -> str | None:
    match = _TIME.fullmatch(text)
    if match is None or (match[3] and not with_seconds):
        return None
    try:
        moment = time(int(match[1]), int(match[2]), int(match[3] or 0))
    except ValueError:
        return None
    return moment.isoformat("seconds" if with_seconds else "minutes")
