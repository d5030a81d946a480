"""Corrections: the text that was evidently meant, where a field does not admit the one that stands there.

A correction is a participant's value: it goes into the corrected file and nowhere else.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from datetime import datetime
from decimal import Decimal, InvalidOperation

import phonenumbers

from capstan.dictionary import Field, FieldType
from checks import text

UNSEEN = "\u200b\u2060\ufeff"
PHONE_REGIONS = {"phone": "US", "phone_australia": "AU", "phone_france": "FR", "phone_uk": "GB"}
_YES = frozenset({"true", "yes", "y", "t", "checked", "x"})
_NO = frozenset({"false", "no", "n", "f", "unchecked"})
_WHOLE = re.compile(r"([-+]?[0-9]+)\.0+")
_SLASHED = re.compile(r"([0-9]{1,2})[/.-]([0-9]{1,2})[/.-]([0-9]{4})(?:[ T](.*))?")
_YEAR_FIRST = re.compile(r"([0-9]{4})[/.-]([0-9]{1,2})[/.-]([0-9]{1,2})(?:[ T](.*))?")
_RUN_TOGETHER = re.compile(r"([0-9]{4})([0-9]{2})([0-9]{2})")
_SPOKEN = ("%d %b %Y", "%d %B %Y", "%b %d, %Y", "%B %d, %Y", "%d-%b-%Y", "%d%b%Y")
_CLOCK = re.compile(r"([0-9]{1,2}):([0-9]{2})(?::([0-9]{2})(?:\.0+)?)?")
_MINUTES = re.compile(r"(?:0{1,2}:)?([0-9]{1,2}):([0-9]{2})(?:\.0+)?")
# No date, number or address is longer, and some patterns take long over a long text.
_LONGEST = 400
_WITHOUT_UNSEEN = dict.fromkeys(map(ord, UNSEEN))
# ASCII in the width of Chinese letters looks like what was meant, too; in free text it may be Chinese.
_SEEN_ALIKE = {0xFEE0 + sign: sign for sign in range(0x21, 0x7F)} | _WITHOUT_UNSEEN
_MISSPELT = {"gmial.com": "gmail.com", "gamil.com": "gmail.com", "hotmial.com": "hotmail.com"}
_MISSPELT_COM = r"\.(?:con|cmo|ocm|comm)"
MISSPELT_DOMAINS = "|".join([*map(re.escape, _MISSPELT), _MISSPELT_COM])


def corrections(item: Field, value: str, *, order: str = "") -> Iterator[str]:
    """Texts that a wrong one may stand for; it is evident if the field's own checks admit exactly one.

    `order` says how the study writes dates with slashes, `dmy` or `mdy`; without it a day up to 12 is
    left alone.
    """
    is_free = item.type in (FieldType.TEXT, FieldType.NOTES) and not item.validation
    yield value.translate(_WITHOUT_UNSEEN if is_free else _SEEN_ALIKE).strip()
    if item.type in (FieldType.YESNO, FieldType.TRUEFALSE, FieldType.CHECKBOX):
        yield from _truths(value)
    if item.choices:
        yield from _codes(value, choices=item.choices)
    if item.type is FieldType.SLIDER:
        yield from _whole(value)
    if item.type is FieldType.TEXT:
        yield from _texts(value, kind=text.canonical(item.validation), order=order)


def misspelt_domain(value: str) -> str:
    """The address with the mail domain that was evidently meant; "" where it is not misspelt."""
    name, _, domain = value.rpartition("@")
    meant = _MISSPELT.get(domain.lower()) or re.sub(rf"{_MISSPELT_COM}\Z", ".com", domain.lower())
    return f"{name}@{meant}" if name and meant != domain.lower() else ""


def is_ambiguous_number(value: str) -> bool:
    """Whether the comma of `1,234` may as well part thousands."""
    return re.fullmatch(r"[-+]?[1-9][0-9]{0,2}(?:[.,][0-9]{3})+", value) is not None


def _truths(value: str) -> Iterator[str]:
    word = value.casefold()
    if word in _YES | _NO:
        yield "1" if word in _YES else "0"


def _codes(value: str, *, choices: Mapping[str, str]) -> Iterator[str]:
    """The codes that are spelled or called like the text, or like the whole number that it writes."""
    meant = {value.casefold(), *_whole(value)}
    meant |= {bare for text in meant if (bare := _bare(text))}
    for code, label in choices.items():
        if meant & {code.casefold(), _bare(code), label.strip().casefold()} - {""}:
            yield code


def _bare(number: str) -> str:
    """A whole number without leading zeros, "" for any other text."""
    return (number.lstrip("0") or "0") if re.fullmatch("[0-9]+", number) else ""


def _whole(value: str) -> Iterator[str]:
    whole = _WHOLE.fullmatch(value)
    if whole:
        yield whole[1]


def _texts(value: str, *, kind: str, order: str) -> Iterator[str]:
    if len(value) > _LONGEST:
        return
    if text.is_moment(kind):
        yield from _moments(value, kind=kind, order=order)
    elif text.is_numeric(kind):
        yield from _numbers(value, kind=kind)
    elif kind in PHONE_REGIONS:
        yield from _phones(value, region=PHONE_REGIONS[kind])
    elif kind == "time_mm_ss":
        yield from _minutes(value)
    elif kind.startswith("time"):
        yield from _clocks(value, kind=kind)
    elif kind == "email":
        yield re.sub(r"\s*@\s*", "@", value).removeprefix("<").rstrip(">.,;")
    elif kind == "zipcode" and re.fullmatch("[0-9]{3,4}", value):
        yield value.zfill(5)


def _numbers(value: str, *, kind: str) -> Iterator[str]:
    if kind == "integer":
        yield from _whole(value)
        return
    mark = "," if "comma" in kind else "."
    other = "." if mark == "," else ","
    if (is_ambiguous_number(value) and other in value) or not re.fullmatch(r"[-+]?[0-9.,]+", value):
        return
    swapped = value.replace(other, mark) if value.count(other) == 1 and mark not in value else value
    yield swapped
    places = re.search("_([1-4])dp", kind)
    if places:
        yield from _padded(swapped, places=int(places[1]), mark=mark)


def _padded(value: str, *, places: int, mark: str) -> Iterator[str]:
    """The same number with the wanted decimals, where none but zeros are added or taken."""
    try:
        number = Decimal(value.replace(mark, "."))
        exact = number.quantize(Decimal(1).scaleb(-places))
    except InvalidOperation:
        return
    if exact == number:
        yield f"{exact:f}".replace(".", mark)


def _moments(value: str, *, kind: str, order: str) -> Iterator[str]:
    for day, clock in _days(value, order=order):
        if kind.startswith("date_"):
            if not clock.strip("0:. "):
                yield day
        else:
            yield from (f"{day} {time}" for time in _times(clock))


def _days(value: str, *, order: str) -> Iterator[tuple[str, str]]:
    """A date in another format, as ISO, with the time that follows it."""
    first = _YEAR_FIRST.fullmatch(value)
    if first:
        yield f"{first[1]}-{int(first[2]):02}-{int(first[3]):02}", first[4] or ""
    together = _RUN_TOGETHER.fullmatch(value)
    if together:
        yield "-".join(together.groups()), ""
    slashed = _SLASHED.fullmatch(value)
    if slashed:
        one, two = int(slashed[1]), int(slashed[2])
        day_first = order == "dmy" or one > 12 or one == two
        if order in ("dmy", "mdy") or max(one, two) > 12 or one == two:
            day, month = (one, two) if day_first else (two, one)
            yield f"{slashed[3]}-{month:02}-{day:02}", slashed[4] or ""
    for layout in _SPOKEN:
        try:
            moment = datetime.strptime(value, layout)  # noqa: DTZ007 - a day, not a moment
        except ValueError:
            continue
        yield moment.date().isoformat(), ""


def _clocks(value: str, *, kind: str) -> Iterator[str]:
    """A time of day; one that has no seconds may as well be minutes and seconds, where these are wanted."""
    if kind == "time" or value.count(":") == 2:
        yield from _times(value)


def _minutes(value: str) -> Iterator[str]:
    """Minutes and seconds, also with the zero hours that a spreadsheet puts before them."""
    clock = _MINUTES.fullmatch(value)
    if clock:
        yield f"{int(clock[1]):02}:{clock[2]}"


def _times(value: str) -> Iterator[str]:
    clock = _CLOCK.fullmatch(value)
    if clock:
        hours, minutes, seconds = int(clock[1]), clock[2], clock[3]
        yield f"{hours:02}:{minutes}:{seconds}" if seconds else f"{hours:02}:{minutes}"
        if seconds in (None, "00"):
            yield f"{hours:02}:{minutes}"
            yield f"{hours:02}:{minutes}:00"


def _phones(value: str, *, region: str) -> Iterator[str]:
    try:
        number = phonenumbers.parse(value, region)
    except phonenumbers.NumberParseException:
        return
    if number.country_code != phonenumbers.country_code_for_region(region):
        return
    if phonenumbers.is_possible_number_with_reason(number) == phonenumbers.ValidationResult.IS_POSSIBLE:
        yield phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.NATIONAL)
