"""Valid texts for every kind of field, and the ways to spoil one, each with the check that must see it."""

from __future__ import annotations

import re
from datetime import date

from hypothesis import strategies as st

from capstan.dictionary import Field, FieldType

_DAYS = st.dates(min_value=date(1990, 1, 1), max_value=date(2025, 12, 31))
_CLOCK = st.times()
_WORD = st.text("abcdefghijklmnopqrstuvwxyzÄÖÜéñ -'", min_size=1, max_size=20).map(str.strip).filter(bool)


def _digits(low: int, high: int | None = None) -> st.SearchStrategy[str]:
    return st.text("123456789", min_size=low, max_size=high or low)


def _decimal(places: int, mark: str) -> st.SearchStrategy[str]:
    return st.tuples(st.integers(-99, 999), _digits(places)).map(lambda pair: f"{pair[0]}{mark}{pair[1]}")


def _is_of_people(area: int) -> bool:
    """Whether an area code is neither a service's (911) nor a premium number's."""
    return area % 100 != 11 and area != 900


VALID: dict[str, st.SearchStrategy[str]] = {
    "": _WORD,
    "integer": st.integers(-999, 9999).map(str),
    "number": st.decimals(-999, 999, places=2).map(str),
    "number_comma_decimal": st.integers(0, 999).map(lambda n: f"{n},5"),
    **{f"number_{n}dp": _decimal(n, ".") for n in range(1, 5)},
    **{f"number_{n}dp_comma_decimal": _decimal(n, ",") for n in range(1, 5)},
    "time": _CLOCK.map(lambda t: f"{t:%H:%M}"),
    "time_hh_mm_ss": _CLOCK.map(lambda t: f"{t:%H:%M:%S}"),
    "time_mm_ss": _CLOCK.map(lambda t: f"{t:%M:%S}"),
    "email": st.tuples(_digits(3), st.sampled_from(["org", "ac.uk", "museum"])).map(
        lambda p: f"p{p[0]}@example.{p[1]}"
    ),
    "phone": st.tuples(st.integers(200, 989).filter(_is_of_people), st.integers(100, 199)).map(
        lambda p: f"({p[0]}) 555-0{p[1]}"
    ),
    "phone_australia": st.just("0299999999"),
    "phone_france": st.sampled_from(["01 23 45 67 89", "+33 6 12 34 56 78", "04.93.00.00.01"]),
    "phone_uk": st.sampled_from(["020 7946 0958", "+44 20 7946 0958", "(0161) 496 0123", "07700 900123"]),
    "postalcode_uk": st.sampled_from(["SW1A 1AA", "M1 1AE", "cr26xh", "EC1A1BB"]),
    "zipcode": _digits(5),
    "postalcode_australia": _digits(4),
    "postalcode_canada": st.just("K1A 0B1"),
    "postalcode_french": _digits(5),
    "postalcode_germany": _digits(5),
    "ssn": st.just("123-45-6789"),
    "alpha_only": st.text("abcXYZ", min_size=1, max_size=9),
    "mrn_7d": _digits(7),
    "mrn_8d": _digits(8),
    "mrn_10d": _digits(10),
    "mrn_generic": _digits(3, 9),
    "vmrn": _digits(4, 9),
}
for _order in ("ymd", "mdy", "dmy"):
    VALID[f"date_{_order}"] = _DAYS.map(str)
    VALID[f"datetime_{_order}"] = st.tuples(_DAYS, _CLOCK).map(lambda p: f"{p[0]} {p[1]:%H:%M}")
    VALID[f"datetime_seconds_{_order}"] = st.tuples(_DAYS, _CLOCK).map(lambda p: f"{p[0]} {p[1]:%H:%M:%S}")

