"""The connection to one REDCap project: what it holds, and how it is changed."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import datetime
from typing import Any, Literal

import pandas as pd
import requests

from capstan.errors import RedcapError, UsageError
from capstan.progress import working
from capstan.redcap import answers, columns
from capstan.redcap.address import Token, api_address
from capstan.redcap.batching import Format, batches, cut_ids, id_batches, payload
from capstan.redcap.failures import NoneDefined
from capstan.redcap.files import FileFields
from capstan.redcap.imports import check_count, check_rows, format_for, written_ids
from capstan.redcap.links import SurveyLinks
from capstan.redcap.parameters import Value, listed
from capstan.redcap.shrinking import shrinking
from capstan.redcap.tables import UnclearCsv, csv_frame, joined, json_frame
from capstan.redcap.throttle import Pace, Throttle
from capstan.redcap.wire import Wire

DateFormat = Literal["YMD", "MDY", "DMY"]
Moment = datetime | None


class Redcap:
    """One project as its token sees it; safe to share between threads.

    Reads are tried `attempts` times, with growing random pauses, while the answer is unusable; writes once.
    `timeout_seconds` is (to connect, between two pieces of an answer). `max_rows` and `max_bytes` (of the
    url-encoded body) cut long lists of record ids and long imports into several calls; what proves to be
    more than the server can take or answer in time goes in halves from then on. Each connection
    stays below 500 requests a minute unless it shares a `throttle` with others.

    Every method raises `RedcapUnavailable`, `RedcapBanned`, `TokenRefused`, `RightMissing` or `UnknownName`
    as its text says, and `RedcapError` for what is none of these. A write raises `OutcomeUnknown` where
    REDCap may have done it although no usable answer came.
    """

    def __init__(
        self,
        url: str,
        token: str,
        *,
        timeout_seconds: tuple[float, float] = (10.0, 120.0),
        max_rows: int = 1000,
        max_bytes: int = 4_000_000,
        attempts: int = 4,
        sleep: Callable[[float], None] = time.sleep,
        session: requests.Session | None = None,
        throttle: Pace | None = None,
    ) -> None:
        if min(max_rows, max_bytes) < 1:
            raise UsageError("max_rows and max_bytes must be 1 or more.")
        self.max_rows, self.max_bytes = max_rows, max_bytes
        self._wire = Wire(
            api_address(url),
            Token(token),
            timeout_seconds=timeout_seconds,
            attempts=attempts,
            sleep=sleep,
            throttle=throttle or Throttle(sleep=sleep),
            session=session,
        )
        self.files = FileFields(self._wire)
        self.survey_links = SurveyLinks(self._wire)

    def __repr__(self) -> str:
        return f"<Redcap at {self._wire.host}>"

    def project(self) -> dict[str, Any]:
        """Return the project's facts (project_id, project_title, in_production, is_longitudinal, …).

        Flags and ids are numbers, the rest text; older servers send fewer keys. Source: B.13.
        """
        return self._wire.read(_call("project", format="json"), answers.project_facts)

    def version(self) -> str:
        """Return REDCap's version, such as `15.2.1`. Source: B.19."""
        return self._wire.read(_call("version"), answers.version_text)

    def metadata(self, fields: Sequence[str] = (), forms: Sequence[str] = ()) -> pd.DataFrame:
        """Return the data dictionary in project order: 18 columns from field_name to field_annotation.

        `fields` and `forms` together ask for the union. `<form>_complete` is not among them. Source: B.3.
        """
        call = _call("metadata", format="csv", fields=listed(fields), forms=listed(forms))
        return self._wire.read(call, csv_frame)

    def field_names(self) -> pd.DataFrame:
        """Return original_field_name, choice_value, export_field_name: one row for each exported column.

        Checkboxes have one row per choice; file and descriptive fields have none. Source: B.4.
        """
        return self._listing("exportFieldNames", columns.FIELD_NAMES)

    def instruments(self) -> pd.DataFrame:
        """Return instrument_name and instrument_label in project order. Source: B.5."""
        return self._listing("instrument", columns.INSTRUMENTS)

    def arms(self) -> pd.DataFrame:
        """Return arm_num and name of each arm that has events; no rows for a classic project. Source: B.8."""
        return self._listing("arm", columns.ARMS)

    def events(self) -> pd.DataFrame:
        """Return event_name, arm_num, unique_event_name, custom_event_label, event_id in arm and day order.

        day_offset, offset_min and offset_max follow where the server sends them; event_id is '' where it
        does not. No rows for a classic project. Source: B.7.
        """
        return self._listing("event", columns.EVENTS)

    def form_event_mapping(self) -> pd.DataFrame:
        """Return arm_num, unique_event_name, form: which form is in which event. Source: B.6.

        No rows for a classic project.
        """
        return self._listing("formEventMapping", columns.MAPPING)

    def repeating(self) -> pd.DataFrame:
        """Return event_name, form_name, custom_form_label of what repeats; no rows where nothing does.

        A blank form_name is a whole repeating event; event_name is '' in a classic project. The token's user
        needs the right Project Design. Source: B.9.
        """
        return self._listing("repeatingFormsEvents", columns.REPEATING)

    def users(self) -> pd.DataFrame:
        """Return the project's users: username, email, and one column per right, in which versions differ.

        `forms` and `forms_export` are text like `form_a:1,form_b:2`. Needs User Rights. Source: B.11.
        """
        return self._wire.read(_call("user", format="csv"), csv_frame)

    def log(
        self, begin: Moment = None, end: Moment = None, *, log_type: str = "", record: str = ""
    ) -> pd.DataFrame:
        """Return timestamp, username, action, details, record of the log between two times, newest first.

        Both times are the server's local time, to the minute. `log_type` is export, manage, user, record,
        record_add, record_edit, record_delete, lock_record or page_view. `details` holds participants'
        values. A long log is refused by some servers: ask in windows. Needs the right Logging. Source: B.16.
        """
        times = {"beginTime": _stamp(begin, "%Y-%m-%d %H:%M"), "endTime": _stamp(end, "%Y-%m-%d %H:%M")}
        return self._listing("log", columns.LOG, logtype=log_type, record=record, **times)

    def records(
        self,
        fields: Sequence[str] = (),
        forms: Sequence[str] = (),
        *,
        events: Sequence[str] = (),
        records: Sequence[str] = (),
        changed_since: Moment = None,
        changed_until: Moment = None,
        filter_logic: str = "",
        survey_fields: bool = False,
        access_groups: bool = False,
        blank_for_gray: bool = False,
        raw_or_label: Literal["raw", "label"] = "raw",
    ) -> pd.DataFrame:
        """Return records as text, '' where blank: REDCap's own columns and order of rows (section C).

        Columns: the union of `fields` and `forms`; record id, event and repeat columns only where the record
        id field is asked for, or nothing is (C.3). An empty list is no filter, also of `records`. Where no
        row fits, the frame has no columns either. Times of change are the server's, exclude themselves, and
        cannot be combined with `records` (C.12). With `blank_for_gray` the status of forms that nobody saved
        is blank instead of 0.
        """
        call = _call(
            "record",
            type="flat",
            fields=listed(fields),
            forms=listed(forms),
            events=listed(events),
            dateRangeBegin=_stamp(changed_since),
            dateRangeEnd=_stamp(changed_until),
            filterLogic=filter_logic,
            exportSurveyFields=survey_fields,
            exportDataAccessGroups=access_groups,
            exportBlankForGrayFormStatus=blank_for_gray,
            rawOrLabel=raw_or_label,
        )
        return self._exports(call, listed(records))

    def next_record_name(self) -> str:
        """Return the id that REDCap would give to the next new record; nothing is created. Source: B.2."""
        return self._wire.read(_call("generateNextRecordName"), answers.record_name)

    def project_xml(
        self,
        *,
        metadata_only: bool = False,
        records: Sequence[str] = (),
        survey_fields: bool = False,
        access_groups: bool = False,
        files: bool = False,
    ) -> bytes:
        """Return the project as REDCap's ODM XML, with its data unless `metadata_only`. Source: B.13, E."""
        call = _call(
            "project_xml",
            returnMetadataOnly=metadata_only,
            records=listed(records),
            exportSurveyFields=survey_fields,
            exportDataAccessGroups=access_groups,
            exportFiles=files,
        )
        return self._wire.read(call, answers.odm_document)

    def import_records(
        self,
        frame: pd.DataFrame,
        *,
        record_field: str = "",
        overwrite: bool = False,
        as_format: Format | None = None,
        date_format: DateFormat = "YMD",
        background: bool = False,
        auto_number: bool = False,
    ) -> list[str]:
        """Import rows of text and return the ids of the records that REDCap wrote.

        `record_field` is the first column unless named; rows that REDCap would take otherwise than meant are
        a `UsageError`. A blank cell leaves what is stored, and with `overwrite` deletes it. A batch is all or
        nothing: `RowsRefused` means that it wrote nothing; a note on the error counts the rows of the batches
        before it. Format is CSV, or JSON where a cell would be unclear in CSV. `background` imports return no
        ids. With `auto_number` the ids in `frame` are placeholders; the new ids are returned. Source: D.
        """
        record_field = record_field or str(frame.columns[0])
        check_rows(frame, record_field=record_field)
        as_format = as_format or format_for(frame)
        call = _call(
            "record",
            format=as_format,
            type="flat",
            overwriteBehavior="overwrite" if overwrite else "normal",
            forceAutoNumber=auto_number,
            dateFormat=date_format,
            backgroundProcess=background,
            returnContent="auto_ids" if auto_number else "ids",
        )
        limits = {"max_rows": self.max_rows, "max_bytes": self.max_bytes}
        parts = batches(frame, record_field=record_field, as_format=as_format, **limits)
        ids = self._import(parts, call, record_field=record_field)
        return [pair.split(",", 1)[0] for pair in ids] if auto_number else ids

    def delete_records(
        self,
        records: Sequence[str],
        *,
        arm: int | str | None = None,
        event: str | None = None,
        instrument: str | None = None,
        instance: int | None = None,
    ) -> int:
        """Delete records, or what they hold in an arm, event, instrument or instance; return how many.

        All or nothing: an id that does not exist raises `RowsRefused` and nothing is deleted. In a
        longitudinal project an instrument needs its event. No records is no call. Source: B.1.
        """
        if not listed(records):
            return 0
        call = _call(
            "record",
            action="delete",
            records=listed(records),
            arm=arm,
            event=event,
            instrument=instrument,
            repeat_instance=instance,
        )
        return self._wire.write(call, answers.whole_number)

    def rename_record(self, record: str, new_name: str) -> None:
        """Give a record another id, in all arms; the id must be free. Source: B.1."""
        call = _call("record", action="rename", record=record, new_record_name=new_name)
        self._wire.write(call, answers.whole_number)

    def _import(
        self, parts: Iterable[pd.DataFrame], call: dict[str, Value], *, record_field: str
    ) -> list[str]:
        ids: list[str] = []
        rows = 0

        def send(part: pd.DataFrame) -> list[str]:
            data = payload(part, as_format="json" if call["format"] == "json" else "csv")
            written = self._wire.write(call | {"data": data}, written_ids)
            if not call["backgroundProcess"]:
                check_count(written, part, record_field=record_field)
            return written

        def cut(part: pd.DataFrame, most: int) -> Iterator[pd.DataFrame]:
            return batches(part, record_field=record_field, max_rows=most, max_bytes=self.max_bytes)

        try:
            for part, written in shrinking(parts, send=send, cut=cut):
                ids.extend(written)
                rows += len(part)
        except RedcapError as error:
            error.add_note(f"{rows} rows had been written by the batches before.")
            raise
        return ids

    def _listing(self, content: str, names: Sequence[str], **parameters: Value) -> pd.DataFrame:
        """Read a small table as JSON, which unlike CSV tells no rows from a lost answer."""
        call = _call(content, format="json", **parameters)
        try:
            return self._wire.read(call, lambda body: json_frame(body, names))
        except NoneDefined:
            return pd.DataFrame(columns=pd.Index(list(names), dtype="str"), dtype="str")

    def _exports(self, call: dict[str, Value], records: Sequence[str]) -> pd.DataFrame:
        if not records:
            return self._export(call)
        if call["dateRangeBegin"] or call["dateRangeEnd"]:
            raise UsageError("REDCap does not combine a list of records with times of change: use one.")
        parts = id_batches(records, max_rows=self.max_rows, max_bytes=self.max_bytes)
        frames = []

        def export(part: list[str]) -> pd.DataFrame:
            return self._export(call | {"records": part}, can_ask_less=len(part) > 1)

        with working("export records", len(records)) as advance:
            for part, frame in shrinking(parts, send=export, cut=cut_ids):
                frames.append(frame)
                advance(len(part))
        return joined(frames)

    def _export(self, call: dict[str, Value], *, can_ask_less: bool = False) -> pd.DataFrame:
        try:
            return self._wire.read(call | {"format": "csv"}, csv_frame, can_ask_less=can_ask_less)
        except UnclearCsv:
            return self._wire.read(call | {"format": "json"}, json_frame, can_ask_less=can_ask_less)


def _call(content: str, **parameters: Value) -> dict[str, Value]:
    return {"content": content, **parameters, "returnFormat": "json"}


def _stamp(moment: Moment, pattern: str = "%Y-%m-%d %H:%M:%S") -> str:
    return moment.strftime(pattern) if moment else ""
