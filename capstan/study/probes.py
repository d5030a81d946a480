"""The part `probes` of the study file: how scan data are found, and the commands that work on them."""

from __future__ import annotations

import re
from pathlib import PurePosixPath
from typing import Annotated, Any

from pydantic import AfterValidator, Field

from capstan.study.parts import NAME, Part, TokenSource, is_variable_name

# The host is written out, so that no part of a subject can choose where a token goes.
_ADDRESS = re.compile(r"(https://[^{}/?#@\s]+|http://(127\.0\.0\.1|localhost|\[::1\])(:\d+)?)/")


def _is_variable(value: str) -> str:
    if not is_variable_name(value):
        raise ValueError("must be the name of an environment variable")
    return value


VariableName = Annotated[str, AfterValidator(_is_variable)]


def give_one(part: Part, *names: str) -> None:
    """Refuse none and several of the keys that say of what kind a part is."""
    if sum(bool(getattr(part, name)) for name in names) != 1:
        raise ValueError(f"give exactly one of {', '.join(names)}")


def _is_a_command(value: tuple[str, ...]) -> tuple[str, ...]:
    if value and "{" in value[0]:
        raise ValueError("must begin with the program, written out")
    if any("{" in word and not re.fullmatch(r"\{[a-z]+\}", word) for word in value):
        raise ValueError(
            "must have {session} and the like as whole words, such as [fetch, --of, '{session}']"
        )
    return value


Words = Annotated[tuple[str, ...], AfterValidator(_is_a_command)]


class Command(Part):
    """A command and its arguments, which no shell reads; `{session}` as a whole word is replaced.

    Of the environment it gets a plain PATH and the variables that are named.
    """

    command: Words = Field(min_length=1)
    environment: tuple[VariableName, ...] = ()
    timeout_seconds: int = Field(default=600, ge=1)


class Probe(Part):
    """How one looks for a session's scan data: files in a folder, a web address, a query, or a command.

    `{session}` and other parts of the subject stand for themselves in `folder`, `url` and `command`; `sql`
    has them as `:session`. A `folder` is a pattern below `root`. With `path` the answer of `url` is JSON,
    and has the data where the path, such as `scans.count`, leads to something. A `command` that ends with 0
    has found them, one that ends with 1 has not.
    """

    id: str = Field(pattern=NAME)
    root: str = ""
    folder: str = ""
    url: str = ""
    status: int = Field(default=200, ge=200, le=299)
    path: str = ""
    token: TokenSource | None = None
    sql: str = ""
    database: TokenSource | None = None
    command: Words = ()
    environment: tuple[VariableName, ...] = ()
    timeout_seconds: int = Field(default=30, ge=1, le=600)

    def model_post_init(self, _context: Any) -> None:
        """Refuse none and several kinds, and addresses that a subject could bend."""
        give_one(self, "folder", "url", "sql", "command")
        if bool(self.root) != bool(self.folder):
            raise ValueError("give root together with folder")
        pattern = PurePosixPath(self.folder)
        if pattern.is_absolute() or any(
            part != "**" and ("**" in part or part == "..") for part in pattern.parts
        ):
            raise ValueError(
                "folder must be a pattern below root, without .. and with ** between slashes only"
            )
        if self.url and not _ADDRESS.match(self.url):
            raise ValueError("url must begin with https:// and a host that is written out")
        if bool(self.sql) != (self.database is not None):
            raise ValueError("give database, where its address is kept, together with sql")
