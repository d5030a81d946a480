"""What a reply means, and when it is answered."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from capstan.message import RULES
from capstan.replies import (
    BLOCK_OF,
    CAUSE_OF,
    HELP_WORDS,
    START_WORDS,
    STOP_WORDS,
    Meaning,
    interpret,
    may_answer,
    plain,
    reserved_words,
)
from capstan.study.messages import Inbound

INBOUND = Inbound.model_validate(
    {"keywords": [{"words": ["RIDE", "need a ride"], "notify": True}], "distress": ["swallowed a tooth"]}
)
NOW = datetime(2026, 7, 1, 19, 0, tzinfo=UTC)
STOP, WISH, WRONG = Meaning.STOP, Meaning.WISH_TO_STOP, Meaning.WRONG_NUMBER
CASES = [
    (
        STOP,
        [
            "STOP",
            "stop",
            " Stop. ",
            "STOP!!",
            "ｓｔｏｐ",
            "“Stop”",
            "Stop please",
            "please stop",
            "Quit",
            "END",
        ],
    ),
    (STOP, ["opt out", "OPT-OUT", "optout", "revoke", "StopAll", "¡Alto!", "PARAR", "arrêt", "Cancel"]),
    (
        WISH,
        [
            "please stop texting me",
            "Stop it",
            "stop sending me these",
            "STOP CALLING",
            "no more texts please",
        ],
    ),
    (WISH, ["Don't text me", "Dont contact me again", "do not message this number", "quit texting me"]),
    (
        WISH,
        ["take me off your list", "Remove my name", "lose my number", "Delete my info", "leave me alone!"],
    ),
    (
        WISH,
        [
            "I want to opt out",
            "unsubscribe me",
            "we'd like to withdraw",
            "I’m dropping out",
            "not interested",
        ],
    ),
    (
        WISH,
        [
            "I don't want to participate anymore",
            "no longer wish to receive these",
            "I want to leave the study",
        ],
    ),
    (
        WISH,
        [
            "No me escriban más",
            "ya no quiero recibir mensajes",
            "dejen de molestar",
            "dar de baja",
            "no more",
        ],
    ),
    (
        WRONG,
        ["Wrong number", "you have the wrong person", "This isn't Maria's phone", "no longer her number"],
    ),
    (WRONG, ["I don't know anyone named Ann", "nobody here by that name", "Número equivocado"]),
    (Meaning.START, ["START", "yes", "Unstop", "yes."]),
    (Meaning.HELP, ["HELP", "info", "Ayuda", "help please"]),
    (Meaning.KEYWORD, ["RIDE", "ride!", "Ride please", "need a ride", "Need a ride."]),
    (
        Meaning.AUTOMATIC,
        ["I'm driving right now", "Auto-reply: away", "I am out of the office", "Sent from my car"],
    ),
    (Meaning.QUESTION, ["", "👍", "ok", "Thanks!", "When is my visit?", "Yes I can come", "yes please", "1"]),
    (Meaning.QUESTION, ["I will be there at the end of the day", "Can you cancel my Tuesday visit?"]),
    (
        Meaning.QUESTION,
        ["Can I stop by tomorrow?", "I am at the bus stop", "stop by at 5?", "I cant be here on Tuesday"],
    ),
    (
        Meaning.QUESTION,
        ["What is your emergency contact number?", "Do you text on Sundays?", "a ride home was fun"],
    ),
    (
        Meaning.DISTRESS,
        ["I want to die", "thinking about suicide", "I’m going to kill myself", "cant go on", "he hits me"],
    ),
    (Meaning.DISTRESS, ["took all my pills", "my child can't breathe", "quiero morir", "No quiero vivir"]),
    (Meaning.DISTRESS, ["She swallowed a tooth!", "this is an emergency"]),
]


@pytest.mark.parametrize(("meaning", "text"), [(meaning, text) for meaning, texts in CASES for text in texts])
def test_each_text_has_its_meaning(meaning: Meaning, text: str) -> None:
    assert interpret(text, INBOUND).meanings[0] is meaning


@pytest.mark.parametrize("word", sorted(STOP_WORDS | START_WORDS | HELP_WORDS))
def test_words_that_the_provider_takes_are_answered_by_it_unless_it_redacts(word: str) -> None:
    assert interpret(word.upper(), INBOUND).is_answered
    assert not interpret(word.upper(), INBOUND, redaction=True).is_answered


@pytest.mark.parametrize("text", ["opt out", "ALTO", "please stop", "RIDE", "hello", ""])
def test_other_words_are_ours_to_answer(text: str) -> None:
    assert not interpret(text, INBOUND).is_answered


@pytest.mark.parametrize(
    ("kind", "meaning"), [("STOP", STOP), ("START", Meaning.START), ("HELP", Meaning.HELP)]
)
def test_the_providers_own_reading_goes_first(kind: str, meaning: Meaning) -> None:
    reply = interpret("RIDE", INBOUND, opt_out_type=kind)

    assert (reply.meanings, reply.keyword, reply.is_answered) == ((meaning,), None, True)


def test_who_wants_to_stop_and_is_in_danger_means_both() -> None:
    assert interpret("Stop texting me, I want to die", INBOUND).meanings == (Meaning.DISTRESS, WISH)
    assert interpret("I want to die", INBOUND).meanings == (Meaning.DISTRESS,)


def test_a_keyword_is_known_with_what_the_study_says_of_it() -> None:
    reply = interpret("Need a ride, please", INBOUND)

    assert reply.keyword is INBOUND.keywords[0]


def test_words_of_the_study_must_not_stop_or_start_anything() -> None:
    assert reserved_words(["RIDE", "Yes", "cancel", "OPT OUT", "ayuda"]) == [
        "Yes",
        "cancel",
        "OPT OUT",
        "ayuda",
    ]


def test_every_meaning_that_blocks_has_a_rule_and_none_of_the_rest_does() -> None:
    assert set(BLOCK_OF) == {STOP, WISH, WRONG}
    assert set(BLOCK_OF.values()) <= set(RULES)
    assert Meaning.AUTOMATIC not in CAUSE_OF


def test_two_machines_do_not_answer_each_other_for_ever() -> None:
    reply = interpret("RIDE", INBOUND)
    recent = [NOW - timedelta(minutes=minutes) for minutes in (1, 5, 9)]
    older = [NOW - timedelta(minutes=minutes) for minutes in (1, 5, 10)]

    assert not may_answer(reply, recent, now=NOW)
    assert may_answer(reply, older, now=NOW)


def test_what_a_machine_wrote_and_what_the_provider_answered_get_no_answer() -> None:
    assert not may_answer(interpret("auto-reply: I'm driving", INBOUND), [], now=NOW)
    assert not may_answer(interpret("STOP", INBOUND), [], now=NOW)


@given(st.text(max_size=300))
def test_every_text_has_a_meaning_and_plain_words_stay_plain(text: str) -> None:
    assert interpret(text, INBOUND).meanings
    assert plain(plain(text)) == plain(text)


@given(st.sampled_from(sorted(STOP_WORDS)), st.text(" .!?\n\t\"'", max_size=5), st.booleans())
def test_a_stop_word_stops_in_any_case_and_with_any_punctuation(word: str, around: str, upper: bool) -> None:
    text = around.replace("'", "") + (word.upper() if upper else word) + around.replace("'", "")

    assert interpret(text, INBOUND).meanings == (STOP,)
