"""The panels of a study's page as they were last counted; counts only, no participants' data."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256

from sqlalchemy import case, select

from capstan.store.connection import Store
from capstan.store.quality_tables import PAGE_PANEL
from capstan.store.upserts import insert_or_replace


@dataclass(frozen=True)
class KeptPanel:
    """A panel: its JSON, the digest of that, and when it was counted."""

    digest: str
    content: str
    at: datetime


def keep_panels(store: Store, study: str, *, panels: Mapping[str, str], now: datetime) -> frozenset[str]:
    """Keep panels, JSON by id, in place of earlier ones; returns the ids of those that are different now."""
    if not panels:
        return frozenset()
    former = read_panels(store, study)
    digests = {name: sha256(content.encode()).hexdigest() for name, content in panels.items()}
    with store.write() as connection:
        kept = insert_or_replace(connection, PAGE_PANEL, keys=("study", "panel"))
        for name, content in panels.items():
            row = {"study": study, "panel": name, "digest": digests[name], "content": content, "at": now}
            connection.execute(kept.values(**row))
    return frozenset(name for name in panels if name not in former or former[name].digest != digests[name])


def read_panels(store: Store, study: str, *, only: str = "") -> dict[str, KeptPanel]:
    """The panels of a study by id, in one query; with `only`, others come without their content."""
    content = (
        case((PAGE_PANEL.c.panel == only, PAGE_PANEL.c.content), else_="") if only else PAGE_PANEL.c.content
    )
    columns = (PAGE_PANEL.c.panel, PAGE_PANEL.c.digest, content, PAGE_PANEL.c.at)
    query = select(*columns).where(PAGE_PANEL.c.study == study).order_by(PAGE_PANEL.c.panel)
    with store.read() as connection:
        rows = connection.execute(query).all()
    return {name: KeptPanel(digest, content, at) for name, digest, content, at in rows}
