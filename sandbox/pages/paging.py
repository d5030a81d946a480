"""One page of a long list."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeVar

Item = TypeVar("Item")


@dataclass(frozen=True)
class Part:
    """A page by its number from 1, among how many pages and items."""

    number: int
    pages: int
    total: int
    per_page: int

    @property
    def start(self) -> int:
        return (self.number - 1) * self.per_page

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

    def of(self, items: Sequence[Item]) -> list[Item]:
        """Return the page's items of the whole list."""
        return list(items[self.start : self.start + self.per_page])


def part_of(total: int, number: int, *, per_page: int) -> Part:
    """Return one page; a number beyond the last gives the last."""
    pages = max(1, -(-total // per_page))
    return Part(min(max(number, 1), pages), pages, total, per_page)
