"""The survey links of one project: one for each survey of a record, and one for its queue."""

from __future__ import annotations

from capstan.redcap.answers import survey_address
from capstan.redcap.parameters import Value
from capstan.redcap.wire import Wire


class SurveyLinks:
    """Links by which one participant answers; whoever has a link can answer, so none is logged."""

    def __init__(self, wire: Wire) -> None:
        self._wire = wire

    def of_survey(self, record: str, instrument: str, *, event: str = "", instance: str = "") -> str:
        """Return the link of a survey for a record; event and instance are '' where there is none.

        Source: B.18.
        """
        place: dict[str, Value] = {"instrument": instrument, "event": event, "repeat_instance": instance}
        return self._wire.read(_call("surveyLink", record) | place, survey_address)

    def of_queue(self, record: str) -> str:
        """Return the link of a record's survey queue. Source: B.18."""
        return self._wire.read(_call("surveyQueueLink", record), survey_address)


def _call(content: str, record: str) -> dict[str, Value]:
    return {"content": content, "record": record, "returnFormat": "json"}
