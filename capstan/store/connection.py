"""The open store: an engine and the keys that seal participants' data."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from types import TracebackType

import pandas as pd
from sqlalchemy import Connection, Engine, insert, select, update

from capstan.errors import StoreError
from capstan.store.engine import make_engine
from capstan.store.failures import values_kept_out
from capstan.store.frames import pack, unpack
from capstan.store.keys import KeyRing
from capstan.store.migrate import migrate
from capstan.store.tables import KEY_CHECK

_WORD = b"capstan"


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
                _check_key(store)
            except BaseException:
                store.close()
                raise
        return store

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


def _check_key(store: Store) -> None:
    with store.read() as connection:
        token = connection.execute(select(KEY_CHECK.c.token)).scalar()
    if token is None:
        _write_key_check(store)
        return
    if store.keys.is_newest(token):
        return
    try:
        renewed = store.keys.renew(token)
    except StoreError as error:
        raise StoreError(
            f"The key does not fit this store. {error} If it is lost, move the store away to begin a new one."
        ) from None
    # Sealed again with the newest key, so that a former key can be dropped later.
    with store.write() as connection:
        connection.execute(update(KEY_CHECK).values(token=renewed))


def _write_key_check(store: Store) -> None:
    with store.write() as connection:
        if connection.execute(select(KEY_CHECK.c.id)).first() is None:
            connection.execute(insert(KEY_CHECK).values(id=1, token=store.keys.seal(_WORD)))
