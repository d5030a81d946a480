"""One project, asked of both: what the sandbox refuses of a table, and what the gate stops."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any

import pandas as pd
import requests

from capstan.plan import KEY_NAMES, keyed
from capstan.redcap import Redcap
from capstan.study import Limits, Study
from checks.case import Present, Rules
from checks.gate import judge
from sandbox.server import Running
from tasks.connections import read_structure
from tests.projects import COLUMNS

NOW = datetime(2026, 6, 1, 12, tzinfo=UTC)
STUDY = """
study: s
title: s
redcap: {url: 'http://x/', token: {env: T}, project: {id: 1, title: s, status: development}}
writes: {allow: [FORMS]}
"""
# In a project of several arms the gate keeps a record in its own, and none of these records has any yet.
ANY = Limits(records=10**6, share=1, new_records=10**6, blanked=10**6)
Row = Mapping[str, str]


class Both:
    """A new project in a sandbox, and the gate that was told its structure."""

    def __init__(self, sandbox: Running, *, longitudinal: bool = False) -> None:
        self._url, self._sandbox = sandbox.redcap_url, sandbox
        told = {"project_title": "Both", "purpose": "0", "is_longitudinal": str(int(longitudinal))}
        self._token = self._post(sandbox.super_token, content="project", data=json.dumps([told])).text.strip()

    def has(self, content: str, told: Iterable[Row]) -> None:
        """Give the project a part of its structure."""
        answer = self._post(
            self._token, content=content, data=json.dumps(list(told)), action="import", override="1"
        )
        assert answer.ok, answer.text

    def fields(self, fields: Iterable[Row]) -> None:
        """Give the project its data dictionary."""
        blank = dict.fromkeys(COLUMNS, "") | {"form_name": "form", "field_type": "text", "field_label": "x"}
        self.has("metadata", [blank | dict(field) for field in fields])

    def missing(self, codes: str) -> None:
        """Go on with a new project of the same design that has codes for missing data."""
        tag = "<redcap:MissingDataCodes>"
        xml = self._post(self._token, content="project_xml", returnMetadataOnly="true").text
        told = json.dumps([{"project_title": "Both", "purpose": "0"}])
        odm = xml.replace(f"{tag}</", f"{tag}{codes}</")
        self._token = self._post(
            self._sandbox.super_token, content="project", data=told, odm=odm
        ).text.strip()

    def lock(self, record: str, *, form: str) -> None:
        """Lock a form of a record."""
        number = self._info()["project_id"]
        url = f"{self._sandbox.control_url}projects/{number}/locks"
        answer = requests.post(url, json={"record": record, "form": form}, timeout=60)
        assert answer.ok, answer.text

    def ask(self) -> None:
        """Tell the gate what the project is now."""
        client = Redcap(self._url, self._token)
        missing_codes = str(self._info()["missing_data_codes"] or "")
        dictionary, grid = read_structure(client, missing_codes=missing_codes)
        study = Study.from_text(
            STUDY.replace("FORMS", ", ".join(dictionary.forms)), source="study.yaml", environment={}
        )
        self.rules = Rules(study, dictionary, grid, NOW.date())

    def holds(self, rows: Iterable[Row]) -> None:
        """Store rows, by an import that must succeed."""
        assert self._import(rows).ok

    def refused(self, rows: list[Row]) -> set[str]:
        """The records of a table that REDCap refuses; of each row if it does not say which."""
        answer = self._import(rows)
        if answer.ok:
            return set()
        records = {row["record_id"] for row in rows}
        return {record for record, _ in _lines(answer)} & records or records

    def reasons(self, rows: list[Row]) -> set[tuple[str, str]]:
        """The records of a table that REDCap refuses, each with its reason."""
        return set(_lines(self._import(rows)))

    def stopped(self, rows: list[Row], *, held: Iterable[Row] = ()) -> dict[str, set[str]]:
        """The records of a table that the gate stops, with the checks that stop them."""
        blank = dict.fromkeys(self.rules.grid.key_columns("record_id"), "")
        table = pd.DataFrame([blank | dict(row) for row in rows], dtype="str").fillna("")
        judgement = judge(
            table,
            present=self._present(list(held)),
            rules=self.rules,
            limits=ANY,
            now=NOW,
            blanks_erase=False,
        )
        found: dict[str, set[str]] = {}
        everywhere = set(judgement.errors["check"][judgement.errors["record"] == ""])
        for record in table["record_id"] if everywhere else ():
            found[record] = set(everywhere)
        for record, check in judgement.errors[["record", "check"]].to_numpy():
            found.setdefault(record, set()).add(check)
        return found

    def _info(self) -> dict[str, Any]:
        return dict(self._post(self._token, content="project").json())

    def _present(self, held: list[Row]) -> Present:
        dictionary = self.rules.dictionary
        blank = dict.fromkeys((*KEY_NAMES, *dictionary.by_column), "")
        frame = pd.DataFrame([blank | dict(row) for row in held], columns=list(blank), dtype="str")
        return Present(keyed(frame, record_field="record_id"), frozenset(frame["record_id"]))

    def _import(self, rows: Iterable[Row]) -> requests.Response:
        data = json.dumps([dict(row) for row in rows])
        return self._post(self._token, content="record", type="flat", overwriteBehavior="normal", data=data)

    def _post(self, token: str, **told: Any) -> requests.Response:
        return requests.post(self._url, data={"token": token, "format": "json", **told}, timeout=60)


def _lines(refusal: requests.Response) -> list[tuple[str, str]]:
    told = csv.reader(io.StringIO(str(refusal.json()["error"])))
    return [(line[0], line[3]) for line in told if len(line) == 4]
