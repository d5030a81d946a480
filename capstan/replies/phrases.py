"""Phrases by which a free text is recognised, as patterns over plain words: no accents, no punctuation.

They err on the side of asking a person: what they find is paused or shown to staff, never settled.
"""

from __future__ import annotations

import re


def _phrases(lines: str) -> re.Pattern[str]:
    """One pattern of all lines, each of which must stand between the borders of words."""
    return re.compile("|".join(rf"\b(?:{line.strip()})\b" for line in lines.strip().splitlines()))


POLITE = _phrases("""
    please|pls|plz|thanks|thank you|thx|ok|okay
    por favor|gracias|merci|s il vous plait|bitte|danke
""")

WISH_TO_STOP = _phrases("""
    ^stop(?! (by|over|in|off)\\b)
    (i|you|to|must|should) stop( now)?$
    stop (it|this|that|now|these|those|all|me)
    stop (the )?(text|messag|contact|send|call|bother|writ|email|remind|harass|spam)\\w*
    (no|any) more (text|messag|contact|call|email|remind)\\w*
    ^no more$
    (dont|do not|never|quit|cease) (ever )?(text|messag|contact|send|call|bother|writ|email|remind)\\w*
    leave (me|us) alone
    (take|get) (me|us|my (name|number|phone)) off
    remove (me|us|my (name|number|phone|info\\w*))
    (lose|delete|erase|forget) (my|this) (name|number|phone|info\\w*|data|contact)
    unsubscrib(e|ing)
    opt(ed|ing)?( me)? out
    (drop|pull|back)(ping|ing)?( me)? out
    withdraw(ing|n)?
    (leav|quit)(e|ing)? (the|this|your) (study|trial|program\\w*)
    (no longer|not|dont|do not) (want|wish|like|care)( to)? (be|participate|take part|get|receive|continue)
    no longer (interested|participating)
    not interested
    (cancel|end) (my )?(participation|subscription|messages|texts)
    no (me|nos) (escrib|mand|envi|contact|molest|llam)\\w*
    no quiero (mas|recibir|participar|seguir|continuar)
    (deja|deje|dejen|dejar) de
    de baja|^baja$
    (quit|borr|elimin)(a|e|en)me
    retirarme
    no mas (mensajes|textos)
    ne (m|me) ?(envoyez|ecrivez|contactez|appelez) plus
    desabonn(er|ez)
""")

WRONG_NUMBER = _phrases("""
    (wrong|incorrect|bad) (number|person|phone)
    (not|isnt|no longer) (his|her|their|my|the|\\w+s) (number|phone|cell|mobile)
    (dont|do not) know (any(one|body)?|a|who|this person|that person)
    (no ?one|nobody)( here)? (by that name|with that name|named|called)
    (numero|telefono|persona) (equivocad|incorrect)[oa]
    se equivoc(o|aron)
    mauvais numero
    trompe de numero
""")

DISTRESS = _phrases("""
    suicid\\w*
    (kill|hurt|harm|cut)(t?ing)? (myself|my self)
    self ?harm\\w*
    (want|wanna|going|ready|wish) (to )?(die|be dead)
    wish i (was|were) dead
    (better off|rather be) dead
    (end|ending) it all
    (end|take)(ing)? my( own)? life
    (no|any) reason to live
    nothing to live for
    (dont|do not) (want to|wanna) (live|be alive)
    (cant|cannot|can not) (live|go on)( any ?more| any longer| like this)
    (cant|cannot|can not) go on$
    overdos\\w*
    took (too many|all (my|the)) pills
    emergency(?! (contact|phone|number))
    call(ed|ing)? 911
    (hit|beat|abus|rap|threaten)(s|es|ed|ing|ting)? (me|us)
    (hurts|hurting) (me|us)
    being abused
    domestic violence
    (cant|cannot|can not|not) breath(e|ing)
    chest pains?
    bleeding (a lot|badly|heavily)
    quiero (morir|morirme|matarme)
    matarme
    quitarme la vida
    hacerme dano
    no (quiero|puedo) (vivir|seguir viviendo)
    auxilio
    me (pega|golpea|viola|amenaza)
    emergencia
""")

AUTOMATIC = _phrases("""
    auto(matic|mated)? ?(reply|response|message|answer)
    out of( the)? office
    (i am|im) (currently )?driving
    do not disturb
    sent from my car
    (i am|im) (currently )?(away|unavailable|on vacation) (from|and|until|right)
    this (number|mailbox|inbox) is not (monitored|in service)
    estoy conduciendo
    respuesta automatica
""")
