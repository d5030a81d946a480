"""Examination of the home: who may enter it, whether there is room, and when store and key were copied."""

from __future__ import annotations

import os
import shutil
import stat
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path

from capstan.settings import Settings
from capstan.store import KeyRing
from capstan.store.backup import key_name
from capstan.store.backup_notes import Note, read_notes
from tasks.finding import Finding
from tasks.storekeeping import store_file

BACKUP_AGE = timedelta(days=7)
_LEAST_BYTES, _FEW_BYTES = 200_000_000, 2_000_000_000


def look_at_home(settings: Settings, *, keys: KeyRing, now: datetime) -> Iterator[Finding]:
    """Findings on the home, the disk that it is on, and the copies of store and key."""
    if settings.home.is_dir():
        yield _permissions(settings.home)
        yield _room(settings)
    else:
        yield Finding("home", "ok", f"{settings.home} is made by the first run")
    notes = read_notes(settings.home)
    yield _store_backup(notes.get("store"), keys=keys, now=now)
    yield _key_backup(notes.get("key"), settings=settings, keys=keys)


def _permissions(home: Path) -> Finding:
    open_to_others = [path.name for path in (home, *_files(home)) if _is_open(path)]
    if open_to_others:
        names = ", ".join(open_to_others[:3])
        return Finding("home", "fail", f"others may read {names}; run `chmod -R go= {home}`")
    if os.name == "posix" and home.stat().st_uid != os.geteuid():
        said = f"{home} belongs to another user; run Capstan as that user, or give it a home of its own"
        return Finding("home", "fail", said)
    return Finding("home", "ok", f"{home}, for its owner only")


def _files(home: Path) -> Iterator[Path]:
    """What Capstan keeps in the home, and copies of it; what else lies there is as closed as the home."""
    for pattern in ("store*", "*.key", "backups/*"):
        yield from home.glob(pattern)


def _is_open(path: Path) -> bool:
    return os.name == "posix" and bool(stat.S_IMODE(path.stat().st_mode) & 0o077)


def _room(settings: Settings) -> Finding:
    try:
        free = shutil.disk_usage(settings.home).free
        store = store_file(settings)
        size = store.stat().st_size if store and store.exists() else 0
    except OSError as error:
        return Finding("disk", "fail", f"the home's disk cannot be looked at: {error.strerror}")
    said = f"{free / 1e9:.1f} GB free"
    if free < _LEAST_BYTES:
        return Finding("disk", "fail", f"{said}; make room, runs fail when nothing can be journaled")
    # A restore writes the store once more before it forgets the former one.
    if free < max(_FEW_BYTES, 3 * size):
        return Finding("disk", "warn", f"{said}, little for a store of {size / 1e9:.1f} GB; make room")
    return Finding("disk", "ok", said)


def _store_backup(note: Note | None, *, keys: KeyRing, now: datetime) -> Finding:
    what, again = "store backup", "run `capstan store backup` every day"
    if note is None:
        return Finding(what, "warn", f"none is known; {again}, and copy it to another machine")
    age = now - note.made_at
    if age > BACKUP_AGE:
        return Finding(what, "warn", f"{age.days} days old; {again}")
    if note.key != key_name(keys):
        said = f"it was made under the former key {note.key}; keep that key, or run `capstan store backup`"
        return Finding(what, "warn", said)
    return Finding(what, "ok", f"{_in_words(age)} old")


def _key_backup(note: Note | None, *, settings: Settings, keys: KeyRing) -> Finding:
    what, name = "key backup", key_name(keys)
    if settings.key is not None:
        return Finding(what, "ok", f"key {name} comes from CAPSTAN_KEY; keep a copy of it elsewhere")
    if note is None or note.key != name:
        said = f"no copy of key {name} is known; run `capstan store keep-key FILE` with a file elsewhere"
        return Finding(what, "warn", said)
    if note.file.is_relative_to(settings.home):
        return Finding(what, "warn", "the copy is in the home itself; keep one on another machine")
    return Finding(what, "ok", f"key {name} was copied on {note.made_at:%Y-%m-%d}")


def _in_words(age: timedelta) -> str:
    return f"{age.days} days" if age.days else f"{age.seconds // 3600} hours"
