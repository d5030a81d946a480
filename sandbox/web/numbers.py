"""The number of a project in an address: no longer than the database can look for."""

from __future__ import annotations

import re

from starlette.convertors import Convertor, register_url_convertor

NUMBER = re.compile(r"[0-9]{1,15}")
PROJECT_ID = "{project_id:number}"


class _Number(Convertor[int]):
    regex = NUMBER.pattern

    def convert(self, value: str) -> int:
        return int(value)

    def to_string(self, value: int) -> str:
        return str(value)


register_url_convertor("number", _Number())
