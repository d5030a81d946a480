"""What a participant's text means: stop, start, help, the wrong person, distress, or a study's own word."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from types import MappingProxyType

from capstan.replies.phrases import AUTOMATIC, DISTRESS, POLITE, WISH_TO_STOP, WRONG_NUMBER
from capstan.study.messages import Inbound, Keyword

# Twilio takes these words, alone in a text, by itself and answers them. Source: its default keywords, 2026.
STOP_WORDS = frozenset({"stop", "stopall", "unsubscribe", "cancel", "end", "quit", "revoke", "optout"})
START_WORDS = frozenset({"start", "yes", "unstop"})
HELP_WORDS = frozenset({"help", "info"})
_RESERVED = STOP_WORDS | START_WORDS | HELP_WORDS
# These mean the same, but nobody else takes them.
_OUR_STOP_WORDS = frozenset(
    {"opt out", "alto", "parar", "pare", "basta", "cancelar", "arret", "stopp", "stop2quit"}
)
_OUR_HELP_WORDS = frozenset({"ayuda", "aide", "hilfe"})


class Meaning(StrEnum):
    """What a reply can mean; the first ones matter most."""

    DISTRESS = "distress"  # somebody may be in danger: staff are called at once
    STOP = "stop"  # nothing more to this address
    WISH_TO_STOP = "wish to stop"  # sounds like it: nothing more until a person has looked
    WRONG_NUMBER = "wrong number"  # somebody else reads it: nothing more, and the number is wrong
    START = "start"  # the messages are welcome again
    HELP = "help"
    KEYWORD = "keyword"  # a word of this study
    AUTOMATIC = "automatic"  # a machine wrote it: never answer
    QUESTION = "question"  # anything else: a person reads it


BLOCK_OF: Mapping[Meaning, str] = MappingProxyType(
    {
        Meaning.STOP: "opted_out",
        Meaning.WISH_TO_STOP: "asked_to_stop",
        Meaning.WRONG_NUMBER: "bad_address",
    }
)
"""Why an address is blocked after such a reply, as a key of `message.RULES`. START lifts `opted_out` only."""

CAUSE_OF: Mapping[Meaning, str] = MappingProxyType(
    {
        Meaning.DISTRESS: "distress",
        Meaning.WISH_TO_STOP: "question",
        Meaning.WRONG_NUMBER: "question",
        Meaning.QUESTION: "question",
    }
)
"""Under which cause staff are told of such a reply."""


@dataclass(frozen=True)
class Reply:
    """What a text means, the most important meaning first; `keyword` is the study's, where it has one.

    `is_answered` says that the provider has answered it already.
    """

    meanings: tuple[Meaning, ...]
    keyword: Keyword | None = None
    is_answered: bool = False


def interpret(text: str, inbound: Inbound, *, opt_out_type: str = "", redaction: bool = False) -> Reply:
    """Say what a text means.

    `opt_out_type` is Twilio's own reading (STOP, START, HELP), which goes before ours. With `redaction`
    Twilio's handling of such words is off, and we answer. A text may mean several things: a person may
    both want to stop and be in danger.
    """
    said = plain(text)
    alone = _without_polite(said)
    command = _command(said, opt_out_type=opt_out_type)
    keyword = next((each for each in inbound.keywords if alone in map(plain, each.words)), None)
    meanings = [command] if command else [Meaning.KEYWORD] if keyword else _of_free_text(said)
    if DISTRESS.search(said) or any(_is_within(plain(words), said) for words in inbound.distress):
        meanings = [Meaning.DISTRESS, *(each for each in meanings if each is not Meaning.QUESTION)]
    is_answered = not redaction and (bool(opt_out_type) or text.strip().lower() in _RESERVED)
    return Reply(tuple(meanings), None if command else keyword, is_answered)


def reserved_words(words: Iterable[str]) -> list[str]:
    """Those of a study's words that stop, start or ask for help already."""
    taken = _RESERVED | _OUR_STOP_WORDS | _OUR_HELP_WORDS
    return [word for word in words if plain(word) in taken]


_MOST_ANSWERS, _ANSWERS_WITHIN = 3, timedelta(minutes=10)


def may_answer(reply: Reply, answers: Sequence[datetime], *, now: datetime) -> bool:
    """Whether a text may be answered by itself; `answers` is when this address got such answers before.

    Two machines that answer each other would never end: after three answers in ten minutes nothing more.
    """
    recent = sum(moment > now - _ANSWERS_WITHIN for moment in answers)
    is_machine = Meaning.AUTOMATIC in reply.meanings
    return not is_machine and not reply.is_answered and recent < _MOST_ANSWERS


def plain(text: str) -> str:
    """A text in small letters, without accents, apostrophes and punctuation, single blanks between words."""
    bare = unicodedata.normalize("NFKD", unicodedata.normalize("NFKC", text).casefold())
    letters = "".join(each for each in bare if not unicodedata.combining(each))
    words = re.sub(r"[^\w\s]", " ", re.sub(r"['’‘`´]", "", letters)).replace("_", " ")
    return " ".join(words.split())


def _command(said: str, *, opt_out_type: str) -> Meaning | None:
    named = {"STOP": Meaning.STOP, "START": Meaning.START, "HELP": Meaning.HELP}
    if opt_out_type.upper() in named:
        return named[opt_out_type.upper()]
    if said in START_WORDS:  # to start again takes the bare word: "yes please" may answer another question
        return Meaning.START
    alone = _without_polite(said)
    if alone in STOP_WORDS | _OUR_STOP_WORDS:
        return Meaning.STOP
    return Meaning.HELP if alone in HELP_WORDS | _OUR_HELP_WORDS else None


def _of_free_text(said: str) -> list[Meaning]:
    readings = (
        (Meaning.WISH_TO_STOP, WISH_TO_STOP),
        (Meaning.WRONG_NUMBER, WRONG_NUMBER),
        (Meaning.AUTOMATIC, AUTOMATIC),
    )
    return [meaning for meaning, phrases in readings if phrases.search(said)] or [Meaning.QUESTION]


def _without_polite(said: str) -> str:
    return " ".join(POLITE.sub(" ", said).split()) or said


def _is_within(words: str, said: str) -> bool:
    return bool(words) and f" {words} " in f" {said} "
