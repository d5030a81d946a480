"""The text functions of the logic language (redcap-api G.3); they see dates as ISO text."""

from __future__ import annotations

import math

from capstan.logic.columns import Column, Numbers, Texts, Truths, map_numbers, map_texts, map_truths
from capstan.logic.words import as_number


def contains(text: Column, part: Column) -> Truths:
    """Say whether a text has a part, whatever the case."""
    return map_truths(lambda whole, piece: piece.lower() in whole.lower(), text, part)


def lacks(text: Column, part: Column) -> Truths:
    """Say whether a text has no such part, whatever the case."""
    return Truths(~contains(text, part).truths)


def starts_with(text: Column, part: Column) -> Truths:
    """Say whether a text starts with a part, whatever the case."""
    return map_truths(lambda whole, piece: whole.lower().startswith(piece.lower()), text, part)


def ends_with(text: Column, part: Column) -> Truths:
    """Say whether a text ends with a part, whatever the case."""
    return map_truths(lambda whole, piece: whole.lower().endswith(piece.lower()), text, part)


def find(part: Column, text: Column) -> Numbers:
    """Give the place of a part in a text, from 1, whatever the case; 0 when it is not there or blank."""
    return map_numbers(lambda piece, whole: whole.lower().find(piece.lower()) + 1 if piece else 0, part, text)


def left(text: Column, count: Column) -> Texts:
    """Keep the first characters."""
    return map_texts(lambda whole, size: whole[: _whole(size)], text, count)


def right(text: Column, count: Column) -> Texts:
    """Keep the last characters."""
    return map_texts(lambda whole, size: whole[max(len(whole) - _whole(size), 0) :], text, count)


def middle(text: Column, start: Column, count: Column) -> Texts:
    """Keep some characters from a place, which counts from 1."""
    return map_texts(_middle, text, start, count)


def _middle(text: str, start: str, count: str) -> str:
    first = _whole(start)
    return text[first - 1 : first - 1 + _whole(count)] if first >= 1 else ""


def _whole(text: str) -> int:
    number = as_number(text)
    return 0 if math.isnan(number) else max(int(number), 0)


def length(text: Column) -> Numbers:
    """Count the characters; 0 for a blank."""
    return map_numbers(len, text)


def trim(text: Column) -> Texts:
    """Drop blanks and line breaks at both ends."""
    return map_texts(str.strip, text)


def upper(text: Column) -> Texts:
    """Write in capitals."""
    return map_texts(str.upper, text)


def lower(text: Column) -> Texts:
    """Write in small letters."""
    return map_texts(str.lower, text)


def replaced(text: Column, old: Column, new: Column) -> Texts:
    """Replace each occurrence of a part; case matters, and a blank part replaces nothing."""
    return map_texts(lambda whole, was, now: whole.replace(was, now) if was else whole, text, old, new)


def joined(*parts: Column) -> Texts:
    """Write texts one after the other."""
    return map_texts(lambda *texts: "".join(texts), *parts)


def joined_with(separator: Column, *parts: Column) -> Texts:
    """Write texts with a separator between them; blanks are skipped."""
    return map_texts(lambda between, *texts: between.join(filter(None, texts)), separator, *parts)
