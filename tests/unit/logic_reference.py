"""A slow, plain reading of the logic language, one row at a time: the judge of the frame evaluation.

It shares no code with `capstan.logic`: its own reader, its own numbers (Decimal), its own dates.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import ROUND_CEILING, ROUND_FLOOR, ROUND_HALF_UP, Decimal

Value = str | float | bool
Place = tuple[str, str, str, int]

TOKEN = re.compile(
    r"""\s*(?:(?P<number>\d+\.?\d*)|(?P<string>'[^']*'|"[^"]*")|(?P<reference>(?:\[[^\]]*\])+)"""
    r"""|(?P<name>[A-Za-z_]\w*)|(?P<sign><>|!=|<=|>=|&&|\|\||[-+*/%^=<>(),]))"""
)
NUMBER = re.compile(r"\s*[-+]?(\d+\.?\d*|\.\d+|\d*,\d+)(e[-+]?\d+)?\s*", re.IGNORECASE | re.ASCII)
UNIT_SECONDS = {"y": 365.2425 * 86400, "M": 30.44 * 86400, "d": 86400, "h": 3600, "m": 60, "s": 1}


@dataclass(frozen=True)
class Project:
    """Rows by place, and which form repeats in which event; an event of its own repeats as form ''."""

    rows: dict[Place, dict[str, str]]
    form_of: dict[str, str]
    checkboxes: dict[str, dict[str, str]]
    events: list[tuple[str, int]]
    designated: set[tuple[str, str]]
    repeating: set[tuple[str, str]]
    now: datetime


def text_of(value: Value) -> str:
    if isinstance(value, bool):
        return "1" if value else "0"
    if isinstance(value, str):
        return value
    short = f"{value:.14g}"
    text = format(Decimal(short), "f") if 1e-9 <= abs(value) < 1e15 else short
    return "0" if text == "-0" else text


def number_of(value: Value) -> float | None:
    if not isinstance(value, str):
        return float(value)
    if not NUMBER.fullmatch(value):
        return None
    return float(value.replace(",", "."))


def truth_of(value: Value) -> bool:
    number = number_of(value)
    return value != "" if number is None else number != 0


def evaluate(text: str, project: Project, place: Place) -> Value:
    """Compute one expression for the row at one place."""
    return _Reader(text, project, place).whole()


class _Reader:
    """Reads and computes at the same time, by recursive descent."""

    def __init__(self, text: str, project: Project, place: Place) -> None:
        self.tokens = [(found.lastgroup, found.group().strip()) for found in TOKEN.finditer(text)]
        self.at, self.project, self.place = 0, project, place

    def whole(self) -> Value:
        value = self.either()
        assert self.at == len(self.tokens)
        return value

    def peek(self) -> str:
        return self.tokens[self.at][1].lower() if self.at < len(self.tokens) else ""

    def take(self) -> str:
        self.at += 1
        return self.tokens[self.at - 1][1]

    def either(self) -> Value:
        value = self.both()
        while self.peek() in ("or", "||"):
            self.take()
            other = self.both()
            value = truth_of(value) or truth_of(other)
        return value

    def both(self) -> Value:
        value = self.comparison()
        while self.peek() in ("and", "&&"):
            self.take()
            other = self.comparison()
            value = truth_of(value) and truth_of(other)
        return value

    def comparison(self) -> Value:
        value = self.sum()
        if self.peek() in ("=", "<>", "!=", "<", "<=", ">", ">="):
            return _compare(self.take(), value, self.sum())
        return value

    def sum(self) -> Value:
        value = self.product()
        while self.peek() in ("+", "-"):
            value = _arithmetic(self.take(), value, self.product())
        return value

    def product(self) -> Value:
        value = self.power()
        while self.peek() in ("*", "/", "%"):
            value = _arithmetic(self.take(), value, self.power())
        return value

    def power(self) -> Value:
        value = self.unary()
        return _arithmetic(self.take(), value, self.unary()) if self.peek() == "^" else value

    def unary(self) -> Value:
        if self.peek() != "-":
            return self.atom()
        self.take()
        return _arithmetic("-", 0.0, self.atom())

    def atom(self) -> Value:
        kind, token = self.tokens[self.at]
        self.take()
        match kind:
            case "number":
                return float(token)
            case "string":
                return token[1:-1]
            case "reference":
                return find(token, self.project, self.place)
            case "name" if token.lower() in ("true", "false"):
                return token.lower() == "true"
            case "name":
                return _call(token.lower(), self.arguments(), self.project.now)
        value = self.either()
        assert self.take() == ")"
        return value

    def arguments(self) -> list[Value]:
        assert self.take() == "("
        values = [self.either()]
        while self.peek() == ",":
            self.take()
            values.append(self.either())
        assert self.take() == ")"
        return values


