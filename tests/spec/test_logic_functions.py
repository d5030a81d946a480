"""Every function and operator of the logic language (redcap-api G.1, G.3, G.4), case by case."""

from __future__ import annotations

from datetime import UTC, datetime

import pandas as pd
import pytest

from capstan.logic import FUNCTIONS, Layout, calculate, evaluate, parse, truth

NOW = datetime(2024, 3, 10, 14, 30, 20, tzinfo=UTC)
CELLS = {
    "seven": "7",
    "half": "2.5",
    "comma": "1,5",
    "padded": " -0.119",
    "name": "Ada Lovelace",
    "born": "1990-03-11",
    "seen": "2024-03-10 08:00",
    "blank": "",
    "unknown": "-999",
    "race___1": "1",
    "race___2": "0",
}
LAYOUT = Layout(
    record_field="record_id",
    form_of={"record_id": "f", "race": "f", **{name: "f" for name in CELLS if "___" not in name}},
    checkboxes={"race": {"1": "race___1", "2": "race___2"}},
    choices={"seven": {"7": "Seven of nine"}},
    missing_codes=frozenset({"-999", "UNK"}),
)
DATA = pd.DataFrame(
    [
        {"record_id": "1", **CELLS}
        | dict.fromkeys(["redcap_event_name", "redcap_repeat_instrument", "redcap_repeat_instance"], "")
    ],
    dtype="str",
)


def value(text):
    return evaluate(parse(text), DATA, layout=LAYOUT, now=NOW).iloc[0]


