"""Who has a phone: the participants whose text messages would go to a number."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from datetime import datetime
from typing import TYPE_CHECKING

import pandas as pd

from capstan.addresses import phone_number
from capstan.delivery import Channel
from capstan.logic import Layout, Table, parse

if TYPE_CHECKING:
    from capstan.study import Study


def phone_owners(
    study: Study, export: pd.DataFrame, *, layout: Layout, now: datetime
) -> Mapping[str, frozenset[str]]:
    """List the records by phone number in E.164, of all numbers that the study's messages may go to.

    `export` is keyed and has the fields of their `to`, which is asked on every row: whoever has a number on
    any of them has it, whether or not there is a reason to write today.
    """
    table, local = Table(export, layout), now.astimezone(study.zone)
    region = study.messaging.sms.region if study.messaging.sms else "US"
    rules = {message.to for message in study.messages if Channel(message.channel) is Channel.SMS}
    found: dict[str, set[str]] = defaultdict(set)
    for rule in sorted(rules):
        typed = table.evaluate(parse(rule), now=local)
        pairs = pd.DataFrame({"record": export[layout.record_field], "typed": typed}).drop_duplicates()
        numbers = {text: phone_number(text, region=region) for text in pairs["typed"].unique()}
        for record, text in pairs.itertuples(index=False):
            found[numbers[text]].add(str(record))
    return {number: frozenset(records) for number, records in found.items() if number}
