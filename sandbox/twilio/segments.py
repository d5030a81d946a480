"""How many segments a text takes (2.5)."""

from __future__ import annotations

from collections.abc import Iterable

_ONE_UNIT = (
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?"
    "¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
)
_UNITS = {**dict.fromkeys(_ONE_UNIT, 1), **dict.fromkeys("\f^{}\\[~]|€", 2)}
_JOINER = "\u200d"
_MODIFIERS = range(0x1F3FB, 0x1F400)
_FLAGS = range(0x1F1E6, 0x1F200)


def count_segments(body: str) -> int:
    """Return how many segments a text takes in GSM-7, or in UCS-2 where one character asks for it."""
    if all(character in _UNITS for character in body):
        return _fill([_UNITS[character] for character in body], one=160, many=153)
    return _fill([_width(cluster) for cluster in _clusters(body)], one=70, many=67)


def _fill(units: list[int], *, one: int, many: int) -> int:
    """Fill segments; what takes several units is never split over two."""
    if sum(units) <= one:
        return 1 if units else 0
    count, free = 1, many
    for unit in units:
        if unit > free:
            count, free = count + 1, many
        free -= unit
    return count


def _width(text: str) -> int:
    return len(text.encode("utf-16-be")) // 2


def _clusters(body: str) -> Iterable[str]:
    """Yield characters, with what belongs to an emoji kept in one piece."""
    cluster = ""
    for character in body:
        if cluster and not _continues(cluster, character):
            yield cluster
            cluster = ""
        cluster += character
    if cluster:
        yield cluster


def _continues(cluster: str, character: str) -> bool:
    if character in (_JOINER, "\ufe0f", "\u20e3") or cluster[-1] == _JOINER:
        return True
    if ord(character) in _MODIFIERS:
        return True
    return ord(character) in _FLAGS and len(cluster) == 1 and ord(cluster) in _FLAGS
