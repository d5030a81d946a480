"""Turns errors of the database into StoreErrors that carry no values."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy.exc import DBAPIError, SQLAlchemyError, StatementError

from capstan.errors import StoreError

_ADVICE = {
    "SQLITE_BUSY": "Another process has kept it busy for too long; try again later",
    "SQLITE_CANTOPEN": "Its file cannot be opened; check that its folder exists and belongs to you",
    "SQLITE_CORRUPT": "Its file is damaged; restore it from a backup",
    "SQLITE_FULL": "The disk is full; make room and start again",
    "SQLITE_IOERR": "The disk reported an error; check the disk",
    "SQLITE_NOTADB": "Its file is no SQLite database; check CAPSTAN_STORE",
    "SQLITE_READONLY": "Its file or folder is read-only; make it writable for you",
}


@contextmanager
def values_kept_out() -> Iterator[None]:
    """Replace errors of SQLAlchemy by StoreErrors whose text and chain hold no statement and no values.

    Even with hidden parameters the database's own text can quote a row (PostgreSQL does), and the
    exception object holds the parameters.
    """
    try:
        yield
        return
    except SQLAlchemyError as error:
        failure = _explain(error)
    try:
        raise failure
    except StoreError:
        # Inside a `with` Python links the original by itself, and would hand its values on.
        failure.__context__ = None
        raise


def _explain(error: SQLAlchemyError) -> StoreError:
    if isinstance(error, StatementError) and isinstance(error.orig, StoreError):
        return StoreError(str(error.orig))
    code = _code_of(error)
    family = "_".join(code.split("_")[:2])
    advice = _ADVICE.get(family, "Check CAPSTAN_STORE and that the database can be reached")
    return StoreError(f"The store cannot be used ({type(error).__name__}{code and ' ' + code}). {advice}.")


def _code_of(error: SQLAlchemyError) -> str:
    if not isinstance(error, DBAPIError):
        return ""
    code = getattr(error.orig, "sqlite_errorname", None) or getattr(error.orig, "sqlstate", None)
    return str(code or "")
