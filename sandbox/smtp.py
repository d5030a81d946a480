"""The sandbox's mail server: it takes every mail, sends none on, and lets the address choose its answer."""

from __future__ import annotations

import asyncio
import socket
import threading
from datetime import timedelta
from typing import Self

from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session

from sandbox.clock import STAMP
from sandbox.mail.certificate import make_certificate
from sandbox.mail.fates import Fate, fate_of
from sandbox.mail.letter import bounce_of
from sandbox.state import State

MAX_MAIL_BYTES = 10 << 20
BOUNCE_SECONDS = 2
# Every login is taken but this one, so that a wrong password can be tried.
WRONG_PASSWORD = b"wrong"
_TOLD = {4: "4.3.0 Try again later", 5: "5.1.1 This address is refused"}


class MailServer:
    """A mail server in a thread; it listens as soon as it is made."""

    def __init__(self, state: State, listener: socket.socket) -> None:
        self.port = int(listener.getsockname()[1])
        self._sink = Sink(state)
        state.mail_certificate, self._tls = make_certificate()
        self._loop = asyncio.new_event_loop()
        self._server = self._loop.run_until_complete(self._loop.create_server(self._protocol, sock=listener))
        self._thread = threading.Thread(target=self._loop.run_forever, name="sandbox mail", daemon=True)

    def start(self) -> Self:
        """Answer from now on."""
        self._thread.start()
        return self

    def stop(self) -> None:
        """Take no more mail, and cut the connections that are open."""
        if self._thread.is_alive():
            self._loop.call_soon_threadsafe(self._loop.stop)
            self._thread.join()
        self._loop.run_until_complete(self._end())
        self._loop.close()

    def _protocol(self) -> SMTP:
        return SMTP(
            self._sink,
            data_size_limit=MAX_MAIL_BYTES,
            enable_SMTPUTF8=True,
            hostname="sandbox.invalid",
            ident="SANDBOX: nothing is sent",
            tls_context=self._tls,
            auth_require_tls=False,
            authenticator=_authenticate,
            loop=self._loop,
        )

    async def _end(self) -> None:
        self._server.close()
        others = asyncio.all_tasks() - {asyncio.current_task()}
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)


class Sink:
    """What the server does with senders, recipients and mails; aiosmtpd finds these methods by name."""

    def __init__(self, state: State) -> None:
        self._state = state

    async def handle_RCPT(
        self, _: SMTP, __: Session, envelope: Envelope, address: str, ___: list[str]
    ) -> str:
        """Answer whether a recipient is taken."""
        lot = fate_of(address)
        if lot.fate is Fate.CODE:
            return f"{lot.number} {_TOLD[lot.number // 100]}"
        if lot.fate is Fate.GREY and await asyncio.to_thread(self._tries, address) <= lot.number:
            return "451 4.7.1 Greylisted, try again later"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: SMTP, _: Session, envelope: Envelope) -> str:
        """Keep a mail, one for each recipient, and answer as the worst of their addresses asks."""
        lots = {address: fate_of(address) for address in envelope.rcpt_tos}
        fates = {lot.fate for lot in lots.values()}
        await asyncio.sleep(max((lot.number for lot in lots.values() if lot.fate is Fate.SLOW), default=0))
        if Fate.AFTER_DATA in fates:
            return "554 5.7.1 The message is refused"
        if Fate.DROP not in fates:
            number = await asyncio.to_thread(self._keep, envelope)
        if fates & {Fate.DROP, Fate.LOST_ANSWER}:
            _cut(server)
        return f"250 OK: queued as {number}"

    def _tries(self, address: str) -> int:
        with self._state.writing():
            return self._state.store.mails.tried(address)

    def _keep(self, envelope: Envelope) -> int:
        raw, sender = envelope.original_content or b"", envelope.mail_from or ""
        state, number = self._state, 0
        with state.writing():
            now = state.clock.now()
            for address in envelope.rcpt_tos:
                fate = fate_of(address).fate
                number = state.store.mails.add(
                    now.strftime(STAMP), sender, recipient=address, fate=fate.value, raw=raw
                )
                if fate is Fate.BOUNCE and sender:
                    later = (now + timedelta(seconds=BOUNCE_SECONDS)).strftime(STAMP)
                    report = bounce_of(raw, address, sender=sender)
                    state.store.mails.add(later, "", recipient=sender, fate=Fate.TAKEN.value, raw=report)
        return number


def _cut(server: SMTP) -> None:
    if isinstance(server.transport, asyncio.Transport):
        server.transport.abort()
    # So that no answer is tried on what is cut.
    raise asyncio.CancelledError


def _authenticate(_: SMTP, __: Session, ___: Envelope, mechanism: str, data: object) -> AuthResult:
    is_wrong = not isinstance(data, LoginPassword) or data.password == WRONG_PASSWORD
    # Without `handled=False` no answer is written, and the client waits for ever.
    return AuthResult(success=not is_wrong, handled=False, auth_data=mechanism)
