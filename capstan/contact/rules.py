"""The rules about one participant: stopped, paused, consent, and an address that may be used."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
import pandas as pd

from capstan.addresses import mail_address, phone_number
from capstan.contact.history import judge_history
from capstan.contact.strike import strike
from capstan.delivery import Channel
from capstan.logic import Table, parse
from capstan.message import STOPPED, History
from capstan.periods import read_dates

if TYPE_CHECKING:
    from capstan.study import Study
    from capstan.study.messages import Message

# Why an address may be blocked; the first that is given is named, and any other is the last.
_BLOCKS = ("opted_out", "asked_to_stop", "bad_address", "blocked")

Mask = npt.NDArray[np.bool_]


@dataclass(frozen=True, eq=False, repr=False)
class ContactRules:
    """Judges contacts: frames with record, occasion, the table's row in `row`, and `rule`, "" at first.

    `now` is in the study's zone.
    """

    study: Study
    table: Table
    history: History
    now: datetime

    def judge(self, contacts: pd.DataFrame, message: Message) -> pd.DataFrame:
        """Apply every rule in its order; adds `channel` and `address`, and a number to repeated occasions.

        The column `last_state` is the state of the newest message of the same occasion, "" if none.
        """
        judged = self._judge_consent(contacts, message)
        judged = self._judge_address(judged, message)
        return judge_history(judged, message, told=self.history.messages, now=self.now)

    def evaluate(self, logic: str, contacts: pd.DataFrame) -> pd.Series[str]:
        """What logic gives in the rows of contacts, by position."""
        rows = pd.Index(contacts["row"])
        return self.table.evaluate(parse(logic), now=self.now, rows=rows).set_axis(contacts.index)

    def _holds(self, logic: str, contacts: pd.DataFrame) -> Mask:
        rows = pd.Index(contacts["row"])
        return self.table.truth(parse(logic), now=self.now, rows=rows).to_numpy(dtype=bool)

    def _judge_consent(self, contacts: pd.DataFrame, message: Message) -> pd.DataFrame:
        policy = self.study.messaging
        for stop in policy.stop_when:
            contacts = strike(contacts, self._holds(stop.rule, contacts), rule=STOPPED + stop.reason)
        if policy.paused_until:
            said = self.evaluate(policy.paused_until, contacts)
            until = read_dates(said)
            # A pause whose end cannot be read has not ended.
            is_paused = (until > np.datetime64(self.now.date(), "D")) | ((said != "") & np.isnat(until))
            contacts = strike(contacts, is_paused, rule="paused")
        return strike(contacts, ~self._holds(message.consent, contacts), rule="no_consent")

    def _judge_address(self, contacts: pd.DataFrame, message: Message) -> pd.DataFrame:
        typed = self.evaluate(message.to, contacts).str.strip()
        address = self._normal(typed, channel=message.channel)
        shown = address.where(address != "", typed)
        judged = contacts.assign(channel=message.channel, address=shown)
        judged = strike(judged, typed == "", rule="no_address")
        judged = strike(judged, address == "", rule="bad_address")
        reasons = self._blocks(judged)
        for rule in reasons[reasons != ""].unique():
            judged = strike(judged, reasons == rule, rule=rule)
        if self.study.messaging.live:
            return judged
        return strike(judged, ~address.isin(self._test_addresses(message.channel)), rule="not_live")

    def _normal(self, typed: pd.Series[str], *, channel: str) -> pd.Series[str]:
        sms = self.study.messaging.sms
        region = sms.region if sms else "US"
        is_sms = channel == Channel.SMS
        normal = {
            text: phone_number(text, region=region) if is_sms else mail_address(text)
            for text in typed.unique()
        }
        return typed.map(normal).astype("str")

    def _test_addresses(self, channel: str) -> frozenset[str]:
        typed = pd.Series(self.study.messaging.test_addresses, dtype="str")
        return frozenset(self._normal(typed, channel=channel)) - {""}

    def _blocks(self, contacts: pd.DataFrame) -> pd.Series[str]:
        """Why each address is blocked, "" if it is not; a wish to stop goes before other reasons."""
        blocks = self.history.blocks
        mine = blocks[blocks["channel"] == contacts["channel"].iloc[0]] if len(contacts) else blocks
        reasons = mine["reason"].where(mine["reason"].isin(_BLOCKS), _BLOCKS[-1])
        order = reasons.map(_BLOCKS.index).argsort(kind="stable")
        first = (
            mine.assign(reason=reasons).iloc[order].drop_duplicates("address").set_index("address")["reason"]
        )
        return first.reindex(contacts["address"]).fillna("").set_axis(contacts.index)
