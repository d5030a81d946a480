"""Reads the documents: their blocks of code, their links, their tables."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
DOCUMENTS = sorted(
    path
    for pattern in (
        "*.md",
        "docs/*.md",
        "tests/*.md",
        "deployments/*.md",
        "studies/**/*.md",
        "benchmarks/*.md",
    )
    for path in ROOT.glob(pattern)
)


def blocks(text: str, *, language: str) -> list[str]:
    """The fenced blocks of one language."""
    return re.findall(rf"^```{language}\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)


def shell_commands(text: str, *, program: str) -> Iterator[list[str]]:
    """The arguments of every call of a program in the shell blocks, without pipes and redirections."""
    for block in blocks(text, language="sh"):
        for line in block.replace("\\\n", " ").splitlines():
            words = shlex.split(line, comments=True)
            if words[:1] == [program]:
                ends = [place for place, word in enumerate(words) if word in (">", "|", "&", "&&")]
                yield words[1 : min(ends, default=len(words))]


def links(text: str) -> list[str]:
    """The targets of links and pictures that are no web addresses."""
    found = re.findall(r"\]\(([^)\s]+)\)", re.sub(r"```.*?```", "", text, flags=re.DOTALL))
    return [target for target in found if not re.match(r"https?:|mailto:", target)]


def anchors(text: str) -> set[str]:
    """The names by which a page's headings can be linked."""
    headings = re.findall(r"^#+ (.+)$", text, re.MULTILINE)
    return {re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings}


def table_rows(text: str, *, below: str) -> list[list[str]]:
    """The cells of the first table below a heading, without its head; code marks are left out."""
    section = text.split(f"\n## {below}\n")[1].split("\n## ")[0]
    lines = re.search(r"^\|.*?(?=\n[^|]|\Z)", section, re.MULTILINE | re.DOTALL)
    assert lines, f"no table below {below}"
    return [_cells(line) for line in lines[0].strip().splitlines()[2:]]


def _cells(line: str) -> list[str]:
    inner = re.split(r"(?<!\\)\|", line.strip().strip("|"))
    return [cell.strip().replace("`", "").replace("\\|", "|") for cell in inner]
