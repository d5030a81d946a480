"""Pages of counts: a picture and a table in Markdown, published when what they show has changed."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import NamedTuple

from capstan.store import Store, read_watermark, write_watermark
from tasks.deployed import server_address
from tasks.report.bars import as_address, bars

Row = Mapping[str, object]


class Drawing(NamedTuple):
    """What stands on a page: a sentence, bars of counts, a table, and what can be done."""

    said: str
    counts: Mapping[str, int]
    rows: Sequence[Row]
    then: Sequence[str] = ()


class Page(NamedTuple):
    """A page of a study: its name among the study's artifacts, and its title."""

    study: str
    name: str
    title: str


def artifact_key(study: str, name: str) -> str:
    """The key under which Prefect keeps the history of a page: small letters, digits and dashes."""
    return f"{study}-{name}".replace("_", "-").lower()


def publish_page(
    store: Store, page: Page, *, facts: object, draw: Callable[[], Drawing], now: datetime
) -> None:
    """Publish a page as an artifact of the run, where it shows other facts than before, and once a day.

    Facts are values whose text is the same whenever they are. A page of no facts is not begun.
    """
    # Another server has none of the pages.
    server = server_address() or None
    digest = hashlib.sha256(f"{server} {now:%Y-%m-%d} {facts!r}".encode()).hexdigest()
    name = f"page {page.name}"
    before = read_watermark(store, page.study, name=name)
    if before == digest or (before is None and not facts):
        return
    # Prefect is there already where there is a page to publish, and takes long to import where not.
    from prefect.artifacts import create_markdown_artifact

    drawing = draw()
    key = artifact_key(page.study, page.name)
    create_markdown_artifact(markdown=drawn(page, drawing), key=key, description=drawing.said)
    write_watermark(store, page.study, name=name, value=digest, now=now)


def drawn(page: Page, drawing: Drawing) -> str:
    """A page in Markdown; what it says in a sentence stands above it, as the artifact's description."""
    parts = [f"# {page.title}, study {page.study}"]
    if any(drawing.counts.values()):
        parts.append(f"![{page.title}]({as_address(bars(drawing.counts, title=page.title))})")
    if drawing.rows:
        parts.append(table(drawing.rows))
    if drawing.then:
        parts.append("\n".join(["## From here", "", *(f"* {each}" for each in drawing.then)]))
    return "\n\n".join(parts)


def table(rows: Sequence[Row]) -> str:
    """Rows with the same keys as a table in Markdown, numbers to the right."""
    names = list(rows[0])
    sides = ["---:" if isinstance(rows[0][name], int) else "---" for name in names]
    lines = [" | ".join(_cell(row[name]) for name in names) for row in rows]
    return "\n".join(f"| {line} |" for line in [" | ".join(names), " | ".join(sides), *lines])


def _cell(value: object) -> str:
    text = f"{value:,}" if isinstance(value, int) else str(value)
    return text.replace("|", "\\|").replace("\n", " ")
