"""Results: what Great Expectations found, as outcomes by our ids."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from great_expectations.core import ExpectationValidationResult

from capstan.errors import ExpectationRaised
from capstan.expectations.context import Judged
from capstan.expectations.suites import OUR_ID
from capstan.quality.outcome import Outcome

_TYPE = re.compile(r"^([A-Za-z_][\w.]*)(?::|$)")
_MOST_NAMED = 5


def outcomes_of(judged: Iterable[Judged]) -> list[Outcome]:
    """Say of each result what became of its expectation."""
    return [outcome for one in judged for outcome in (*map(_outcome, one.result.results), *one.unmade)]


def require_judged(outcomes: Iterable[Outcome]) -> list[Outcome]:
    """Return the outcomes.

    Raises ExpectationRaised where the judgement of one went wrong; its text has ids and types of errors.
    """
    told = list(outcomes)
    raised = [one for one in told if one.result == "raised"]
    if raised:
        named = ", ".join(f"{one.id} ({one.why})" for one in raised[:_MOST_NAMED])
        more = ", …" if len(raised) > _MOST_NAMED else ""
        raise ExpectationRaised(
            f"{len(raised)} of {len(told)} expectations could not be judged: {named}{more}. "
            "Nobody knows whether they are met. Tell whoever keeps Capstan; until then list their ids in the "
            "study file under quality: expect: off.",
            outcomes=tuple(told),
        )
    return told


def _outcome(result: ExpectationValidationResult) -> Outcome:
    meta = result.expectation_config.meta if result.expectation_config else None
    name = str((meta or {})[OUR_ID])
    raised = list(_raised(result.exception_info or {}))
    if raised:
        return Outcome(name, "raised", why=raised[0])
    return Outcome(name, "passed" if result.success else "failed", _observed(result.result or {}))


def _raised(info: Mapping[str, Any]) -> Iterator[str]:
    """The types of all errors: an expectation's own, or those of the metrics that it needs."""
    if "raised_exception" not in info:
        for part in info.values():
            yield from _raised(part)
    elif info["raised_exception"]:
        yield _type_of(str(info.get("exception_traceback") or ""))


def _type_of(traceback: str) -> str:
    """The error's type by the last line of a traceback that starts with one; what follows may hold values."""
    found = [match[1] for line in traceback.splitlines() if (match := _TYPE.match(line))]
    return found[-1].rpartition(".")[2] if found else "Exception"


def _observed(result: Mapping[str, Any]) -> float | None:
    if "observed_value" in result:
        return _finite(result["observed_value"])
    if "unexpected_percent_total" in result:
        return _finite(result["unexpected_count"])
    percent = _finite(result.get("unexpected_percent"))
    return None if percent is None else 1 - percent / 100


def _finite(value: object) -> float | None:
    number = float(value) if isinstance(value, int | float) else math.nan
    return number if math.isfinite(number) else None
