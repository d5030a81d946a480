"""Writes the parts of the documents that the code itself knows.

    python -m docs.generate

Whole files: checks.md, commands.md, settings.md, study.schema.json. Parts between two marks, the rest of
the file being a person's: study.md, sandbox.md, schedules.md and delivery.md.
"""

from __future__ import annotations

import inspect
import json
import re
import sys
from collections.abc import Iterable, Iterator, Mapping
from datetime import date, timedelta
from functools import cache
from importlib import import_module
from itertools import groupby
from pathlib import Path
from types import UnionType
from typing import Any, Union, get_args, get_origin

import typer
import yaml
from pydantic import BaseModel
from pydantic_core import PydanticUndefined

from capstan.delivery.codes import CODES, Action, CodeRule
from capstan.periods import Period, write_duration
from capstan.settings import Settings
from capstan.study import Study
from capstan.timetable.starts import Schedule
from capstan.timetable.table import TIMETABLE, Collision
from capstan.timetable.words import say
from capstan.verdict import Severity
from checks.catalogue import CATALOGUE
from cli.calling import FLOWS
from cli.main import app
from sandbox.dispatch import METHODS

DOCS = Path(__file__).resolve().parent
MARK = "<!-- Written by docs/generate.py; do not edit. -->\n\n"
_REACH = {
    Severity.FATAL: "refuses the run",
    Severity.HOLD: "lets the run wait for a person",
    Severity.ERROR: "stops its row",
    Severity.WARNING: "writes the row, and somebody should look",
    Severity.NOTE: "is for the record",
}


def main() -> int:
    """Write whatever is not up to date, and name it."""
    for path, text in documents().items():
        if not path.exists() or path.read_text(encoding="utf-8") != text:
            path.write_text(text, encoding="utf-8")
            sys.stdout.write(f"wrote docs/{path.name}\n")
    return 0


def documents() -> Mapping[Path, str]:
    """Every file that this script writes, with the text that it should have."""
    return {
        DOCS / "checks.md": checks_page(),
        DOCS / "commands.md": commands_page(),
        DOCS / "settings.md": settings_page(),
        DOCS / "study.schema.json": json.dumps(study_schema(), indent=2, ensure_ascii=False) + "\n",
        DOCS / "study.md": _filled(DOCS / "study.md", parts=dict(study_tables())),
        DOCS / "delivery.md": _filled(DOCS / "delivery.md", parts={"codes": codes_table()}),
        DOCS / "sandbox.md": _filled(DOCS / "sandbox.md", parts={"methods": methods_table()}),
        DOCS / "schedules.md": _filled(DOCS / "schedules.md", parts={"timetable": timetable()}),
    }


def checks_page() -> str:
    """Every check of the gate: a table of all, then a section for each, as the check itself says it."""
    head = (
        "# Checks\n\nEvery check by its id. The reason for each finding, and what to do, stands in the\n"
        "output of `capstan import` and `capstan journal show`. Some things are no findings: a cell that\n"
        "changes nothing is not written and only counted (`rows_unchanged`); a request never parts the rows\n"
        "of a record; and the rows of a table are always those accepted, rejected and unchanged together.\n\n"
    )
    rows = [
        (f"[`{check}`](#{check})", entry.severity.value, _REACH[entry.severity], entry.meaning)
        for check, entry in CATALOGUE.items()
    ]
    table = _table(("check", "severity", "a finding", "meaning"), rows)
    return MARK + head + table + "".join(_check_section(check) for check in CATALOGUE)


def _check_section(check: str) -> str:
    entry = CATALOGUE[check]
    severity, meaning = entry.severity, entry.meaning
    redcap = f"REDCap by itself {entry.redcap}." if entry.redcap else ""
    needs = f"To see it, the gate must know {entry.needs}." if entry.needs else ""
    said = [
        f"{meaning[0].upper()}{meaning[1:]}. It {_REACH[severity]} ({severity.value}).",
        f"What to do: {entry.remedy}" if entry.remedy else "",
        " ".join(part for part in (redcap, needs) if part),
    ]
    return f"\n## {check}\n\n" + "\n".join(f"{part}\n" for part in said if part)


def settings_page() -> str:
    """Every setting of an installation."""
    head = (
        "# Settings\n\nSettings belong to an installation, not to a study; those of a study stand in its\n"
        "[study.yaml](study.md). Each is an environment variable; a blank one counts as not set.\n\n"
    )
    rows = [
        (
            f"`CAPSTAN_{name.upper()}`",
            "" if field.default in (None, ()) else f"`{field.default}`",
            str(field.description),
        )
        for name, field in Settings.model_fields.items()
    ]
    return MARK + head + _table(("variable", "default", "meaning"), rows)


def commands_page() -> str:
    """Every command with its arguments and options, and every flow with its parameters."""
    head = (
        "# Commands\n\nEvery command has `--help`. Exit codes: 0 done, 1 failed, 2 wrong usage, 3 held or\n"
        "refused, 4 partly done.\n"
    )
    commands = [_command_section(name, command) for name, command in commands_by_name()]
    flows = [_flow_section(name) for name in FLOWS]
    return MARK + "\n".join([head, *commands, "# Flows\n", _FLOWS_HEAD, *flows])


