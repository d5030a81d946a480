"""Records that are gone: which were deleted, and which only have another name now."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping
from typing import TypeVar

Former = TypeVar("Former")
Content = frozenset[tuple[str, str, str, str]]
"""What a record holds: event, instrument, instance and fingerprint of each form."""


def find_renamed(
    gone: Mapping[Former, Content],
    *,
    fresh: Mapping[str, Content],
    formers: Mapping[str, Collection[Former]],
) -> dict[Former, str]:
    """The new name of each record that is gone but was only renamed.

    `fresh` are the records that may be renamed ones; `formers` are names that REDCap says they had. Where it
    says none, a record is the one that holds exactly the same, if that is one alone.
    """
    said = {former: name for name, listed in formers.items() for former in listed if former in gone}
    gone_by, fresh_by = _by_content(gone, without=said), _by_content(fresh, without=said.values())
    alike = {
        names[0]: fresh_by[content][0]
        for content, names in gone_by.items()
        if content and len(names) == len(fresh_by.get(content, ())) == 1
    }
    return said | alike


def _by_content(
    records: Mapping[Former, Content], *, without: Collection[Former]
) -> dict[Content, list[Former]]:
    found: dict[Content, list[Former]] = defaultdict(list)
    for name, content in records.items():
        if name not in without:
            found[content].append(name)
    return found