FUNCTION_CASES = [
    ("if([seven] > 5, 'high', 'low')", "high"),
    ("if([seven] > 9, 'high', 'low')", "low"),
    ("if([blank] > 30, 1, 0)", "0"),
    ("IF([blank], 1, if([seven] = 7, 2, 3))", "2"),
    ("if([seven], 1/0, 5)", ""),
    ("if(1, 5, 1/0)", "5"),
    ("if(1, [padded], 1/3)", " -0.119"),
    ("datediff('2024-01-01', '2024-01-31', 'd')", "30"),
    ("datediff('2024-01-31', '2024-01-01', 'd')", "30"),
    ("datediff('2024-01-31', '2024-01-01', 'd', true)", "-30"),
    ("datediff('2024-01-31', '2024-01-01', 'd', 'ymd', true)", "-30"),
    ("datediff('2024-01-31', '2024-01-01', 'd', 'ymd')", "30"),
    ("datediff('2024-01-31', '2024-01-01', 'd', 'ymd', false)", "30"),
    ("datediff('01-31-2024', '02-01-2024', 'd', 'mdy')", "1"),
    ("datediff('31-01-2024', '01-02-2024', 'd', 'dmy')", "1"),
    ("datediff('31-01-2024', '01-02-2024', 'd')", ""),
    ("datediff('2000-01-01', '2001-01-01', 'y')", "1.0020739645578"),
    ("datediff('2000-01-01', '2001-01-01', 'M')", "12.023653088042"),
    ("datediff('2024-01-01', '2024-01-02 12:00', 'd')", "1.5"),
    ("datediff('2024-01-01 10:00', '2024-01-01 11:30', 'h')", "1.5"),
    ("datediff('2024-01-01 10:00', '2024-01-01 11:30', 'm')", "90"),
    ("datediff('2024-01-01 10:00:00', '2024-01-01 10:00:05', 's')", "5"),
    ("datediff([born], 'today', 'd')", "12418"),
    ("datediff([seen], 'now', 's')", "23420"),
    ("datediff([seen], 'today', 'h', true)", "-8"),
    ("datediff([blank], 'today', 'd')", ""),
    ("datediff('2024-01-01x', 'today', 'd')", ""),
    ("datediff('2023-02-30', 'today', 'd')", ""),
    ("age_at_date([born], 'today')", "33"),
    ("age_at_date([born], '2024-03-11')", "34"),
    ("age_at_date([born], '2024-03-11', true)", "34.00206711979"),
    ("age_at_date([blank], '2024-03-11')", ""),
    ("age_at_date('2024-03-12', '2024-03-11')", ""),
    ("dayoftheweek('2024-03-11')", "1"),
    ("dayoftheweek('2024-03-10')", "7"),
    ("dayoftheweek('')", ""),
    ("year([born])", "1990"),
    ("month([born])", "3"),
    ("day([seen])", "10"),
    ("year('someday')", ""),
    ("round(14.384, 1)", "14.4"),
    ("round(2.5)", "3"),
    ("round(-2.5)", "-3"),
    ("round(2.675, 2)", "2.68"),
    ("round(1.005, 2)", "1.01"),
    ("round(0.5)", "1"),
    ("round(0.49999999)", "0"),
    ("round(1250, -2)", "1300"),
    ("round('', 1)", ""),
    ("roundup(14.384, 1)", "14.4"),
    ("roundup(-14.31, 1)", "-14.4"),
    ("roundup(14.1)", "15"),
    ("roundup(0.3, 1)", "0.3"),
    ("rounddown(14.384, 1)", "14.3"),
    ("rounddown(-14.39, 1)", "-14.3"),
    ("rounddown(0.29, 2)", "0.29"),
    ("rounddown(14.9)", "14"),
    ("sqrt(16)", "4"),
    ("sqrt(-1)", ""),
    ("abs(-3.5)", "3.5"),
    ("abs([blank])", ""),
    ("exponential(0)", "1"),
    ("exponential(1)", "2.718281828459"),
    ("log(100, 10)", "2"),
    ("log(2.718281828459045)", "1"),
    ("log(0)", ""),
    ("log(-1)", ""),
    ("mod(10, 3)", "1"),
    ("mod(-10, 3)", "-1"),
    ("mod(10, 0)", ""),
    ("min(3, [blank], 1.5)", "1.5"),
    ("max(3, [blank], 1.5)", "3"),
    ("max([blank], '')", ""),
    ("mean(1, 2, [blank], 6)", "3"),
    ("mean([blank], '')", ""),
    ("median(5, 1, 3)", "3"),
    ("median(5, 1, 3, [blank], 4)", "3.5"),
    ("median([blank], '')", ""),
    ("sum(1, [blank], 2.5)", "3.5"),
    ("sum([blank], '')", "0"),
    ("stdev(2, 4, 4, 4, 5, 5, 7, 9)", "2.1380899352994"),
    ("stdev(3)", ""),
    ("stdev([blank], '')", ""),
    ("isnumber([half])", "1"),
    ("isnumber([comma])", "1"),
    ("isnumber([name])", "0"),
    ("isnumber([blank])", "0"),
    ("isinteger([seven])", "1"),
    ("isinteger([half])", "0"),
    ("isinteger(6/2)", "1"),
    ("isinteger([blank])", "0"),
    ("isblankormissingcode([blank])", "1"),
    ("isblankormissingcode([unknown])", "1"),
    ("isblankormissingcode([seven])", "0"),
    ("isblanknotmissingcode([blank])", "1"),
    ("isblanknotmissingcode([unknown])", "0"),
    ("ismissingcode([unknown])", "1"),
    ("ismissingcode([blank])", "0"),
    ("hasmissingcode([unknown], 'NA,-999')", "1"),
    ("hasmissingcode([unknown], 'NA, UNK')", "0"),
    ("hasmissingcode([blank], 'NA,')", "0"),
    ("contains([name], 'LOVE')", "1"),
    ("contains([name], 'hate')", "0"),
    ("not_contain([name], 'LOVE')", "0"),
    ("not_contain([name], 'hate')", "1"),
    ("starts_with([name], 'ada')", "1"),
    ("starts_with([name], 'love')", "0"),
    ("ends_with([name], 'LACE')", "1"),
    ("ends_with([name], 'Ada')", "0"),
    ("find('love', [name])", "5"),
    ("find('x', [name])", "0"),
    ("left([name], 3)", "Ada"),
    ("right([name], 4)", "lace"),
    ("right([name], 99)", "Ada Lovelace"),
    ("mid([name], 5, 4)", "Love"),
    ("mid([name], 0, 4)", ""),
    ("length([name])", "12"),
    ("length([blank])", "0"),
    ("trim('  a b ')", "a b"),
    ("upper([name])", "ADA LOVELACE"),
    ("lower([name])", "ada lovelace"),
    ("replace_text([name], 'a', 'o')", "Ado Loveloce"),
    ("concat([name], ' ', [seven])", "Ada Lovelace 7"),
    ("concat([half], 1/4)", "2.50.25"),
    ("concat_ws('-', [seven], [blank], [half])", "7-2.5"),
    ("left([born], 4)", "1990"),
]


@pytest.mark.parametrize(("text", "expected"), FUNCTION_CASES)
def test_a_function_gives_its_value(text, expected):
    given = value(text)

    assert given == expected