def _compare(sign: str, left: Value, right: Value) -> bool:
    first, second = number_of(left), number_of(right)
    a, b = (text_of(left), text_of(right)) if first is None or second is None else (first, second)
    if sign in ("=", "<>", "!="):
        return (a == b) is (sign == "=")
    if "" in (left, right):
        return False
    return {"<": a < b, "<=": a <= b, ">": a > b, ">=": a >= b}[sign]


def _arithmetic(sign: str, left: Value, right: Value) -> Value:
    a, b = number_of(left), number_of(right)
    if a is None or b is None:
        return ""
    operations: dict[str, Callable[[], float | complex]] = {
        "+": lambda: a + b,
        "-": lambda: a - b,
        "*": lambda: a * b,
        "/": lambda: a / b,
        "%": lambda: math.fmod(a, b),
        "^": lambda: a**b,
    }
    try:
        result = operations[sign]()
    except (ArithmeticError, ValueError):
        return ""
    return result if isinstance(result, float) and math.isfinite(result) else ""


def find(token: str, project: Project, place: Place) -> str:
    """Find the one cell that a reference means."""
    parts = re.findall(r"\[([^\]]*)\]", token)
    relative = re.compile(r"\d+|\w+-instance")
    which = parts.pop() if len(parts) > 1 and relative.fullmatch(parts[-1]) else ""
    field, event_name = parts[-1], parts[0] if len(parts) == 2 else ""
    if "-" in field.partition("(")[0]:
        return _smart(field, project, place)
    name, code = re.fullmatch(r"(\w+)(?:\((.*)\))?", field).groups()  # type: ignore[union-attr]
    form = project.form_of[name]
    column = project.checkboxes[name][code] if code else name
    target = _target(project, place, event_name=event_name, form=form, which=which)
    if name == "record_id" and len(parts) == 1 and not which:
        target = place
    return project.rows.get(target, {}).get(column, "") if target else ""


def _target(project: Project, place: Place, *, event_name: str, form: str, which: str) -> Place | None:
    record, own, instrument, instance = place
    event = _event(event_name or "event-name", project, own=own, form=form)
    if event is None:
        return None
    by_form, by_event = (event, form) in project.repeating, (event, "") in project.repeating
    holder = form if by_form else ""
    if which:
        number = _instance(which, project, (record, event, holder, instance))
        if by_form or by_event:
            return (record, event, holder, number) if number else None
        return (record, event, "", 0) if not which.isdigit() or int(which) == 1 else None
    if event == own:
        return place if instrument in ("", form) else (record, event, "", 0)
    return (record, event, holder, 1 if by_form or by_event else 0)


def _event(name: str, project: Project, *, own: str, form: str) -> str | None:
    if not name.endswith("event-name"):
        return name
    if name == "event-name":
        return own
    names = [event for event, _ in project.events]
    arm = dict(project.events)[own]
    inside = [
        event
        for event, its in project.events
        if its == arm and (not form or (event, form) in project.designated)
    ]
    before = [event for event in inside if names.index(event) < names.index(own)]
    after = [event for event in inside if names.index(event) > names.index(own)]
    found = {"previous": before[-1:], "next": after[:1], "first": inside[:1], "last": inside[-1:]}
    return next(iter(found[name.split("-")[0]]), None)


