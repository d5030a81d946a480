"""Storekeeping: backups of this installation's store and key, and the version of its tables."""

from __future__ import annotations

import logging
import os
from datetime import datetime
from pathlib import Path
from typing import Any

from sqlalchemy import make_url

from capstan.errors import StoreError, UsageError
from capstan.settings import Settings, load_settings
from capstan.store import KeyRing, load_keys, make_private_folder
from capstan.store.backup import Backup, back_up, key_name, opened_backup, read_label
from capstan.store.backup_notes import Note, note_backup, read_notes
from capstan.store.engine import make_engine
from capstan.store.failures import values_kept_out
from capstan.store.keys import KEY_FILE
from capstan.store.migrate import HEAD, known_versions, migrate_to, version_of
from capstan.store.restoring import live_runs, restore
from capstan.store.row_copies import count_rows

_log = logging.getLogger("capstan")


def look_at_store(*, now: datetime) -> dict[str, Any]:
    """What is known of the store, without a password and without changing it."""
    settings = load_settings()
    kept = read_notes(settings.home)
    engine = _engine(settings)
    try:
        with values_kept_out(), engine.connect() as connection:
            return {
                "store": make_url(settings.store_url).render_as_string(hide_password=True),
                "version": version_of(connection),
                "code_version": HEAD,
                "key": key_name(_keys(settings)),
                "store_backup": _said(kept.get("store")),
                "key_backup": _said(kept.get("key")),
                "running": live_runs(connection, now=now),
                "rows": count_rows(connection),
            }
    finally:
        engine.dispose()


def running_here(*, now: datetime) -> list[str]:
    """Runs of the store whose process lives, each in words; none where there is no store yet."""
    settings = load_settings()
    if not _version(settings):
        return []
    engine = _engine(settings)
    try:
        with values_kept_out(), engine.connect() as connection:
            return live_runs(connection, now=now)
    finally:
        engine.dispose()


def keep_backup(file: Path | None, *, now: datetime, keep: int = 0) -> tuple[Path, Backup]:
    """Back the store up into a new file, and write down when; a dated file in the home if none is named.

    With `keep` only so many of the dated files stay, the newest.
    """
    settings = load_settings()
    _refuse_no_store(settings)
    path = (file or _dated(settings.home, now=now)).absolute()
    made = back_up(settings.store_url, path, keys=_keys(settings), now=now)
    note_backup(settings.home, "store", Note(now, path, made.key))
    if keep:
        for old in sorted((settings.home / "backups").glob("store-*.sqlite"))[:-keep]:
            old.unlink(missing_ok=True)
    return path, made


def put_back(file: Path, *, now: datetime) -> tuple[Backup, Path | None]:
    """Restore a backup; gives what it is, and the backup of what it replaced, None where nothing was."""
    settings = load_settings()
    with values_kept_out(), opened_backup(file) as backup:
        read_label(backup)
    kept = keep_backup(None, now=now)[0] if _version(settings) else None
    return restore(settings.store_url, file, keys=_keys(settings), now=now), kept


def move_store(to: str | None, *, now: datetime) -> tuple[str, str, Path | None]:
    """Bring the tables to a version, after a backup; gives the version before, the new one, the backup."""
    settings = load_settings()
    before, after = _version(settings), to or HEAD
    if after not in known_versions():
        raise UsageError(
            f"There is no version {after!r} of the store; there are {', '.join(known_versions())}."
        )
    if before == after:
        return before, after, None
    kept = keep_backup(None, now=now)[0] if before else None
    engine = make_engine(settings.store_url)
    try:
        with values_kept_out():
            migrate_to(engine, after)
    finally:
        engine.dispose()
    return before, after, kept


def copy_key(file: Path, *, now: datetime) -> str:
    """Copy the key file, and write down when; gives the key's name. UsageError where there is no key file."""
    settings = load_settings()
    if settings.key is not None:
        raise UsageError("The key comes from CAPSTAN_KEY; keep a copy of that where you keep passwords.")
    name = key_name(_keys(settings))
    try:
        with os.fdopen(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as copy:
            copy.write((settings.home / KEY_FILE).read_bytes())
            os.fsync(copy.fileno())
    except FileExistsError:
        raise UsageError(f"{file} is there already; name another file.") from None
    except OSError as error:
        raise StoreError(f"The key cannot be copied to {file}: {error.strerror}.") from None
    note_backup(settings.home, "key", Note(now, file.absolute(), name))
    return name


def _keys(settings: Settings) -> KeyRing:
    keys = load_keys(settings.key, home=settings.home)
    if keys.made_file:
        _log.warning("made the key %s; back it up, the journal is lost without it", keys.made_file)
    return keys


def _engine(settings: Settings) -> Any:
    _refuse_no_store(settings)
    return make_engine(settings.store_url)


def _refuse_no_store(settings: Settings) -> None:
    """Make no store where one is only looked at."""
    file = store_file(settings)
    if file is not None and not file.exists():
        raise UsageError(f"There is no store at {file} yet; the first run makes it.")


def store_file(settings: Settings) -> Path | None:
    """The file of an SQLite store; None on a server."""
    url = make_url(settings.store_url)
    return Path(url.database or "") if url.get_backend_name() == "sqlite" else None


def _version(settings: Settings) -> str:
    file = store_file(settings)
    if file is not None and not file.exists():
        return ""
    engine = make_engine(settings.store_url)
    try:
        with values_kept_out(), engine.connect() as connection:
            return version_of(connection)
    finally:
        engine.dispose()


def _dated(home: Path, *, now: datetime) -> Path:
    return make_private_folder(home / "backups") / f"store-{now:%Y%m%d-%H%M%S}.sqlite"


def _said(note: Note | None) -> str:
    return f"{note.made_at:%Y-%m-%d %H:%M} UTC, {note.file}, key {note.key}" if note else "none"
