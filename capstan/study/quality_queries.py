"""The part `quality.queries` of the study file: which findings become queries, and where they are written."""

from __future__ import annotations

from pydantic import Field

from capstan.study.parts import Part


class QueryFields(Part):
    """The fields of the query instrument; a blank one is not written.

    `number` tells the rows apart. What staff type into `answer` becomes the answer of the query.
    """

    number: str
    check: str = ""
    form: str = ""
    field: str = ""
    reason: str = ""
    severity: str = ""
    state: str = ""
    opened: str = ""
    link: str = ""
    answer: str = ""


class QueryInstrument(Part):
    """The repeating instrument that holds a record's queries.

    `event` is a unique name or its part before `_arm_N`; blank for the event of each finding.
    """

    name: str
    event: str = ""
    fields: QueryFields


class Queries(Part):
    """Which findings become queries: those of `checks`, or of severity error and warning without any.

    Above `at_most` open queries the most severe findings go first, and the others are counted.
    """

    checks: tuple[str, ...] = ()
    at_most: int = Field(default=5000, ge=0)
    instrument: QueryInstrument | None = None
