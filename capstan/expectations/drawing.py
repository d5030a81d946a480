"""Drawing: all pages of one run, from what was judged."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property

from capstan.expectations import site
from capstan.expectations.context import Judged
from capstan.expectations.pages import Cleaned, clean
from capstan.expectations.site import RunNote, Said
from capstan.quality.expected import Expected
from capstan.quality.outcome import Outcome

_WHOLE_TABLE = "Table-Level Expectations"


@dataclass(frozen=True, eq=False)
class Run:
    """One judgement of a study: when, the name of its folder, and what became of each expectation."""

    study: str
    at: datetime
    name: str
    expected: Sequence[Expected]
    outcomes: Sequence[Outcome]

    def pages(self, judged: Sequence[Judged]) -> dict[str, str]:
        """All pages of the run by the names of their files."""
        pages: dict[str, str] = {}
        addresses: dict[str, str] = {}
        ways = []
        for one in judged:
            name, asset = f"{one.asset.name}.html", one.asset
            result = clean(one.result_page.read_bytes(), headings=_headings(one))
            addresses |= _addresses(one, page=name, cleaned=result)
            pages[name] = self._asset_page(one, cleaned=result, is_suite=False)
            suite = clean(one.suite_page.read_bytes(), headings=_headings(one))
            pages[f"{asset.name}-suite.html"] = self._asset_page(one, cleaned=suite, is_suite=True)
            ways.append((asset.title, name))
        said = self._said(addresses)
        return {"index.html": site.run_page(self.study, at=self.at, said=said, ways=ways), **pages}

    def note(self) -> RunNote:
        """What the page of all runs says of this one."""
        return site.note_of(self._said({}), name=self.name, at=self.at)

    def index(self, notes: list[RunNote]) -> str:
        """The page of all runs."""
        return site.index_page(self.study, runs=notes)

    def _said(self, addresses: dict[str, str]) -> list[Said]:
        return [Said(one, self._became[one.id], addresses.get(one.id, "")) for one in self.expected]

    @cached_property
    def _became(self) -> dict[str, Outcome]:
        return {outcome.id: outcome for outcome in self.outcomes}

    def _asset_page(self, judged: Judged, *, cleaned: Cleaned, is_suite: bool) -> str:
        asset = judged.asset
        other = f"{asset.name}.html" if is_suite else f"{asset.name}-suite.html"
        return site.asset_page(
            f"{self.study}: {asset.title}",
            says="What is expected, column by column."
            if is_suite
            else f"{len(asset.questions):,} results, column by column.",
            body=cleaned.markup,
            ways=[("This run", "index.html"), ("Results" if is_suite else "Suite", other)],
        )


def _headings(judged: Judged) -> dict[str, str]:
    """The headings of Great Expectations' sections are columns; a measure's is our id."""
    measures = [one for one in judged.asset.questions if one.expected.asset == "measures"]
    return {one.column: one.expected.id for one in measures} | {_WHOLE_TABLE: "The table as a whole"}


def _addresses(judged: Judged, *, page: str, cleaned: Cleaned) -> dict[str, str]:
    anchors = cleaned.anchors
    return {
        one.expected.id: f"{page}#{anchors[heading]}" if heading in anchors else page
        for one in judged.asset.questions
        for heading in [one.column or _WHOLE_TABLE]
    }
