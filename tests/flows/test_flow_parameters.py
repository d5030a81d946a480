"""The parameters of every flow: forms for people, bounds for mistakes, and no wrong value in any message."""

from __future__ import annotations

from functools import cache
from importlib import import_module
from typing import Any

import pytest
from prefect.utilities.callables import parameter_schema
from prefect.utilities.schema_tools import ValidationError, validate

from capstan.errors import CapstanError, UsageError
from cli.calling import FLOWS
from tasks.parameters import check_parameters

SECRET = "Xq7 Family Name"
SOME = {
    "study": "demo",
    "form": "exam",
    "file": "rows.csv",
    "plan": "3f2a",
    "run": "20261122-101530-ab12cd",
    "flow": "poll_participants",
}


def flow_of(name: str) -> Any:
    return getattr(import_module(f"flows.{name}"), name)


@cache
def schema_of(name: str) -> dict[str, Any]:
    return dict(parameter_schema(flow_of(name)).model_dump())


def needed(name: str) -> dict[str, Any]:
    return {key: SOME[key] for key in schema_of(name)["required"]}


def refusal(flow: str, given: dict[str, Any]) -> str:
    """Why a flow refuses parameters; "" where it takes them."""
    try:
        check_parameters(flow_of(flow).fn, given)
    except UsageError as error:
        return str(error)
    return ""


PARAMETERS = [(name, key) for name in FLOWS for key in schema_of(name)["properties"]]


def kinds_of(part: dict[str, Any]) -> list[dict[str, Any]]:
    """The kinds of value that a parameter may have; a list is what it is a list of."""
    kinds = [kind for kind in part.get("anyOf", [part]) if kind.get("type") != "null"]
    return [kind.get("items", kind) for kind in kinds]


@pytest.mark.parametrize(("flow", "key"), PARAMETERS)
def test_a_parameter_has_a_title_and_help_of_its_own(flow: str, key: str) -> None:
    part = schema_of(flow)["properties"][key]

    assert part["title"] != key
    assert part["title"][0].isupper()
    assert len(part["description"]) > 10
    assert part["description"].endswith(".")


@pytest.mark.parametrize(("flow", "key"), PARAMETERS)
def test_a_parameter_takes_no_more_than_it_can_mean(flow: str, key: str) -> None:
    schema = schema_of(flow)

    for kind in kinds_of(schema["properties"][key]):
        told = schema["definitions"][kind["$ref"].rsplit("/")[-1]] if "$ref" in kind else kind
        is_bounded = {"pattern", "maxLength", "enum", "format", "const"} & told.keys()
        is_number = {"minimum", "maximum"} <= told.keys()
        assert is_bounded or is_number or told["type"] in ("boolean", "object")


@pytest.mark.parametrize("flow", FLOWS)
def test_a_form_asks_who_and_when_before_how_much(flow: str) -> None:
    parts = schema_of(flow)["properties"]

    order = sorted(parts, key=lambda key: parts[key]["position"])
    limits = [key for key in order if key.startswith("max_") or key == "triggered"]

    assert order[0] in ("study", "studies", "flow")
    assert order[len(order) - len(limits) :] == limits


@pytest.mark.parametrize("flow", [name for name in FLOWS if "participant" in schema_of(name)["properties"]])
def test_a_server_refuses_a_record_id_where_a_reference_belongs(flow: str) -> None:
    schema, given = schema_of(flow), needed(flow)

    validate(given | {"participant": "kqrt-mbxw-hjzp"}, schema, raise_on_error=True)

    with pytest.raises(ValidationError):
        validate(given | {"participant": "7"}, schema, raise_on_error=True)


@pytest.mark.parametrize(("flow", "key"), PARAMETERS)
def test_a_wrong_value_is_refused_without_being_said(flow: str, key: str) -> None:
    wrongs = (SECRET, [SECRET], {"a": SECRET}, -7.25)

    said = [refusal(flow, needed(flow) | {key: wrong}) for wrong in wrongs]

    assert any(said)
    assert all(SECRET not in one for one in said)
    assert all(f"the parameter {key}" in one for one in said if one)


def test_texts_of_a_terminal_become_numbers_dates_and_lists() -> None:
    texts = {"today": "2026-06-01", "dry_run": "yes", "messages": "first, second", "max_messages": "3"}

    found = check_parameters(flow_of("send_messages").fn, {"study": "demo", **texts})

    assert found["today"].isoformat() == "2026-06-01"
    assert (found["dry_run"], found["messages"], found["max_messages"]) == (True, ["first", "second"], 3)


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({"max_share": "2"}, "max_share: Input should be less than or equal to 1"),
        ({"max_records": "-1"}, "max_records: Input should be greater than or equal to 0"),
        ({"today": "soon"}, "today: Input should be a valid date"),
        ({"dry_run": "perhaps"}, "dry_run: Input should be a valid boolean"),
        ({"event": "Six Month"}, "event: String should match pattern"),
        ({"colour": "red"}, "has no parameter 'colour'"),
    ],
)
def test_a_wrong_parameter_is_one_sentence(given: dict[str, str], told: str) -> None:
    flow = flow_of("compute_visit_dates")

    with pytest.raises(UsageError, match=told.replace("(", r"\(")):
        check_parameters(flow.fn, {"study": "demo", **given})


def test_a_flow_that_is_called_with_a_wrong_value_says_so_before_it_does_anything() -> None:
    with pytest.raises(CapstanError) as error:
        flow_of("compute_visit_dates").fn(study="demo", participant=SECRET)

    assert SECRET not in str(error.value)
    assert "the parameter participant" in str(error.value)
