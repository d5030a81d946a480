"""One page of a long list."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

Item = TypeVar("Item")


@dataclass(frozen=True)
class Part(Generic[Item]):
    """The items of one page, its number from 1, and how many pages and items there are."""

    items: list[Item]
    number: int
    pages: int
    total: int

    @property
    def numbers(self) -> list[int]:
        """Return the pages to offer: the first, the last, and those around this one; 0 is a gap."""
        near = [one for one in range(self.number - 2, self.number + 3) if 1 < one < self.pages]
        found = [1, *near, self.pages] if self.pages > 1 else [1]
        shown: list[int] = []
        for one in found:
            if shown and one > shown[-1] + 1:
                shown.append(0)
            shown.append(one)
        return shown


def cut(items: Sequence[Item], number: int, *, per_page: int) -> Part[Item]:
    """Return one page; a number beyond the last gives the last."""
    pages = max(1, -(-len(items) // per_page))
    number = min(max(number, 1), pages)
    start = (number - 1) * per_page
    return Part(list(items[start : start + per_page]), number, pages, len(items))
