"""Assets: the frames that are judged, each with what is expected of it."""

from __future__ import annotations

import re
from collections.abc import Collection, Hashable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from itertools import chain, count

import pandas as pd

from capstan.dictionary import Dictionary
from capstan.expectations.columns import OTHER, choice_names, judged_columns, typed_columns
from capstan.quality.expected import Expected
from capstan.quality.outcome import Outcome

SMALLEST_GROUP = 5
"""The mean of one person is that person's value: smaller groups are not judged."""

PARTICIPANT, ROW = "participant", "row"
_RECORD_PLACES = ("redcap_event_name", "redcap_repeat_instrument", "redcap_repeat_instance")
_EVENT, _INSTRUMENT, _INSTANCE = _RECORD_PLACES
_SITE = "redcap_data_access_group"
_MEASURE_PLACE = ["measure", "form", "field", "event", "site"]
_NUMBERS = frozenset({"mean", "spread"})


@dataclass(frozen=True)
class Question:
    """One expectation as it is asked of a frame: the column's name in it, the reference in its words."""

    expected: Expected
    column: str = ""
    reference: tuple[tuple[str, float], ...] = ()


@dataclass(frozen=True, eq=False)
class Asset:
    """A frame and the questions to it; `name` is safe in a path, `title` is for people."""

    name: str
    title: str
    frame: pd.DataFrame = field(repr=False)
    questions: tuple[Question, ...]

    def halves(self) -> list[Asset]:
        """The same frame with half of the questions each; none of a single question."""
        middle = len(self.questions) // 2
        parts = (self.questions[:middle], self.questions[middle:]) if middle else ()
        return [
            replace(self, name=f"{self.name}_{number}", questions=some)
            for number, some in enumerate(parts, start=1)
        ]


@dataclass(frozen=True, eq=False)
class Sorted:
    """What can be asked, as assets, and the outcomes of what cannot."""

    assets: tuple[Asset, ...]
    unasked: tuple[Outcome, ...]


def sort_measures(expected: Sequence[Expected], *, measures: pd.DataFrame) -> Sorted:
    """One row with a column per expectation: the value of its measure. Without a value it waits."""
    keys = measures[_MEASURE_PLACE].itertuples(index=False, name=None)
    values = dict(zip(keys, measures["value"].astype(float), strict=True))
    row: dict[str, float] = {}
    questions, unasked = [], []
    for one in expected:
        value = values.get((one.measure or one.kind, one.form, one.field, one.event, one.site))
        if one.waits or value is None or pd.isna(value):
            unasked.append(Outcome(one.id, "waiting", why=one.waits or "nothing was measured"))
            continue
        column = _column_for(one.id, taken=row)
        row[column] = value
        questions.append(Question(one, column))
    asset = Asset("measures", "Measures of the project", pd.DataFrame([row]), tuple(questions))
    return Sorted((asset,) if questions else (), tuple(unasked))


def sort_data(
    expected: Sequence[Expected], *, export: pd.DataFrame, dictionary: Dictionary, values: bool
) -> Sorted:
    """One asset per event, site and repeating form that is asked about: row conditions would cost far more.

    Only columns that are asked about are in it, typed; the record id is a running number, or with `values`
    itself. An expectation of a column that may not be judged counts as raised.
    """
    table = _Table(export, dictionary, values)
    unasked = [outcome for one in expected if (outcome := table.cannot_ask(one))]
    left = frozenset(outcome.id for outcome in unasked)
    asked = [one for one in expected if one.id not in left]
    typed = table.typed(asked)
    assets = []
    for number, (place, some) in enumerate(sorted(_by_place(asked, table=table).items()), start=1):
        frame = typed[table.rows_at(*place)]
        few = [one for one in some if _cells_of(one, frame=frame) < SMALLEST_GROUP]
        unasked += [Outcome(one.id, "waiting", why=f"fewer than {SMALLEST_GROUP} rows") for one in few]
        questions = tuple(table.question(one) for one in some if one not in few)
        if questions:
            assets.append(Asset(f"data_{number}", _title(*place), frame, questions))
    return Sorted(tuple(assets), tuple(unasked))


