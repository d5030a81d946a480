"""One API request as its parameters say it (A.1)."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from sandbox.errors import not_an_array

_ARRAY_KEY = re.compile(r"^(\w+)\[(\w*)\]$")
# Nobody counts further, and Python refuses to read thousands of digits.
MAX_DIGITS = 10
_FALSE = frozenset({"", "0", "false"})
_FORMATS = ("csv", "json", "xml")
_DELIMITERS = {"tab": "\t", "\\t": "\t", "\t": "\t"}
_VERBS = frozenset(
    {"import", "delete", "export", "switch", "rename", "randomize", "list", "createFolder", "display"}
)


@dataclass(frozen=True)
class Upload:
    """The part named `file` of a multipart body."""

    name: str
    mime: str
    content: bytes


@dataclass(frozen=True)
class Call:
    """Form fields of one request; `arrays` holds those that were spelled `name[...]`.

    `base_url` is the server as the client calls it, without the slash.
    """

    fields: Mapping[str, str]
    arrays: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    strict_arrays: bool = False
    upload: Upload | None = None
    base_url: str = "http://127.0.0.1"

    def text(self, name: str, default: str = "") -> str:
        return self.fields.get(name, default)

    def flag(self, name: str) -> bool:
        return self.text(name).strip().lower() not in _FALSE

    def names(self, name: str) -> tuple[str, ...]:
        """Read an array in any spelling: `f[0]=a`, `f[]=a`, `f=a,b`; nothing given is no filter."""
        if name in self.arrays:
            return tuple(value for value in self.arrays[name] if value != "")
        text = self.text(name)
        if text and self.strict_arrays:
            raise not_an_array(name)
        return tuple(part.strip() for part in text.split(",") if part.strip())

    @property
    def content(self) -> str:
        return self.text("content")

    @property
    def verb(self) -> str:
        """Tell export from import (A.1 rule 2)."""
        action = self.text("action")
        if action in _VERBS:
            return action
        return "import" if self.text("data") else "export"

    @property
    def format(self) -> str:
        wanted = self.text("format").lower()
        return wanted if wanted in (*_FORMATS, "odm") else "xml"

    @property
    def answer_format(self) -> str:
        """The format of errors and of import answers."""
        wanted = self.text("returnFormat").lower()
        if wanted in _FORMATS:
            return wanted
        return self.format if self.format in _FORMATS else "xml"

    @property
    def delimiter(self) -> str:
        wanted = self.text("csvDelimiter")
        # What REDCap does not offer would make a file that nobody can read.
        return _DELIMITERS.get(wanted.lower(), wanted if wanted in (";", "|", "^") else ",")


def read_call(
    pairs: Iterable[tuple[str, str]], strict_arrays: bool = False, *, upload: Upload | None = None
) -> Call:
    """Sort form fields into plain ones and arrays."""
    plain: dict[str, str] = {}
    arrays: dict[str, list[tuple[str, str]]] = {}
    for name, value in pairs:
        match = _ARRAY_KEY.match(name)
        if match:
            arrays.setdefault(match[1], []).append((match[2], value))
        else:
            plain[name] = value
    ordered = {name: tuple(value for _, value in sorted(found, key=_index)) for name, found in arrays.items()}
    return Call(plain, ordered, strict_arrays=strict_arrays, upload=upload)


def _index(pair: tuple[str, str]) -> int:
    return int(pair[0]) if pair[0].isdecimal() and len(pair[0]) < MAX_DIGITS else 0
