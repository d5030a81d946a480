"""YAML as people mean it."""

from __future__ import annotations

from typing import Any

import pytest
import yaml

from capstan.study.yaml import read_yaml


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("on: [failure]", {"on": ["failure"]}),
        ("region: NO", {"region": "NO"}),
        ("answer: yes", {"answer": "yes"}),
        ("key: off", {"key": "off"}),
        ("live: true", {"live": True}),
        ("live: False", {"live": False}),
        ("nothing: null", {"nothing": None}),
        ("nothing: ~", {"nothing": None}),
        ("count: 12", {"count": 12}),
    ],
)
def test_only_true_and_false_are_truths(text: str, value: dict[str, Any]) -> None:
    assert read_yaml(text) == value


def test_what_is_written_for_other_readers_comes_back_the_same() -> None:
    value = {"on": ["off"], "NO": True}

    assert read_yaml(yaml.safe_dump(value)) == value


def test_a_file_cannot_run_anything() -> None:
    with pytest.raises(yaml.YAMLError):
        read_yaml("!!python/object/apply:os.getcwd []")