_FLOWS_HEAD = (
    "`capstan run FLOW --study STUDY -p KEY=VALUE` runs a flow here and now. Where a Prefect server is\n"
    "configured (`PREFECT_API_URL`), the run is recorded there; else no server is started.\n"
)


def commands_by_name() -> Iterator[tuple[str, Any]]:
    """All commands that do something, by their whole names, such as `journal list`."""
    yield from _leaves(typer.main.get_command(app), name="")


def _leaves(command: Any, *, name: str) -> Iterator[tuple[str, Any]]:
    if not hasattr(command, "commands"):
        yield name, command
        return
    for word, inner in command.commands.items():
        yield from _leaves(inner, name=f"{name} {word}".strip())


def _command_section(name: str, command: Any) -> str:
    text, _, example = inspect.cleandoc(command.help).partition("Example: ")
    rows = [(f"`{_spelling(item)}`", getattr(item, "help", "") or "") for item in command.params]
    parts = [
        f"## capstan {name}\n",
        _paragraphs(text),
        f"```sh\n{example.strip()}\n```\n",
        _table(None, rows),
    ]
    return "\n".join(parts)


def _spelling(item: Any) -> str:
    if item.param_type_name == "argument":
        return str(item.metavar or item.name.upper()).strip("{}")
    value = "" if item.is_flag else f" {item.metavar or item.name.upper()}"
    return ", ".join(item.opts) + value


def _flow_section(name: str) -> str:
    function = getattr(import_module(f"flows.{name}"), name)
    text, _, listed = inspect.cleandoc(function.fn.__doc__).partition("Args:")
    pairs = re.findall(r"^ +(\w+): (.+)$", listed, re.MULTILINE)
    rows = [(f"`{parameter}`", meaning) for parameter, meaning in pairs]
    return "\n".join([f"## {name}\n", _paragraphs(text), _table(None, rows)])


def study_keys() -> Mapping[str, tuple[str, Any]]:
    """Meaning and example of every key of study.yaml; raises SystemExit where the list is not whole."""
    listed = yaml.safe_load((DOCS / "study_keys.yaml").read_text(encoding="utf-8"))
    known = [path for path, _ in _keys_of(Study)]
    odd = sorted(set(known) ^ set(listed))
    if odd:
        raise SystemExit(f"docs/study_keys.yaml and capstan/study/__init__.py differ in: {', '.join(odd)}")
    return {path: (listed[path][0], listed[path][1]) for path in known}


def study_tables() -> Iterator[tuple[str, str]]:
    """A table of keys for each part of study.yaml; the keys that belong to no part are `study`."""
    told, defaults = study_keys(), dict(_keys_of(Study))
    parts = {path: path.split(".")[0].removesuffix("[]") if "." in path else "study" for path in told}
    for part, paths in groupby(sorted(told, key=lambda path: parts[path]), key=parts.__getitem__):
        rows = [(f"`{path}`", told[path][0], defaults[path], _written(told[path][1])) for path in paths]
        yield part, _table(("key", "meaning", "default", "example"), rows)


def _keys_of(model: type[BaseModel], *, before: str = "") -> Iterator[tuple[str, str]]:
    """Every key that takes a value, as a path, with its default as it would be written."""
    for name, field in model.model_fields.items():
        inner, is_list = _part_of(field.annotation)
        path = f"{before}{name}{'[]' if is_list else ''}"
        if inner is None:
            yield f"{before}{name}", "needed" if field.is_required() else _written(field.default)
        else:
            yield from _keys_of(inner, before=f"{path}.")


def _part_of(annotation: Any) -> tuple[type[BaseModel] | None, bool]:
    """The model that a key holds, if any, and whether it holds a list of them."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation, False
    is_list = get_origin(annotation) is tuple
    if is_list or get_origin(annotation) in (Union, UnionType):
        for part in get_args(annotation):
            if isinstance(part, type) and issubclass(part, BaseModel):
                return part, is_list
    return None, False


def _written(value: Any) -> str:
    """A value as a person writes it in YAML; nothing for a blank."""
    if value in ("", None, PydanticUndefined):
        return ""
    text = yaml.safe_dump(_plain(value), default_flow_style=True, width=1000, allow_unicode=True)
    text = text.removesuffix("...\n").strip()
    return f"`{text}`"


def _plain(value: Any) -> Any:
    if isinstance(value, tuple | list):
        return [_plain(item) for item in value]
    if isinstance(value, timedelta):
        return write_duration(value)
    return str(value) if isinstance(value, Period | date) else value


@cache
def study_schema() -> dict[str, Any]:
    """The JSON schema of study.yaml, for editors: with meanings, and `${NAME}` wherever a value may be."""
    schema = Study.model_json_schema()
    parts = schema.pop("$defs")
    _describe(schema, parts=parts, told=dict(study_keys()))
    whole = {**schema, "title": "study.yaml", "$defs": parts}
    told = {"$schema": "https://json-schema.org/draft/2020-12/schema", **_for_editors(whole)}
    return dict(told)


def _describe(
    model: dict[str, Any], *, parts: dict[str, Any], told: Mapping[str, tuple[str, Any]], before: str = ""
) -> None:
    """Put each key's meaning into the schema, by the path on which it is reached."""
    for name, key in model["properties"].items():
        if before + name in told:
            key["description"] = told[before + name][0]
            continue
        found = re.search(r'"#/\$defs/(\w+)"', json.dumps(key))
        if found:
            path = f"{before}{name}{'[]' if key.get('type') == 'array' else ''}."
            _describe(parts[found[1]], parts=parts, told=told, before=path)


