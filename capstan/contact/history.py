"""The rules about what a participant was sent before: once for each occasion, or again after some time."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from capstan.contact.strike import strike
from capstan.message import NEVER_SENT, MessageState, write_time

if TYPE_CHECKING:
    from capstan.study.messages import Message

_KEY = ["record", "occasion"]
_REPETITION = r" #[0-9]+$"


def judge_history(
    contacts: pd.DataFrame, message: Message, *, told: pd.DataFrame, now: datetime
) -> pd.DataFrame:
    """Remove contacts (record, occasion, rule) that `told` (`HISTORY_COLUMNS`) stands against.

    A repeated occasion gets its number, as in "6 month #2". The column `last_state` is added: the state of
    the newest message of the same occasion, "" if there is none.
    """
    mine = told[(told["message"] == message.id) & (told["state"] != MessageState.SUPPRESSED)]
    every = message.limits.every
    earlier = _by_occasion(mine, contacts, is_repeated=every is not None)
    judged = contacts.assign(last_state=earlier["state"].fillna("").to_numpy())
    if every is None:
        judged = strike(judged, earlier["count"] > 0, rule="already")
    else:
        judged = _repeat(judged, earlier, since=write_time(now.astimezone(UTC) - every))
    judged = strike(judged, _doubles(judged), rule="already")
    return _judge_number(judged, mine, most=message.limits.per_participant)


def _by_occasion(mine: pd.DataFrame, contacts: pd.DataFrame, *, is_repeated: bool) -> pd.DataFrame:
    """For each contact how many messages its occasion had (`count`), and time and state of the `last`."""
    names = mine["occasion"].str.replace(_REPETITION, "", regex=True) if is_repeated else mine["occasion"]
    grouped = mine.assign(occasion=names).sort_values("at", kind="stable").groupby(_KEY)
    summed = grouped.agg(count=("state", "size"), last=("at", "last"), state=("state", "last"))
    found = summed.reindex(pd.MultiIndex.from_frame(contacts[_KEY]))
    return found.assign(count=found["count"].fillna(0).astype("int64"))


def _repeat(contacts: pd.DataFrame, earlier: pd.DataFrame, *, since: str) -> pd.DataFrame:
    judged = strike(contacts, earlier["last"].fillna("") > since, rule="too_soon")
    counts, names = earlier["count"].to_numpy(), judged["occasion"].to_numpy(dtype=object)
    numbered = [f"{name} #{count + 1}" for name, count in zip(names, counts, strict=True)]
    return judged.assign(occasion=np.where(counts > 0, numbered, names))


def _doubles(contacts: pd.DataFrame) -> pd.Series[bool]:
    """Contacts of one and the same occasion: the study may give several places one name."""
    again = contacts[contacts["rule"] == ""].duplicated(_KEY)
    return again.reindex(contacts.index, fill_value=False)


def _judge_number(contacts: pd.DataFrame, mine: pd.DataFrame, *, most: int) -> pd.DataFrame:
    if not most:
        return contacts
    sent = mine.loc[~mine["state"].isin(NEVER_SENT), "record"].value_counts()
    before = sent.reindex(contacts["record"], fill_value=0).to_numpy()
    here = (contacts["rule"] == "").astype("int64").groupby(contacts["record"]).cumsum().to_numpy()
    return strike(contacts, before + here > most, rule="cap_message")
