"""The open store: an engine and the keys that seal participants' data."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from types import TracebackType

import pandas as pd
from sqlalchemy import Connection, Engine, select, update

from capstan.errors import StoreError
from capstan.store.engine import make_engine
from capstan.store.failures import values_kept_out
from capstan.store.frames import pack, unpack
from capstan.store.keys import KeyRing
from capstan.store.migrate import HEAD, migrate, version_of
from capstan.store.tables import KEY_CHECK
from capstan.store.upserts import insert_new

_WORD = b"capstan"
_WORD_ROW, _MARK_ROW = 1, 2


@dataclass(frozen=True)
class Store:
    """An open store; the functions of this package take it first. Close it, or use it in a `with`."""

    engine: Engine
    keys: KeyRing

    @classmethod
    def open(cls, url: str, keys: KeyRing) -> Store:
        """Open a store by its SQLAlchemy URL, make or migrate its tables, and try the key on it.

        Raises StoreError when the database cannot be used or the keys are not the store's.
        """
        with values_kept_out():
            store = cls(make_engine(url), keys)
            try:
                migrate(store.engine)
                return _with_checked_keys(store)
            except BaseException:
                store.close()
                raise

    def is_current(self) -> bool:
        """Whether the tables are those that this code knows; StoreError where they cannot be reached."""
        with self.read() as connection:
            return version_of(connection) == HEAD

    def close(self) -> None:
        """Close all connections."""
        self.engine.dispose()

    def __enter__(self) -> Store:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: object, trace: TracebackType | None) -> None:
        self.close()

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """A transaction that only reads; errors come as StoreError, without values."""
        with values_kept_out(), self.engine.connect() as connection:
            yield connection

    @contextmanager
    def write(self) -> Iterator[Connection]:
        """A transaction that writes, on disk when it ends; errors come as StoreError, without values."""
        # IMMEDIATE, because SQLite cannot wait once a transaction that has read wants to write.
        engine = self.engine.execution_options(sqlite_begin="IMMEDIATE")
        with values_kept_out(), engine.begin() as connection:
            yield connection

    def seal(self, frame: pd.DataFrame) -> bytes:
        """A checked frame as encrypted bytes."""
        return self.keys.seal(pack(frame))

    def unseal(self, token: bytes) -> pd.DataFrame:
        """The frame that was sealed; StoreError when no key opens it."""
        return unpack(self.keys.unseal(token))


def _with_checked_keys(store: Store) -> Store:
    """Try the keys on both sealed words of the store, and hand on the secret of its fingerprints."""
    _sealed_word(store, _WORD_ROW, word=_WORD)
    secret = _sealed_word(store, _MARK_ROW, word=secrets.token_bytes(32))
    return replace(store, keys=store.keys.with_mark_key(secret))


def _sealed_word(store: Store, row: int, *, word: bytes) -> bytes:
    """The word that the store holds in a row; `word` is put there if it holds none."""
    query = select(KEY_CHECK.c.token).where(KEY_CHECK.c.id == row)
    with store.read() as connection:
        token = connection.execute(query).scalar()
    if token is None:
        token = _write_word(store, row, word=word)
    if store.keys.is_newest(token):
        return store.keys.unseal(token)
    try:
        renewed = store.keys.renew(token)
    except StoreError as error:
        raise StoreError(
            f"The key does not fit this store. {error} If it is lost, move the store away to begin a new one."
        ) from None
    # Sealed again with the newest key, so that a former key can be dropped later.
    with store.write() as connection:
        connection.execute(update(KEY_CHECK).where(KEY_CHECK.c.id == row).values(token=renewed))
    return store.keys.unseal(renewed)


def _write_word(store: Store, row: int, *, word: bytes) -> bytes:
    """Put a word into its row unless another process was faster; returns the token that is there."""
    with store.write() as connection:
        sealed = {"id": row, "token": store.keys.seal(word)}
        connection.execute(insert_new(connection, KEY_CHECK).values(sealed))
        return bytes(connection.execute(select(KEY_CHECK.c.token).where(KEY_CHECK.c.id == row)).scalar_one())
