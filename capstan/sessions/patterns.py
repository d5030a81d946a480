"""Patterns that a study brings: compiled only if no text, however odd, can keep them busy."""

from __future__ import annotations

import re
from collections.abc import Iterator

from capstan.sessions import LONGEST

PARTS = ("study", "site", "subject", "timepoint", "session")
_MOST_TRIES = 1_000_000
# What a pattern is made of, as far as it matters here. Flags within a pattern could change the meaning of
# all the rest, so an opening that has some is no opening.
_TOKEN = re.compile(
    r"""
      (?P<escape>  \\. )
    | (?P<class>   \[ \^? \]? (?: \\. | [^\]\\] )* \] )
    | (?P<repeat>  [*+?] [?+]? | \{ [0-9]* ,? [0-9]* \} [?+]? )
    | (?P<open>    \( (?: \? (?: P<\w+> | [:=!] | <[=!] ) )? )
    | (?P<close>   \) )
    | (?P<choice>  \| )
    | (?P<other>   . )
    """,
    re.VERBOSE | re.DOTALL,
)


def compile_pattern(text: str) -> re.Pattern[str]:
    """Compile a pattern; raises ValueError with what to do where it is none, or could take too long.

    No group may be repeated, so that every way to share out a text among the repetitions is tried once;
    and there may not be too many ways for a text of `LONGEST` characters.
    """
    try:
        compiled = re.compile(text)
    except (re.error, OverflowError, RecursionError):
        raise ValueError("must be a regular expression") from None
    if _ways(text) > _MOST_TRIES:
        raise ValueError("could take too long; say how long each part is at most, as in [0-9]{1,6}")
    return compiled


def compile_id_pattern(text: str) -> re.Pattern[str]:
    """Compile the pattern of a study's session ids; ValueError unless its named groups are `PARTS`."""
    compiled = compile_pattern(text)
    unknown = sorted(set(compiled.groupindex) - set(PARTS))
    if unknown:
        raise ValueError(f"has a group {unknown[0]!r}; the groups are {', '.join(PARTS)}")
    if "subject" not in compiled.groupindex:
        raise ValueError("must have a group (?P<subject>…)")
    return compiled


def _ways(text: str) -> int:
    """How many ways a text of `LONGEST` characters can be tried at most."""
    ways, unbounded = 1, 0
    for kind, token, after in _tokens(text):
        if kind == "choice":
            ways *= 2
        elif kind == "repeat":
            if after == "close" and token[0] != "?":
                raise ValueError("repeats a group; write its parts out one after the other")
            choices = _choices(token)
            # Of several unbounded parts, the lengths add up to the text's at most.
            unbounded += choices >= LONGEST
            ways = ways * choices // max(unbounded if choices >= LONGEST else 1, 1)
    return ways


def _tokens(text: str) -> Iterator[tuple[str, str, str]]:
    """Each token's kind and text, and the kind of the one before it."""
    before = ""
    for found in _TOKEN.finditer(text):
        kind = str(found.lastgroup)
        if before == "open" and kind == "repeat":
            raise ValueError("has flags or another special group; only (?P<name>…) and (?:…) are known")
        yield kind, found[0], before
        before = kind


def _choices(repeat: str) -> int:
    """How many lengths a repetition allows."""
    if repeat[0] in "*+?":
        return 2 if repeat[0] == "?" else LONGEST
    low, comma, high = repeat.rstrip("?+").strip("{}").partition(",")
    if not comma:
        return 1
    return min(int(high or LONGEST), LONGEST) - min(int(low or 0), LONGEST) + 1
