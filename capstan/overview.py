"""Overviews: what a page shows, as titled tables of counts; whoever draws them knows no study."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime

import pandas as pd

# What stands in place of the week of those who were enrolled, nobody knows when.
NO_DATE = "no date"


@dataclass(frozen=True, eq=False)
class Panel:
    """One part of a page: its id, by which it is drawn, its title, what it says in a sentence, and its table.

    A column `link` of the table holds the address of its row, "" for none. `note` stands beneath.
    """

    id: str
    title: str
    says: str
    table: pd.DataFrame = field(repr=False)
    note: str = ""


@dataclass(frozen=True, eq=False)
class Overview:
    """A page: whose it is, when and by which version it was made (aware), its panels.

    `links` are ways to other pages: words and an address.
    """

    study: str
    title: str
    made_at: datetime
    version: str
    panels: tuple[Panel, ...]
    links: tuple[tuple[str, str], ...] = ()