def _instance(which: str, project: Project, place: Place) -> int:
    record, event, holder, own = place
    saved = [n for r, e, i, n in project.rows if (r, e, i) == (record, event, holder) and n > 0]
    return {
        "current-instance": own,
        "previous-instance": max(own - 1, 0),
        "next-instance": own + 1 if own else 0,
        "first-instance": min(saved, default=0),
        "last-instance": max(saved, default=0),
        "new-instance": max(saved, default=0) + 1,
    }.get(which) or (int(which) if which.isdigit() else 0)


def _smart(name: str, project: Project, place: Place) -> str:
    if name == "record-name":
        return place[0]
    if name.endswith("event-name"):
        return _event(name, project, own=place[1], form="") or ""
    if name.endswith("-instance"):
        return str(_instance(name, project, place) or "") if place[3] else ""
    if name == "instrument-name":
        return place[2]
    raise KeyError(name)


def _moment(value: Value, now: datetime) -> datetime | None:
    text = text_of(value)
    if text in ("now", "today"):
        return now if text == "now" else datetime(now.year, now.month, now.day, tzinfo=UTC)
    for pattern in ("%Y-%m-%d", "%Y-%m-%d %H:%M", "%Y-%m-%d %H:%M:%S"):
        try:
            return datetime.strptime(text, pattern).replace(tzinfo=UTC)
        except ValueError:
            continue
    return None


def _round(x: float, digits: float, how: str) -> Value:
    exact = abs(Decimal(f"{x:.15g}")).scaleb(int(digits))
    mode = {"round": ROUND_HALF_UP, "roundup": ROUND_CEILING, "rounddown": ROUND_FLOOR}[how]
    return math.copysign(float(exact.to_integral_value(mode).scaleb(-int(digits))), x)


def _summary(name: str, arguments: list[Value]) -> Value:
    numbers = sorted(number for one in arguments if (number := number_of(one)) is not None)
    count = len(numbers)
    if name == "sum":
        return math.fsum(numbers)
    if count < (2 if name == "stdev" else 1):
        return ""
    mean = math.fsum(numbers) / count
    return {
        "min": numbers[0],
        "max": numbers[-1],
        "mean": mean,
        "median": (numbers[(count - 1) // 2] + numbers[count // 2]) / 2,
        "stdev": math.sqrt(math.fsum((x - mean) ** 2 for x in numbers) / max(count - 1, 1)),
    }[name]


def _datediff(arguments: list[Value], now: datetime) -> Value:
    first, second = (_moment(one, now) for one in arguments[:2])
    seconds_per_unit = UNIT_SECONDS[text_of(arguments[2])]
    if first is None or second is None:
        return ""
    seconds = (second - first) / timedelta(seconds=1)
    signed = any(text_of(one).lower() in ("1", "true") for one in arguments[3:])
    return (seconds if signed else abs(seconds)) / seconds_per_unit


def _call(name: str, arguments: list[Value], now: datetime) -> Value:
    if name == "if":
        return arguments[1] if truth_of(arguments[0]) else arguments[2]
    if name == "datediff":
        return _datediff(arguments, now)
    if name == "year":
        moment = _moment(arguments[0], now)
        return "" if moment is None else float(moment.year)
    if name in ("round", "roundup", "rounddown"):
        x, digits = number_of(arguments[0]), number_of(arguments[1]) if arguments[1:] else 0.0
        return "" if x is None or digits is None else _round(x, digits, name)
    if name in ("min", "max", "mean", "median", "sum", "stdev"):
        return _summary(name, arguments)
    return _about_text(name, arguments)


def _about_text(name: str, arguments: list[Value]) -> Value:
    texts, numbers = [text_of(one) for one in arguments], [number_of(one) for one in arguments]
    return {
        "isnumber": lambda: numbers[0] is not None,
        "contains": lambda: texts[1].lower() in texts[0].lower(),
        "concat": lambda: "".join(texts),
        "upper": lambda: texts[0].upper(),
        "length": lambda: float(len(texts[0])),
        "left": lambda: texts[0][: max(int(numbers[1] or 0), 0)],
    }[name]()
