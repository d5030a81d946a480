"""The words that Twilio itself acts on, and what it answers (3.5)."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum


class Word(StrEnum):
    """What a single word asks for."""

    STOP = "STOP"
    START = "START"
    HELP = "HELP"


_WORDS: Mapping[Word, tuple[str, ...]] = {
    Word.STOP: ("STOP", "STOPALL", "UNSUBSCRIBE", "CANCEL", "END", "QUIT", "REVOKE", "OPTOUT"),
    Word.START: ("START", "YES", "UNSTOP"),
    Word.HELP: ("HELP", "INFO"),
}
ANSWERS: Mapping[Word, str] = {
    Word.STOP: "You will get no more messages from this number. Reply START to get them again.",
    Word.START: "You will get messages from this number again. Reply STOP to end them, HELP for help.",
    Word.HELP: "Reply STOP to end messages from this number.",
}


def read_word(body: str) -> Word | None:
    """Return what a message asks for, if it is one of the words and nothing else."""
    text = body.strip().upper()
    return next((word for word, spellings in _WORDS.items() if text in spellings), None)
