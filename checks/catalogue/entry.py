"""The entry of one check, and the words that many entries share."""

from __future__ import annotations

from typing import NamedTuple

from capstan.verdict import Severity


class Entry(NamedTuple):
    """One check, for people: severity, meaning in one line, what to do, what REDCap would do by itself.

    `needs` says what the check must know beyond the table and the data dictionary.
    """

    severity: Severity
    meaning: str
    remedy: str = ""
    redcap: str = ""
    needs: str = ""


FATAL, HOLD, ERROR, WARNING, NOTE = tuple(Severity)
REFUSES, ACCEPTS, IGNORES = "refuses the import", "accepts it silently", "ignores the value"
STORED = "what REDCap holds"
WHOLE = "all that REDCap holds: it is judged by audits alone"
