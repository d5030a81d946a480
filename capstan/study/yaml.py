"""YAML as people mean it: `on`, `off`, `yes` and `no` are words, of which only some keys make a truth."""

from __future__ import annotations

from typing import Any

import yaml

_TRUTH = "tag:yaml.org,2002:bool"


class _Loader(getattr(yaml, "CSafeLoader", yaml.SafeLoader)):  # type: ignore[misc]
    """The safe loader, for which only true and false are truths: `on` is a key, and NO is Norway."""


_Loader.yaml_implicit_resolvers = {
    letter: [kind for kind in kinds if letter in "tTfF" or kind[0] != _TRUTH]
    for letter, kinds in yaml.SafeLoader.yaml_implicit_resolvers.items()
}


def read_yaml(text: str) -> Any:
    """Read YAML; raises yaml.YAMLError, and ValueError for a date that no calendar has."""
    return yaml.load(text, Loader=_Loader)
