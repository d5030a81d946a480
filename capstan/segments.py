"""Segments: how many parts a text message takes on its way, and what a plan of them will cost."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator
from typing import Literal, NamedTuple

import pandas as pd

_BASIC = (
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿"
    "abcdefghijklmnopqrstuvwxyzäöñüà"
)
_EXTENDED = "\f^{}\\[~]|€"
_GSM_UNITS = {**dict.fromkeys(_BASIC, 1), **dict.fromkeys(_EXTENDED, 2)}
_ALONE = {"GSM-7": 160, "UCS-2": 70}
_CHAINED = {"GSM-7": 153, "UCS-2": 67}

MAX_CHARACTERS = 1600
"""What one text message may hold; Twilio refuses more (error 21617)."""

FORECAST_COLUMNS = ("message", "messages", "segments", "cost")


class Segments(NamedTuple):
    """How a text travels: its encoding, how many segments, and the units that it takes."""

    encoding: Literal["GSM-7", "UCS-2"]
    segments: int
    units: int


def count_segments(text: str) -> Segments:
    """Count the segments of a text: GSM-7 if every character is in its alphabet, else UCS-2.

    One segment holds 160 units of GSM-7 or 70 of UCS-2, several 153 or 67 each. A character that takes two
    units, or an emoji made of several, is not split. Source: 3GPP TS 23.038, 23.040.
    """
    if all(character in _GSM_UNITS for character in text):
        return _fill("GSM-7", [_GSM_UNITS[character] for character in text])
    return _fill("UCS-2", [units for cluster in _clusters(text) for units in _ucs2_units(cluster)])


def odd_characters(text: str) -> tuple[str, ...]:
    """The characters, each once and in order, that make a text UCS-2 and so more than twice as long."""
    return tuple(dict.fromkeys(character for character in text if character not in _GSM_UNITS))


def forecast_cost(planned: pd.DataFrame, *, price_per_segment: float) -> pd.DataFrame:
    """Sum what the text messages of a plan (`PLANNED_COLUMNS`) will take, by message: `FORECAST_COLUMNS`.

    Rows that a rule removes and emails cost nothing and are left out. Each message is counted with one try.
    """
    sent = planned[(planned["rule"] == "") & (planned["channel"] == "sms")]
    counted = sent.assign(segments=sent["segments"].astype("int64")).groupby("message", sort=False)[
        "segments"
    ]
    summed = counted.agg(messages="size", segments="sum").reset_index()
    return summed.assign(cost=summed["segments"] * price_per_segment)[list(FORECAST_COLUMNS)]


def _fill(encoding: Literal["GSM-7", "UCS-2"], units: list[int]) -> Segments:
    total = sum(units)
    if total <= _ALONE[encoding]:
        return Segments(encoding, min(total, 1), total)
    count, free = 1, _CHAINED[encoding]
    for size in units:
        if size > free:
            count, free = count + 1, _CHAINED[encoding]
        free -= size
    return Segments(encoding, count, total)


def _ucs2_units(cluster: str) -> list[int]:
    """The units of what stays together: the whole cluster, unless no segment could hold it."""
    sizes = [2 if character > "\uffff" else 1 for character in cluster]
    return [sum(sizes)] if sum(sizes) <= _CHAINED["UCS-2"] else sizes


def _clusters(text: str) -> Iterator[str]:
    """Split a text into what people see as one character: letters with accents, emoji, flags."""
    cluster = ""
    for character in text:
        if cluster and not _continues(cluster, character):
            yield cluster
            cluster = ""
        cluster += character
    if cluster:
        yield cluster


def _continues(cluster: str, character: str) -> bool:
    last = cluster[-1]
    if _is_flag_letter(character):
        return len(cluster) == 1 and _is_flag_letter(last)
    is_mark = unicodedata.category(character) in ("Mn", "Me", "Mc")
    is_joined = character == "\u200d" or (last == "\u200d" and len(cluster) > 1)
    is_skin_tone = "\U0001f3fb" <= character <= "\U0001f3ff"
    return is_mark or is_joined or is_skin_tone or (last + character) == "\r\n"


def _is_flag_letter(character: str) -> bool:
    return "\U0001f1e6" <= character <= "\U0001f1ff"
