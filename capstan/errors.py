"""Every error that Capstan raises on purpose, as one tree.

    CapstanError                   exit code 1; `retryable` says whether trying again can help
    ├── UsageError             2   what the person gave is wrong: a file, a name, an option
    │   ├── StudyError         2   the study folder: file, path in it, what to do
    │   ├── LogicError         2   an expression in REDCap's logic language: position and caret
    │   ├── InputFileError     2   a file to import that cannot be read as a table
    │   └── TriggerError       2   what was posted as a trigger is none
    ├── Refused                3   everything works, but Capstan will not do it
    │   ├── IdentityError      3   the token opens another project than the study names
    │   └── PutOff             3   not now; what is due by itself is tried again by itself (retryable)
    ├── RedcapError            1   REDCap, or the way to it
    │   ├── RedcapUnavailable  1   no usable answer: network, 5xx, HTML, empty body (retryable)
    │   │   └── OutcomeUnknown 1   a write got no usable answer: it may have taken place (not retryable)
    │   ├── RedcapBanned       1   the address was banned by REDCap's rate limiter
    │   ├── TokenRefused       1   the token opens nothing
    │   ├── RightMissing       1   the token's user may not do this
    │   ├── UnknownName        1   REDCap does not know a field, form, event or method
    │   └── RowsRefused        1   an import was refused; `.rows` has record, field and reason
    ├── MessagingError         1   Twilio or the mail server, or the way to it
    │   └── MessagingUnavailable 1 no usable answer, or too many calls (retryable)
    ├── PartnerUnavailable     1   no usable answer from a partner's server (retryable)
    ├── ExpectationRaised      1   expectations of a project that could not be judged; `.outcomes` has all
    └── StoreError             1   Capstan's own database or key

The text says what happened, where, and what to do. It holds counts and field names, never values of
participants and never a token: Prefect keeps exception text, so it is public.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, ClassVar

if TYPE_CHECKING:
    from capstan.quality.outcome import Outcome


class CapstanError(Exception):
    """Root of the tree: catch this to catch everything that Capstan raises on purpose.

    `run` is the id of the run that it ended, blank where none had begun.
    """

    exit_code: ClassVar[int] = 1
    retryable: ClassVar[bool] = False
    run: str = ""


class UsageError(CapstanError):
    """What the person gave is wrong; the text says which part and what to write instead."""

    exit_code = 2


class StudyError(UsageError):
    """A study folder cannot be read; the text starts with file and path in the file."""


class LogicError(UsageError):
    """An expression is not valid logic; `position` is the 0-based offset of the first wrong character.

    The text has the sentence first, then the expression's line and a caret under the place.
    """

    def __init__(self, message: str, *, expression: str = "", position: int = 0) -> None:
        self.message, self.expression, self.position = message, expression, position
        super().__init__(_with_caret(message, expression=expression, position=position))


class InputFileError(UsageError):
    """A file to import cannot be read as a table; the text has file, line and what to do."""


class TriggerError(UsageError):
    """What was posted as a data entry trigger is none; the text names what is missing."""


class Refused(CapstanError):
    """Capstan will not do it: a limit, a guard or a protection stands against it."""

    exit_code = 3


class IdentityError(Refused):
    """The token opens another project than the one that the study names."""


class PutOff(Refused):
    """Nothing was done, because it is not the time for it: REDCap is down, or another run has the turn.

    `is_covered` says that another run, which waits already, will do the same. `summary` is what the flow
    comes to all the same; None where a person waits for it, who must hear of it.
    """

    retryable = True

    def __init__(self, message: str, *, is_covered: bool = False) -> None:
        self.is_covered = is_covered
        self.summary: Mapping[str, object] | None = None
        super().__init__(message)


class RedcapError(CapstanError):
    """REDCap, or the way to it, did not do what was asked."""


class RedcapUnavailable(RedcapError):
    """No usable answer came: network, timeout, 5xx, an HTML page, an empty body."""

    retryable = True


class OutcomeUnknown(RedcapUnavailable):
    """A write got no usable answer, so it may or may not have taken place: read back before trying again."""

    retryable = False


class RedcapBanned(RedcapError):
    """REDCap's rate limiter banned this address; only its administrator can lift that."""


class TokenRefused(RedcapError):
    """The token opens no project."""


class RightMissing(RedcapError):
    """The token's user lacks a right that the call needs."""


class UnknownName(RedcapError):
    """REDCap does not know a field, form, event or method that was named."""


class RowsRefused(RedcapError):
    """REDCap refused an import; `rows` holds (record, field, reason), without the values.

    Record ids may identify people, so they are in `rows` and not in the text.
    """

    def __init__(self, message: str, *, rows: tuple[tuple[str, str, str], ...] = ()) -> None:
        self.rows = rows
        super().__init__(message)


class MessagingError(CapstanError):
    """Twilio or the mail server did not do what was asked; sending itself answers with outcomes instead."""


class MessagingUnavailable(MessagingError):
    """No usable answer came, or too many were asked for."""

    retryable = True


class PartnerUnavailable(CapstanError):
    """A partner's server gave no usable answer: network, timeout, 5xx."""

    retryable = True


class ExpectationRaised(CapstanError):
    """Expectations could not be judged, so nobody knows whether they are met; `outcomes` has all."""

    def __init__(self, message: str, *, outcomes: tuple[Outcome, ...] = ()) -> None:
        self.outcomes = outcomes
        super().__init__(message)


class StoreError(CapstanError):
    """Capstan's own database or key cannot be used."""


def _with_caret(message: str, *, expression: str, position: int) -> str:
    if not expression:
        return message
    start = expression.rfind("\n", 0, position) + 1
    end = expression.find("\n", position)
    line = expression[start : len(expression) if end < 0 else end]
    return f"{message}\n  {line}\n  {' ' * (position - start)}^"
