"""Sessions: ids that name a study's timepoints and sessions, and what a form in REDCap may do to one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

LONGEST = 64
"""How many characters a session id may have; the bound keeps a study's own pattern quick."""


class BadId(NamedTuple):
    """Why a text is no session id of a study, and what to do; the text itself is not in it."""

    reason: str


@dataclass(frozen=True)
class SessionId:
    """One session id in its parts; `timepoint` and `session` are blank where it has none.

    `study` and `site` are the study's own codes, whatever convention the id was written in. A phantom is an
    object that tests the scanner.
    """

    study: str
    site: str
    subject: str
    timepoint: str = ""
    session: str = ""
    is_phantom: bool = False

    @property
    def full_subject(self) -> str:
        """Study, site and subject."""
        return _joined(self.study, self.site, self.subject)

    @property
    def name(self) -> str:
        """The timepoint's name: study, site, subject, and the timepoint where it has one."""
        return _joined(self.full_subject, self.timepoint)

    @property
    def bids_name(self) -> str:
        """What the subject is named in a BIDS folder: site and subject."""
        return self.site + self.subject

    @property
    def number(self) -> int:
        """The session's number; 0 where the id of a person tells none. A phantom has one session."""
        return int(self.session) if self.session else int(self.is_phantom)

    def __str__(self) -> str:
        """Write the id as long as it is known."""
        return _joined(self.name, self.session)


def _joined(*parts: str) -> str:
    return "_".join(part for part in parts if part)
