"""Tables for the gate to judge: of few texts that stand again and again, and of many that stand once."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
import pyarrow as pa  # type: ignore[import-untyped]
import pyarrow.compute as pc  # type: ignore[import-untyped]

from capstan.dictionary import Dictionary, Field, FieldType

# The texts of a column, from the numbers 0 to its length in any order.
Texts = Callable[[np.ndarray], pa.Array]
_PHRASES = (
    "mild pain after the visit",
    "no complaint",
    "seen by the nurse, no sign of infection; left at once",
)


class Kind(NamedTuple):
    """Fields of one kind: what the dictionary says of them, and their texts."""

    says: dict[str, Any]
    texts: Texts


class Sample(NamedTuple):
    """A sort of table: the kinds of its columns in turn, and the texts that are wrong in any of them."""

    name: str
    kinds: tuple[Kind, ...]
    wrong: Texts

    def dictionary(self, columns: int) -> Dictionary:
        """A form of these fields, after a first one with the record id."""
        fields = [Field(f"f{n}", "form", **self.kinds[n % len(self.kinds)].says) for n in range(columns)]
        first = Field("record_id", "first", FieldType.TEXT)
        return Dictionary((first, *fields), {"first": "First", "form": "Form"})

    def table(self, rows: int, *, columns: int, bad_share: float) -> pd.DataFrame:
        """Rows of one event of which a share of all cells is wrong."""
        chance = np.random.default_rng(1)
        made = {"record_id": _written(np.arange(1, rows + 1))}
        made["redcap_event_name"] = pa.repeat(pa.scalar("visit_arm_1", pa.large_string()), rows)
        for number in range(columns):
            right = self.kinds[number % len(self.kinds)].texts(chance.permutation(rows))
            is_wrong = pa.array(chance.random(rows) < bad_share)
            made[f"f{number}"] = pc.if_else(is_wrong, self.wrong(chance.permutation(rows)), right)
        return pd.DataFrame({name: texts.to_pandas() for name, texts in made.items()})


def _text(validation: str, **says: str) -> dict[str, Any]:
    return {"type": FieldType.TEXT, "validation": validation, **says}


def _some(*texts: str) -> Texts:
    return lambda numbers: pa.array(texts, pa.large_string()).take(pa.array(numbers % len(texts)))


def _joined(*parts: str | Texts) -> Texts:
    def texts(numbers: np.ndarray) -> pa.Array:
        arrays = [
            pa.scalar(one, pa.large_string()) if isinstance(one, str) else one(numbers) for one in parts
        ]
        return pc.binary_join_element_wise(*arrays, pa.scalar("", pa.large_string()))

    return texts


def _written(numbers: np.ndarray) -> pa.Array:
    return pa.array(numbers).cast(pa.large_string())


def _moments(numbers: np.ndarray) -> pa.Array:
    return _written(np.datetime64("2001-01-01T00:00:00", "s") + numbers * 601)


def _notes(numbers: np.ndarray) -> pa.Array:
    return _joined(_some(*_PHRASES), " ", _written, ", ", _some(*_PHRASES[1:]))(numbers)


_RADIO = Kind({"type": FieldType.RADIO, "choices": {str(n): f"Label {n}" for n in range(5)}}, _some(*"01234"))
_DATE = Kind(
    _text("date_ymd"), _some(*pd.date_range("2020-01-01", periods=900).strftime("%Y-%m-%d").to_list())
)
_INTEGER = Kind(_text("integer", minimum="0", maximum="120"), _some(*map(str, range(121))))
_NOTES = Kind({"type": FieldType.NOTES}, _notes)
_FREE = Kind({"type": FieldType.TEXT}, _notes)
_ID = Kind({"type": FieldType.TEXT}, _joined("P-", _written))
_PHONE = Kind(
    _text("phone"),
    _joined(
        "(301) ",
        lambda numbers: _written(200 + numbers // 9000 % 800),
        "-",
        lambda numbers: _written(1000 + numbers % 9000),
    ),
)
_EMAIL = Kind(_text("email"), _joined("person", _written, "@example.org"))
_MOMENT = Kind(_text("datetime_seconds_ymd", minimum="1990-01-01 00:00:00", maximum="now"), _moments)
_DECIMAL = Kind(_text("number", minimum="0", maximum="1000000"), _joined(_written, ".25"))

FEW = Sample("few texts", (_RADIO, _DATE, _INTEGER), _some("bad"))
DISTINCT = Sample(
    "distinct texts",
    (
        *(_NOTES, _RADIO, _MOMENT, _FREE, _PHONE, _INTEGER),
        *(_EMAIL, _NOTES, _DATE, _ID, _DECIMAL, _RADIO),
    ),
    _joined("=bad", _written),
)
SAMPLES = (FEW, DISTINCT)
