"""The desk: what answering a request takes."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from starlette.requests import Request

from capstan.store import Arrival
from receiver.addresses import Address
from receiver.bell import Bell
from receiver.door import SENDER
from receiver.informants import Informants
from receiver.pace import Pace
from receiver.signed_on import SignedOn
from receiver.writer import Job, Writer


@dataclass
class Desk:
    """What all requests of one process share; `informants` are replaced when a study file changes.

    `wrong` is how many refusals one sender gets before it is told to be quiet; `home` has the pages.
    """

    writer: Writer
    bell: Bell
    wrong: Pace
    informants: Informants
    public_url: str
    home: Path
    signed_on: SignedOn = field(default_factory=SignedOn)

    async def keep(self, arrival: Arrival) -> None:
        """Keep what was told, and have somebody work on it soon; raises Refusal where the store cannot."""
        await self.writer.keep(arrival)
        self.bell.tell(arrival.study)

    async def do(self, job: Job) -> None:
        """Do something with the store that is its own affair; raises Refusal where the store cannot."""
        await self.writer.keep(job)


def desk_of(request: Request) -> Desk:
    """The desk at which a request stands."""
    desk: Desk = request.app.state.desk
    return desk


def sender_at(request: Request) -> Address:
    """Where a request comes from, as the door found out."""
    sender: Address = request.scope[SENDER]
    return sender