def test_every_function_has_a_case():
    called = " ".join(text.lower() for text, _ in FUNCTION_CASES)

    missing = [name for name in FUNCTIONS if f"{name}(" not in called]

    assert missing == []


@pytest.mark.parametrize("name", sorted(FUNCTIONS))
def test_a_function_of_blanks_alone_gives_a_value(name):
    function = FUNCTIONS[name]
    arguments = ", ".join(["[blank]"] * function.fewest)

    given = value(f"{name}({arguments})")

    assert given in ("", "0", "1")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("1 + 2 * 3", "7"),
        ("(1 + 2) * 3", "9"),
        ("10 - 4 - 3", "3"),
        ("100 / 10 / 5", "2"),
        ("10 % 4", "2"),
        ("2 * (3)^(2)", "18"),
        ("-(2)^(2)", "4"),
        ("-[seven] + 1", "-6"),
        ("3 - -2", "5"),
        ("1/3", "0.33333333333333"),
        ("1/0", ""),
        ("0/0", ""),
        ("[seven] + [blank]", ""),
        ("[blank] * 0", ""),
        ("[name] + 1", ""),
        ("[comma] * 2", "3"),
        ("[padded] * 1000", "-119"),
        ("[unknown] + 1", ""),
        ("(-8)^(0.5)", ""),
        ("(10)^(400)", ""),
        ("0.00001 * 1", "0.00001"),
        ("1 = 1 and 1 = 2 or 1 = 1", "1"),
        ("1 = 1 or 1 = 1 and 1 = 2", "1"),
        ("1 = 1 && 1 <> 2 || 1 = 2", "1"),
        ("1 = 1 AnD 2 != 3 oR 1 = 2", "1"),
        ("1 + 1 = 2", "1"),
        ("true", "1"),
        ("false or [seven] = 7", "1"),
        ("[SEVEN] = 7", "1"),
        ("[seven:label]", "Seven of nine"),
        ("[seven:value]", "7"),
        ("[race(1)]", "1"),
        ("[race(2)] = '0'", "1"),
    ],
)
def test_operators_bind_and_compute(text, expected):
    given = value(text)

    assert given == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("'01' = 1", True),
        ("'1.0' = '1'", True),
        ("[comma] = 1.5", True),
        ("'abc' = 'ABC'", False),
        ("'abc' <> 'ABC'", True),
        ("'10' > '9'", True),
        ("'10' > '9a'", False),
        ("'b' > 'a'", True),
        ("[blank] = ''", True),
        ('[blank] = ""', True),
        ("[blank] <> ''", False),
        ("[blank] = 0", False),
        ("[blank] <> 0", True),
        ("[blank] != 0", True),
        ("[blank] < 1", False),
        ("[blank] <= 0", False),
        ("[blank] > -1", False),
        ("[blank] >= ''", False),
        ("1/0 = ''", True),
        ("[born] < '1990-04-01'", True),
        ("[born] >= [seen]", False),
        ("[unknown] = '-999'", True),
        ("[unknown] < 0", False),
        ("[seven]", True),
        ("if([blank], 'a', [unknown]) < 0", False),
        ("round(0.34, 1) = 0.3", True),
        ("[race(2)]", False),
        ("[blank]", False),
        ("[name]", True),
        ("'0.0'", False),
        ("", True),
        ("# nothing but a comment", True),
    ],
)
def test_a_condition_holds_or_not(text, expected):
    given = truth(parse(text), DATA, layout=LAYOUT, now=NOW).iloc[0]

    assert given == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("1/3", "0.33333333333333"),
        ("32.0", "32"),
        ("'2.50'", "2.5"),
        ("[comma]", "1.5"),
        ("[name]", ""),
        ("[born]", ""),
        ("[unknown]", ""),
        ("'text'", ""),
        ("7 = 7", "1"),
        ("20.7450693937182", "20.745069393718"),
        ("-0.0 * 1", "0"),
        ("", ""),
    ],
)
def test_a_calculated_field_stores_numbers_only(text, expected):
    given = calculate(parse(text), DATA, layout=LAYOUT, now=NOW).iloc[0]

    assert given == expected


def test_comments_line_breaks_and_tabs_are_skipped():
    given = value("# don't count\n[seven] = 7\n  // nor this\n\tand [half] = '2.5'\r\n")

    assert given == "1"


def test_a_hash_inside_quotes_is_no_comment():
    given = value("concat('a\n# b', '')")

    assert given == "a\n# b"
