"""Text validation types: what an import accepts, and what it says otherwise (D.5)."""

from __future__ import annotations

import re
from datetime import date, time
from functools import cache
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


class Checked(NamedTuple):
    """The value to store, and the refusal ('' when it is accepted)."""

    value: str
    message: str = ""


def check_text(validation: str, value: str, *, date_format: str = "YMD") -> Checked:
    """Judge one non-blank value of a validated text field; unknown types accept everything."""
    value = value.strip()
    if validation.startswith("date"):
        return _check_moment(validation, value, date_format=date_format)
    pattern = _pattern(validation)
    if pattern is None or pattern.fullmatch(value):
        return Checked(value)
    return Checked(value, _MESSAGES.get(validation, GENERIC))


@cache
def _pattern(validation: str) -> re.Pattern[str] | None:
    places = _PLACES.fullmatch(validation)
    if places is None:
        return re.compile(_PATTERNS[validation]) if validation in _PATTERNS else None
    mark = "," if places[2] else r"\."
    return re.compile(rf"[-+]?[0-9]*{mark}[0-9]{{{places[1]}}}")


def _check_moment(validation: str, value: str, *, date_format: str) -> Checked:
    day_text, _, time_text = value.partition(" ")
    day = _read_date(day_text, date_format)
    if validation.startswith("date_"):
        ok = day is not None and not time_text
        return Checked(str(day)) if ok else Checked(value, _DATE.format("M/D/Y", "Y-M-D"))
    with_seconds = validation.startswith("datetime_seconds")
    moment = _read_time(time_text.strip(), with_seconds=with_seconds)
    if day is None or not moment:
        clock = "H:M:S" if with_seconds else "H:M"
        return Checked(value, _DATE.format(f"M/D/Y {clock}", f"Y-M-D {clock}"))
    return Checked(f"{day} {moment}")


def _read_date(text: str, date_format: str) -> date | None:
    iso, slashed = _ISO.fullmatch(text), _SLASHED.fullmatch(text)
    if iso:
        year, month, day = (int(part) for part in iso.groups())
    elif slashed:
        first, second, year = (int(part) for part in slashed.groups())
        month, day = (second, first) if date_format == "DMY" else (first, second)
        if len(slashed[3]) == 2:
            year += 2000 if year < 70 else 1900
    else:
        return None
    try:
        return date(year, month, day)
    except ValueError:
        return None


def _read_time(text: str, *, with_seconds: bool) -> str:
    match = _TIME.fullmatch(text)
    if match is None or (match[3] and not with_seconds):
        return ""
    try:
        moment = time(int(match[1]), int(match[2]), int(match[3] or 0))
    except ValueError:
        return ""
    return moment.strftime("%H:%M:%S" if with_seconds else "%H:%M")