_VARIABLE = {"type": "string", "pattern": r"\$\{[A-Za-z_][A-Za-z0-9_]*\}"}


def _for_editors(schema: Any) -> Any:
    """Say what a person writes: variables for numbers too, no titles that repeat names."""
    if isinstance(schema, list):
        return [_for_editors(item) for item in schema]
    if not isinstance(schema, dict):
        return schema
    kept = {name: _for_editors(item) for name, item in schema.items() if name != "default"}
    if "properties" in kept or "type" in kept:
        kept.pop("title", None) if kept.get("title") != "study.yaml" else None
    if kept.get("type") in ("integer", "number") or ("enum" in kept and kept.get("type") == "string"):
        said = {name: kept.pop(name) for name in ("description",) if name in kept}
        return {**said, "anyOf": [kept, _VARIABLE]}
    return kept


def methods_table() -> str:
    """What the sandbox's API answers to, by `content` and action."""
    rows = [
        (f"`{content}`", verb, inspect.cleandoc(method.work.__doc__ or "").splitlines()[0])
        for (content, verb), method in METHODS.items()
    ]
    return _table(("`content`", "action", "what it does"), rows)


def timetable() -> str:
    """Every flow that is deployed, with its default times."""
    rows = [
        (
            f"`{row.flow}`",
            "; ".join(say(Schedule(one.slug, "UTC", one.cron, one.every)) for one in row.times)
            or "on demand",
            "is skipped" if row.collision is Collision.SKIP else "waits",
            row.about,
        )
        for row in TIMETABLE
    ]
    return _table(("flow", "when", "a second run", "what it does"), rows)


_ASKS = {
    Action.RETRY: "the same message again",
    Action.LATER: "a new attempt",
    Action.BAD_ADDRESS: "the address is marked; the fallback, if there is one",
    Action.STOP: "nothing more to this address until the person asks for it",
    Action.FIX: "the message waits until somebody has looked at its wording",
    Action.HALT: "the channel stops, and somebody is called",
    Action.BUDGET: "the channel waits for midnight on the Pacific coast",
    Action.ASK: "somebody looks at it",
    Action.EXPIRED: "it is too late for this message",
    Action.NONE: "nothing before it is known what became of the message",
}


def codes_table() -> str:
    """What every error code means and what Capstan does then."""
    alike: dict[CodeRule, list[int]] = {}
    for code, rule in CODES.items():
        alike.setdefault(rule, []).append(code)
    rows = [(", ".join(map(str, codes)), rule.meaning, _what_follows(rule)) for rule, codes in alike.items()]
    return _table(("code", "meaning", "what is done"), rows)


def _what_follows(rule: CodeRule) -> str:
    often = {1: "once", 2: "twice"}.get(rule.retries, f"{rule.retries} times")
    seconds = rule.wait.total_seconds()
    wait = f"{seconds:g} s" if seconds < 60 else write_duration(rule.wait)
    times = f", {often} at most, first after {wait}" if rule.retries else ""
    slower = "; the channel goes slower" if rule.slows_channel else ""
    then = f"; then {_ASKS[rule.then]}" if rule.then is not Action.NONE else ""
    stops = f"; {rule.stops_at} of them within three days stop the channel" if rule.stops_at else ""
    return f"{_ASKS[rule.action]}{times}{slower}{then}{stops}"


def _filled(path: Path, *, parts: Mapping[str, str]) -> str:
    """A person's file with the text between each pair of marks written anew."""
    text = path.read_text(encoding="utf-8")
    for name, part in parts.items():
        opening, closing = f"<!-- generated: {name} -->", f"<!-- end: {name} -->"
        if text.count(opening) != 1 or text.count(closing) != 1:
            raise SystemExit(f"{path.name} needs the marks {opening} and {closing}, once each.")
        head, rest = text.split(opening)
        text = f"{head}{opening}\n{part}{closing}{rest.split(closing)[1]}"
    return text


def _table(head: Iterable[str] | None, rows: Iterable[Iterable[str]]) -> str:
    listed = [[_cell(cell) for cell in row] for row in rows]
    width = len(listed[0])
    names = list(head) if head else [""] * width
    return "".join(f"| {' | '.join(row)} |\n" for row in [names, ["---"] * width, *listed])


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")


def _paragraphs(text: str) -> str:
    return "\n\n".join(" ".join(part.split()) for part in text.strip().split("\n\n")) + "\n"


if __name__ == "__main__":
    sys.exit(main())
