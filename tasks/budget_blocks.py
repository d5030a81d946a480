"""Blocks of slots: the part of a budget that all machines share, a limit of their Prefect server."""

from __future__ import annotations

import time
from collections.abc import Callable
from http import HTTPStatus
from typing import NamedTuple

import httpx
from prefect.client.orchestration import SyncPrefectClient, get_client
from prefect.client.schemas.actions import GlobalConcurrencyLimitCreate
from prefect.exceptions import ObjectAlreadyExists

from capstan.errors import Refused

# A poll that finds nothing to do asks REDCap three times, and so Prefect once; what asks for more goes on.
_FIRST_BLOCK, _LARGEST_BLOCK = 3, 10
# What is left of a block then is given up: kept, the blocks of many processes would add up to a rush.
LIFE_SECONDS = 5.0
_SHARE_OF_BLOCK, _SHARE_AT_ONCE = 0.02, 0.08


class Rate(NamedTuple):
    """Slots that are there at once, how many more every second, and how many are taken together."""

    slots: int
    per_second: float
    block: int


def rate_for(per_minute: int) -> Rate:
    """Return the rate at which no minute sees more than `per_minute` requests.

    In a minute those of blocks are sent that were taken in it, or a block's life before: all slots that
    were there at once, and what came since.
    """
    block = min(_LARGEST_BLOCK, max(1, round(per_minute * _SHARE_OF_BLOCK)))
    slots = max(block, round(per_minute * _SHARE_AT_ONCE))
    return Rate(slots, (per_minute - slots) / (60 + LIFE_SECONDS), block)


class Blocks:
    """Takes slots of a limit with slot decay in blocks, and hands them out one by one.

    The limit is made at first use; one that is there is left as people set it.
    """

    def __init__(
        self,
        name: str,
        *,
        rate: Rate,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self.name, self._rate, self._clock, self._sleep = name, rate, clock, sleep
        self._size = min(_FIRST_BLOCK, rate.block)
        self._left, self._until = 0, 0.0

    def take(self) -> None:
        """Use up one slot, after waiting for it; raises Refused for a limit that cannot be used.

        Raises httpx.HTTPError where the Prefect server gives no usable answer.
        """
        if not self._left or self._clock() >= self._until:
            with get_client(sync_client=True) as client:
                self._until = self._take_block(client) + LIFE_SECONDS
            self._left, self._size = self._size, self._rate.block
        self._left -= 1

    def _take_block(self, client: SyncPrefectClient) -> float:
        """Return the time before the slots were counted, from which on they may be used."""
        while True:
            asked = self._clock()
            try:
                answer = client.increment_concurrency_slots([self.name], self._size, "rate_limit")
            except httpx.HTTPStatusError as error:
                self._sleep(self._pause(error.response))
                continue
            if answer.json():
                return asked
            self._make(client)

    def _pause(self, answer: httpx.Response) -> float:
        if answer.status_code == HTTPStatus.UNPROCESSABLE_ENTITY:
            raise Refused(
                f"The limit {self.name!r} of the Prefect server cannot be used: give it {self._rate.block} "
                "slots or more and a slot decay, or delete it, so that it is made anew."
            )
        if answer.status_code != HTTPStatus.LOCKED:
            answer.raise_for_status()
        return float(answer.headers.get("Retry-After") or 1.0)

    def _make(self, client: SyncPrefectClient) -> None:
        limit = GlobalConcurrencyLimitCreate(
            name=self.name, limit=self._rate.slots, slot_decay_per_second=self._rate.per_second
        )
        try:
            client.create_global_concurrency_limit(limit)
        except ObjectAlreadyExists:
            return  # another process was faster
