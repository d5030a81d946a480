"""The part `triggers` of the study file: what is done when a form was saved."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BeforeValidator, Field

from capstan.study.parts import Part

StartedFlow = Literal["compute_visit_dates", "check_eligibility", "poll_participants"]


def _as_list(value: object) -> object:
    """Let a study write `"1, 2"` as well as a list, and a bare 2, which YAML reads as a number."""
    if isinstance(value, str):
        return [part.strip() for part in value.split(",") if part.strip()]
    if isinstance(value, list | tuple):
        return [str(one) if isinstance(one, int) else one for one in value]
    return [str(value)] if isinstance(value, int) else value


Codes = Annotated[
    tuple[str, ...], BeforeValidator(_as_list, json_schema_input_type=list[str] | str), Field(min_length=1)
]
Names = Annotated[tuple[str, ...], BeforeValidator(_as_list, json_schema_input_type=list[str] | str)]


class TriggerRule(Part):
    """What is done when `instrument` was saved, if `completed_field` has one of the codes `completed`.

    `events` are unique names, or their parts before `_arm_N`; any if empty. A blank `completed_field` is the
    form status. `session_id`, `date`, `comment` and `user` are fields that tell of a session. `expects` is
    the id of a monitor, and `starts` is a flow that then runs for this record alone.
    """

    instrument: str
    events: Names = ()
    completed: Codes = ("2",)
    completed_field: str = ""
    session_id: str = ""
    date: str = ""
    comment: str = ""
    user: str = ""
    expects: str = ""
    starts: StartedFlow | None = None

    @property
    def completion(self) -> str:
        """The field that says whether the form is completed."""
        return self.completed_field or f"{self.instrument}_complete"

    @property
    def fields(self) -> tuple[str, ...]:
        """The fields that must be exported to judge and to load."""
        named = (self.session_id, self.date, self.comment, self.user)
        return (self.completion, *(name for name in named if name))