@dataclass(frozen=True, eq=False)
class _Table:
    """An export with what is known of its columns."""

    export: pd.DataFrame
    dictionary: Dictionary
    values: bool

    def cannot_ask(self, one: Expected) -> Outcome | None:
        """Why an expectation cannot be asked; None where it can."""
        if one.waits:
            return Outcome(one.id, "waiting", why=one.waits)
        asked = frozenset({one.column, *one.columns} - {""})
        ours = frozenset({PARTICIPANT, ROW, _SITE, *_RECORD_PLACES})
        if asked - ours - frozenset(judged_columns(self.dictionary)):
            return Outcome(one.id, "raised", why="ColumnNotJudged")
        absent = asked - frozenset({PARTICIPANT, ROW}) - frozenset(self.export.columns)
        return Outcome(one.id, "waiting", why="not in the export") if absent else None

    def typed(self, asked: Iterable[Expected]) -> pd.DataFrame:
        """The frame of all that is asked about, with rows and participants as running numbers."""
        names = list(dict.fromkeys(name for one in asked for name in (one.column, *one.columns) if name))
        frame = typed_columns(self.export, dictionary=self.dictionary, names=names, values=self.values)
        places = {name: self._codes(name) for name in (_SITE, *_RECORD_PLACES) if name in names}
        record = self.export[self.dictionary.record_field]
        people = record if self.values else pd.Series(pd.factorize(record)[0], index=record.index)
        own = pd.DataFrame({**places, PARTICIPANT: people, ROW: range(len(frame))}, index=frame.index)
        return pd.concat([frame, own], axis=1)

    def rows_at(self, event: str, site: str, form: str) -> pd.Series:
        """Which rows are of an event, a site and a repeating form, each blank for all."""
        here = pd.Series(True, index=self.export.index)
        for name, wanted in ((_EVENT, event), (_SITE, site)):
            if wanted:
                here &= self._text(name).eq(wanted)
        return here & self._rows_of(form) if form else here

    def repeats(self, form: str) -> bool:
        """Whether a form has instances of its own, or other forms do."""
        return bool(self._text(_INSTRUMENT).ne("").any()) and form in self.dictionary.forms

    def question(self, one: Expected) -> Question:
        """An expectation in the frame's words."""
        if not one.reference:
            return Question(one, one.column)
        known = self.dictionary.by_column[one.column]
        names = {code: code for code, _ in one.reference} if self.values else choice_names(known)
        shares: dict[str, float] = {}
        for code, share in one.reference:
            shares[names.get(code, OTHER)] = shares.get(names.get(code, OTHER), 0) + share
        return Question(one, one.column, tuple(shares.items()))

    def _rows_of(self, form: str) -> pd.Series:
        """A form's rows: its instances on events where it repeats, else the rows that are no instance."""
        instrument, event = self._text(_INSTRUMENT), self._text(_EVENT)
        own = instrument.eq(form)
        return own | (instrument.eq("") & ~event.isin(frozenset(event[own])))

    def _text(self, name: str) -> pd.Series:
        return (
            self.export[name] if name in self.export else pd.Series("", index=self.export.index, dtype="str")
        )

    def _codes(self, name: str) -> pd.Series:
        return pd.Series(pd.factorize(self.export[name])[0], index=self.export.index)


def _by_place(asked: Iterable[Expected], *, table: _Table) -> dict[tuple[str, str, str], list[Expected]]:
    places: dict[tuple[str, str, str], list[Expected]] = {}
    for one in asked:
        known = table.dictionary.by_column.get(one.column)
        form = known.form if known and table.repeats(known.form) else ""
        places.setdefault((one.event, one.site, form), []).append(one)
    return places


def _cells_of(one: Expected, *, frame: pd.DataFrame) -> int:
    """How many cells tell of an expectation: of a mean or a share only those that are filled."""
    if one.expects == "rows":
        return SMALLEST_GROUP
    return int(frame[one.column].count()) if one.expects in {*_NUMBERS, "shares"} else len(frame)


def _title(event: str, site: str, form: str) -> str:
    named = [f"{word} {name}" for word, name in (("event", event), ("site", site), ("form", form)) if name]
    return f"Export: {', '.join(named)}" if named else "Export"


def _column_for(name: str, *, taken: Collection[Hashable]) -> str:
    plain = re.sub(r"[^A-Za-z0-9_.-]+", "_", name)
    return next(name for name in chain([plain], (f"{plain}_{at}" for at in count(2))) if name not in taken)
