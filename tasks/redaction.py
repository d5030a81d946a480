"""Redaction: tokens, telephone numbers and mail addresses leave every log line before a handler sees it.

Our own lines hold counts only; this is for those of libraries, and for mistakes.
"""

from __future__ import annotations

import logging
import re
from typing import Any

REDACTED = "[redacted]"
_SECRETS = re.compile(
    r"""
    [\w.+%-]+@[\w-]+(?:\.[\w-]+)+                                   # mail addresses
    | (?<![0-9A-Za-z])(?:[0-9A-Fa-f]{32}|[0-9A-F]{64})(?![0-9A-Za-z])  # tokens; lower case of 64: a digest
    | (?<![\w./-])\+[0-9](?:[ .()-]{0,2}[0-9]){7,14}(?![\w-])      # +1 628 555 0123
    | (?<![\w./-])(?:\([0-9]{3}\)[ ]?|[0-9]{3}[ .-]?)[0-9]{3}[ .-]?[0-9]{4}(?![\w-])  # (628) 555-0123
    """,
    re.VERBOSE,
)
_plain = logging.getLogRecordFactory()
_formatter = logging.Formatter()


def redact(text: str) -> str:
    """Replace whatever looks like a token, a telephone number or a mail address."""
    return _SECRETS.sub(REDACTED, text)


def redacted_record(*args: Any, **kwargs: Any) -> logging.LogRecord:
    """Make a log record whose message and traceback are redacted."""
    record = _plain(*args, **kwargs)
    try:
        message = record.getMessage()
    except (TypeError, ValueError, KeyError):
        return record  # a line with the wrong arguments: logging itself says so
    if redact(message) != message:
        record.msg, record.args = redact(message), ()
    if record.exc_info:
        told = _formatter.formatException(record.exc_info)
        if redact(told) != told:
            record.exc_info, record.exc_text = None, redact(told)
    return record


def redact_logs() -> None:
    """Redact all log lines of this process from now on.

    At the source and not by a filter on each handler: Prefect makes its handlers anew for each run.
    """
    logging.setLogRecordFactory(redacted_record)
