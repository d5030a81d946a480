"""A sandbox without a network for tests of designs and XML: projects by the super token, and raw calls."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from typing import Any

from sandbox.call import read_call
from sandbox.project.model import Project
from sandbox.state import State

ALL = {"exportSurveyFields": "true", "exportDataAccessGroups": "true", "exportFiles": "true"}


@dataclass(frozen=True)
class Caller:
    """Makes calls with one token."""

    state: State
    token: str = ""

    def ask(self, content: str, **fields: str) -> tuple[int, str]:
        given = {"token": self.token, "content": content, "returnFormat": "csv", **fields}
        answer = self.state.redcap.answer(read_call(given.items()))
        try:
            return answer.status, answer.content.decode()
        finally:
            answer.close()

    def text(self, content: str, **fields: str) -> str:
        status, text = self.ask(content, **fields)
        assert status == 200, text
        return text

    def json(self, content: str, **fields: str) -> Any:
        return json.loads(self.text(content, format="json", **fields))

    def send(self, content: str, rows: Any, **fields: str) -> str:
        return self.text(content, format="json", data=json.dumps(rows), **fields)

    def refusal(self, content: str, rows: Any = None, **fields: str) -> str:
        data = {} if rows is None else {"format": "json", "data": json.dumps(rows)}
        status, text = self.ask(content, **data, **fields)
        assert status == 400, text
        return text.removeprefix("ERROR: ")

    def xml(self, **fields: str) -> str:
        return self.text("project_xml", **(fields or ALL))

    def create(self, odm: str = "", **attributes: str) -> tuple[int, str]:
        """Make a project as clients do; returns the status and the token or the error."""
        row = {"project_title": "Test", "purpose": "0", **attributes}
        creator = replace(self, token=self.state.store.projects.super_token())
        return creator.ask("project", format="json", data=json.dumps([row]), odm=odm)

    def new(self, odm: str = "", **attributes: str) -> Caller:
        status, token = self.create(odm, **attributes)
        assert status == 200, token
        return replace(self, token=token)

    @property
    def project(self) -> Project:
        owner = self.state.store.projects.token_owner(self.token)
        assert owner is not None
        project = self.state.store.projects.get(owner[0])
        assert project is not None
        return project
