"""kill -9 of a worker on the inbox: nothing is lost, and nothing is done twice."""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

import pytest
from trigger_trials import random_trial


@pytest.mark.parametrize("point", ["claimed", "worked", "logged", "sent"])
def test_what_a_killed_worker_had_is_done_by_others(
    point: str, addresses: dict[str, Any], tmp_path: Path
) -> None:
    trial = random_trial(random.Random(1), tmp_path, addresses, point=point)

    assert trial.faults == ()
    assert trial.was_killed or point == "sent"


def test_a_worker_that_is_killed_at_any_moment_loses_nothing(
    addresses: dict[str, Any], tmp_path: Path
) -> None:
    trial = random_trial(random.Random(7), tmp_path, addresses, point="")

    assert trial.faults == ()