# Texts that a validation type must not admit, whatever else is right about them.
WRONG: dict[str, list[str]] = {
    "integer": ["x", "1.5", "1e3", "١٢", "1 2"],
    "number": ["x", "1,5", "1.2.3", "--1", "NaN"],
    "time": ["24:00", "7:5", "noon"],
    "email": ["someone", "a@b", "a@@example.org", "a b@example.org"],
    "phone": ["555-0100", "(115) 555-0100", "12345678901234", "call me"],
    "zipcode": ["1234", "123456", "12345-67"],
    "alpha_only": ["ab1", "a b"],
}
for _order in ("ymd", "mdy", "dmy"):
    WRONG[f"date_{_order}"] = ["01/02/2020", "2020-02-30", "2020-1-1", "20200101", "2020-01-01 10:00"]
    WRONG[f"datetime_{_order}"] = ["2020-01-01", "2020-01-01T10:00", "2020-01-01 25:00"]
    WRONG[f"datetime_seconds_{_order}"] = ["2020-01-01 10:00", "2020-13-01 10:00:00"]

# Wrong texts whose look tells more than that they are wrong.
LOOKS = {"1,5": "decimal_comma", "NaN": "missing_code_unlisted"}


def valid_text(field: Field) -> st.SearchStrategy[str] | None:
    """Texts that the field admits, None where an import cannot set it."""
    match field.type:
        case FieldType.TEXT:
            return _in_range(
                field, VALID[{"int": "integer", "float": "number"}.get(field.validation, field.validation)]
            )
        case FieldType.NOTES:
            return st.tuples(_WORD, _WORD).map("\n".join)
        case FieldType.CHECKBOX:
            return st.sampled_from(["0", "1"])
        case FieldType.SLIDER:
            return st.integers(0, 100).map(str)
        case _ if field.choices:
            return st.sampled_from(list(field.choices))
    return None


def _in_range(field: Field, texts: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    if field.minimum and field.maximum and field.validation == "integer":
        return st.integers(int(field.minimum), int(field.maximum)).map(str)
    if not (field.minimum or field.maximum):
        return texts
    if field.validation.startswith("number"):
        low, high = (float(bound or default) for bound, default in ((field.minimum, 0), (field.maximum, 99)))
        decimals = re.fullmatch(r"number_([1-4])dp", field.validation)
        tail = "." + "5" * int(decimals[1]) if decimals else ""
        return st.integers(int(low) + 1, int(high) - 1).map(lambda whole: f"{whole}{tail}")
    return texts.filter(lambda text: (field.minimum or "0") <= text <= (field.maximum or "9999-12-31"))


def spoilt(field: Field) -> list[tuple[str, str]]:
    """Pairs of a wrong text and the check that must stop it."""
    match field.type:
        case FieldType.TEXT:
            wrong = [(text, LOOKS.get(text, "type_mismatch")) for text in WRONG.get(field.validation, [])]
            if field.validation == "integer":
                wrong += [(str(int(field.minimum) - 1), "out_of_range")] if field.minimum else []
                wrong += [(str(int(field.maximum) + 1), "out_of_range")] if field.maximum else []
            if field.validation == "phone":
                wrong.append(("555-0100", "phone_e164"))
            return [
                *wrong,
                ("a\x07b", "control_chars"),
                ("a\nb", "control_chars"),
                ("x" * 65_001, "too_long"),
            ]
        case FieldType.NOTES:
            return [("a\x00b", "control_chars"), ("x" * 65_001, "too_long")]
        case FieldType.CHECKBOX:
            return [("2", "checkbox_value"), ("yes", "checkbox_value")]
        case FieldType.YESNO | FieldType.TRUEFALSE:
            return [("2", "yesno_value"), ("TRUE", "spreadsheet_damage")]
        case FieldType.FORM_STATUS:
            return [("3", "form_status"), ("Complete", "form_status")]
        case FieldType.SLIDER:
            return [("101", "slider_value"), ("-1", "slider_value"), ("1.5", "slider_value")]
        case FieldType.RADIO | FieldType.DROPDOWN:
            return [("no such code", "choice_unknown"), (f"{next(iter(field.choices))}.0", "choice_unknown")]
        case FieldType.CALC:
            return [("12345", "read_only_field")]
    return []
