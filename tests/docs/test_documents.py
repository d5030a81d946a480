"""The documents are true: what they show parses, what they link to is there, what they list is all."""

from __future__ import annotations

import json
import re
import tomllib
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml
from lxml import etree
from shell_blocks import DOCUMENTS, ROOT, anchors, blocks, links, shell_commands, table_rows
from typer.testing import CliRunner

from capstan.logic import FUNCTIONS, parse
from capstan.message import RULES, STOPPED
from capstan.store import RunState
from capstan.study import Study
from capstan.study.messaging import Email
from capstan.study.monitors import Monitor
from capstan.study.probes import Probe
from capstan.study.sessions import Sessions
from capstan.visits import VisitStatus
from cli.main import app
from docs.generate import commands_by_name, documents, study_keys, study_schema
from sandbox.control import control_routes
from sandbox.faults import Kind
from sandbox.state import State
from tasks.crash import POINTS

FOLDERS = ("capstan", "checks", "tasks", "flows", "cli", "sandbox", "studies", "tests", "benchmarks", "docs")


def page(name: str) -> str:
    return (ROOT / "docs" / name).read_text(encoding="utf-8")


def text_of(name: str) -> str:
    return (ROOT / name).read_text(encoding="utf-8")


def by_path(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


@pytest.mark.parametrize("path", documents(), ids=by_path)
def test_what_is_generated_is_up_to_date(path: Path) -> None:
    written = path.read_text(encoding="utf-8")

    assert written == documents()[path], "run `make docs`"


@pytest.mark.parametrize("path", DOCUMENTS, ids=by_path)
def test_every_relative_link_resolves(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    lost = []
    for target in links(text):
        name, _, anchor = target.partition("#")
        file = path.parent / name if name else path
        is_there = file.exists() and (not anchor or anchor in anchors(file.read_text(encoding="utf-8")))
        lost += [] if is_there else [target]

    assert lost == []


@pytest.mark.parametrize("path", DOCUMENTS, ids=by_path)
def test_every_path_of_the_project_that_is_named_is_there(path: Path) -> None:
    text = re.sub(r"```.*?```", "", path.read_text(encoding="utf-8"), flags=re.DOTALL)
    named = re.findall(rf"`((?:{'|'.join(FOLDERS)})/[\w/.-]*)`", text)
    invented = {"studies/NAME/study.yaml", "studies/tooth/study.yaml", "flows/NAME.py", "studies/"}

    assert [name for name in named if name not in invented and not (ROOT / name).exists()] == []


@pytest.mark.parametrize("path", DOCUMENTS, ids=by_path)
def test_every_command_that_is_shown_parses(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    failed = [shown for shown in shell_commands(text, program="capstan") if not parses(shown)]

    assert failed == []


def parses(arguments: list[str]) -> bool:
    """Whether the command and all of its options exist; nothing is run."""
    return CliRunner().invoke(app, [*arguments, "--help"]).exit_code == 0


def test_a_command_with_an_unknown_option_does_not_parse() -> None:
    assert not parses(["doctor", "demo", "--loud"])
    assert not parses(["nothing"])


@pytest.mark.parametrize("path", DOCUMENTS, ids=by_path)
def test_every_make_target_that_is_shown_is_in_the_makefile(path: Path) -> None:
    targets = re.findall(r"^([a-z]+):", text_of("Makefile"), re.MULTILINE)
    shown = [words[0] for words in shell_commands(path.read_text(encoding="utf-8"), program="make") if words]

    assert set(shown) <= set(targets)


@pytest.mark.parametrize("name", [name for name, _ in commands_by_name()])
def test_the_help_of_every_command_has_an_example_that_parses(name: str) -> None:
    command = dict(commands_by_name())[name]
    _, _, example = (command.help or "").partition("Example: capstan ")

    assert example.startswith(name)
    assert parses(example.split())


def test_the_readme_tells_how_to_test_and_shows_the_picture() -> None:
    shown = list(shell_commands(text_of("README.md"), program="make"))

    assert ["demo"] in shown
    assert ["test"] in shown
    assert "docs/run.svg" in links(text_of("README.md"))


def test_the_picture_shows_the_steps_in_their_order() -> None:
    picture = etree.parse(ROOT / "docs" / "run.svg")
    names = picture.xpath("//*[local-name()='text'][@class='name']/text()")

    assert names == ["export", "compute", "gate", "journal", "import", "read back", "REDCap"]


def test_the_map_of_the_rooms_has_every_folder() -> None:
    rooms = {row[0].strip("/") for row in table_rows(text_of("README.md"), below="The rooms")}
    folders = {file.parent.name for file in ROOT.glob("*/*.py") if file.parent.name != ".venv"}

    assert folders <= rooms


def test_the_study_file_that_is_shown_can_be_read() -> None:
    (shown,) = [block for block in blocks(page("study.md"), language="yaml") if "study:" in block]

    study = Study.from_text(shown, source="study.md", environment={})

    assert study.visits
    assert study.eligibility.criteria


# A monitor, a probe, a login and a session id are of one kind each; these keys are of the other kinds.
OTHER_KINDS = (
    "page.enrolment.points",
    *(
        f"monitors[].{name}"
        for name in ("of.message", "of.session", "then.data", "then.reply", "no_new", "job")
    ),
    *(f"monitors[].{name}" for name in ("download", "afterwards")),
    *(f"probes[].{name}" for name in ("url", "status", "path", "token", "sql", "database", "command")),
    *(f"messaging.email.{name}." for name in ("oauth_token", "oauth")),
    "sessions.pattern",
)
KINDS = (
    ("monitors", ("id", "of.message", "then.reply", "after")),
    ("monitors", ("id", "of.session", "then.data", "after", "download.", "afterwards.")),
    ("monitors", ("id", "no_new.", "remind")),
    ("monitors", ("id", "job.", "notify")),
    ("probes", ("id", "url", "status", "path", "token.env")),
    ("probes", ("id", "sql", "database.env")),
    ("probes", ("id", "command", "environment")),
)


@pytest.mark.parametrize(("part", "names"), KINDS)
def test_the_examples_of_the_other_kinds_are_accepted(part: str, names: tuple[str, ...]) -> None:
    chosen: dict[str, Any] = {}
    for path, (_, example) in study_keys().items():
        key = path.removeprefix(f"{part}[].")
        if key != path and any(
            key == name or (name.endswith(".") and key.startswith(name)) for name in names
        ):
            first, _, second = key.partition(".")
            chosen |= {first: chosen.get(first, {}) | {second: example}} if second else {first: example}

    read = {"monitors": Monitor, "probes": Probe}[part].model_validate(chosen)

    assert read.id == chosen["id"]


def test_the_example_of_a_pattern_is_accepted() -> None:
    pattern = study_keys()["sessions.pattern"][1]

    sites = [{"site": "CMH", "code": "DTI01"}]
    read = Sessions.model_validate({"convention": "pattern", "pattern": pattern, "sites": sites})

    assert read.pattern == pattern


def test_the_example_of_a_login_with_tokens_is_accepted() -> None:
    keys = {path: example for path, (_, example) in study_keys().items()}
    names = [path for path in keys if path.startswith("messaging.email.oauth.")]
    chosen = {
        path: keys[path]
        for path in names
        if not path.endswith((".file", ".keyring", ".block", ".prefect_secret"))
    }
    chosen |= {
        f"messaging.email.{name}": keys[f"messaging.email.{name}"] for name in ("host", "sender", "user")
    }

    read = Email.model_validate(placed(chosen)["messaging"]["email"])

    assert read.oauth is not None


def test_the_example_of_every_key_is_accepted() -> None:
    whole = assembled({path: example for path, (_, example) in study_keys().items()})

    Study.model_validate(whole)
    jsonschema.validate(whole, study_schema())

    assert whole["redcap"]["token"] == {"env": "REDCAP_API_DEMO"}


def assembled(examples: dict[str, Any]) -> dict[str, Any]:
    """One study file with every key, but for those of which a study has one of several."""
    chosen = [path for path in examples if not path.startswith(OTHER_KINDS)]
    return placed(
        {
            path: examples[path]
            for path in chosen
            if not path.endswith((".file", ".keyring", ".block", ".prefect_secret"))
        }
    )


def placed(examples: dict[str, Any]) -> dict[str, Any]:
    """Values at their dotted paths, as a file has them."""
    whole: dict[str, Any] = {}
    for path, example in examples.items():
        place = whole
        *parents, last = path.split(".")
        for parent in parents:
            name = parent.removesuffix("[]")
            place = place.setdefault(name, [{}] if parent.endswith("[]") else {})
            place = place[0] if isinstance(place, list) else place
        place[last] = example
    return whole


def test_the_schema_takes_the_demo_study_and_refuses_a_misspelt_key() -> None:
    demo = yaml.safe_load(text_of("studies/demo/study.yaml"))
    schema = json.loads(page("study.schema.json"))

    jsonschema.validate(demo, schema)

    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate({**demo, "vists": []}, schema)
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate({**demo, "retention_days": "long"}, schema)


def test_the_statuses_of_a_visit_are_all_explained() -> None:
    explained = [row[0] for row in table_rows(page("study.md"), below="visits")]

    assert sorted(explained) == sorted(VisitStatus)


def test_every_rule_that_removes_a_message_is_explained() -> None:
    listed = [name for row in table_rows(page("messages.md"), below="Who gets a message") for name in row[:1]]
    named = {rule for cell in listed for rule in re.findall(r"[a-z_]+", cell.removesuffix(" and a reason"))}

    assert named == {*RULES, STOPPED.removesuffix(":")}


def test_the_functions_of_logic_are_listed_with_their_arguments() -> None:
    listed = {row[0]: row[1] for row in table_rows(page("logic.md"), below="Functions")}

    assert listed == {name: arity(one.fewest, one.most) for name, one in FUNCTIONS.items()}


def arity(fewest: int, most: int | None) -> str:
    if most is None:
        return "any" if fewest == 1 else f"{fewest} or more"
    return str(fewest) if fewest == most else f"{fewest} to {most}"


def test_the_logic_that_is_shown_can_be_read() -> None:
    (shown,) = blocks(page("logic.md"), language="logic")

    expressions = [parse(line) for line in shown.splitlines()]

    assert all(one.references for one in expressions)


def test_the_controls_of_the_sandbox_are_all_listed() -> None:
    state = State()
    routes = control_routes(state)
    state.close()
    served = {
        f"{method} {re.sub(r':[a-z]+', '', route.path)}"
        for route in routes
        for method in route.methods or ()
        if method != "HEAD"
    }

    listed = {row[0] for row in table_rows(page("sandbox.md"), below="Controls")}

    assert listed == served


def test_the_faults_of_the_sandbox_are_all_listed() -> None:
    _, _, listed = page("sandbox.md").partition("Kinds of faults:")

    assert [kind.value for kind in Kind if f"`{kind.value}`" not in listed] == []


def test_every_place_where_a_run_can_die_is_explained() -> None:
    explained = [row[0] for row in table_rows(page("run.md"), below="If the process dies")]

    assert explained == list(POINTS)


def test_every_state_of_a_run_is_explained() -> None:
    text = page("run.md")

    assert [state.value for state in RunState if f"`{state.value}`" not in text] == []


def test_each_word_of_the_glossary_has_one_meaning() -> None:
    text = text_of("GLOSSARY.md")
    words = re.findall(r"^\*\*(.+?)\.\*\*", text, re.MULTILINE)
    sections = [re.findall(r"^\*\*(.+?)\.\*\*", part, re.MULTILINE) for part in text.split("\n## ")[1:]]

    assert len({word.lower() for word in words}) == len(words)
    assert [sorted(section, key=str.lower) for section in sections] == sections


def test_the_changelog_has_the_version_of_the_package() -> None:
    version = tomllib.loads(text_of("pyproject.toml"))["project"]["version"]
    headings = re.findall(r"^## (\S+)", text_of("CHANGELOG.md"), re.MULTILINE)

    assert headings[:2] == ["Unreleased", version]


def test_every_folder_of_tests_has_its_rule_and_both_tables_agree() -> None:
    rules = re.findall(r"^\| `(tests/\w+)/` \| (.+) \|$", text_of("tests/README.md"), re.MULTILINE)
    again = re.findall(r"^\| `(tests/\w+)/` \| (.+) \|$", text_of("CONTRIBUTING.md"), re.MULTILINE)
    folders = {by_path(file.parent) for file in ROOT.glob("tests/*/test_*.py")}

    assert folders <= {folder for folder, _ in rules}
    assert rules == again
