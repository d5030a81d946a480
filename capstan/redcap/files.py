"""The files of one project's file fields: read, written and deleted one by one."""

from __future__ import annotations

from capstan.attachment import Attachment
from capstan.redcap.answers import nothing, whole
from capstan.redcap.parameters import Value
from capstan.redcap.sentences import NoFile
from capstan.redcap.wire import Wire


class FileFields:
    """File fields by record, field, event and instance; event and instance are '' where there is none."""

    def __init__(self, wire: Wire) -> None:
        self._wire = wire

    def export(self, record: str, field: str, *, event: str = "", instance: str = "") -> Attachment | None:
        """Return the file of a field, None where it has none. Source: B.14."""
        try:
            return self._wire.read(_call("export", record, field, event, instance), whole)
        except NoFile:
            return None

    def put(
        self, record: str, field: str, *, attachment: Attachment, event: str = "", instance: str = ""
    ) -> None:
        """Put a file into a field, in place of the one that it holds; the record must exist. Source: B.14."""
        call = _call("import", record, field, event, instance)
        self._wire.write(call, nothing, upload=attachment)

    def delete(self, record: str, field: str, *, event: str = "", instance: str = "") -> None:
        """Delete the file of a field. Source: B.14."""
        self._wire.write(_call("delete", record, field, event, instance), nothing)


def _call(action: str, record: str, field: str, event: str, instance: str) -> dict[str, Value]:
    return {
        "content": "file",
        "action": action,
        "record": record,
        "field": field,
        "event": event,
        "repeat_instance": instance,
        "returnFormat": "json",
    }
