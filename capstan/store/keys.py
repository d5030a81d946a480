"""The keys that seal participants' data, from CAPSTAN_KEY or from a key file."""

from __future__ import annotations

import base64
import hashlib
import hmac
import os
import secrets
import stat
from dataclasses import dataclass, field, replace
from pathlib import Path

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from pydantic import SecretStr

from capstan.errors import StoreError

KEY_FILE = "store.key"


@dataclass(frozen=True)
class KeyRing:
    """Seals with the newest key and opens with any.

    `made_file` is the key file if it was made just now: tell the person to back it up. `mark_key` comes
    from the store when it is opened. `raw` are the keys themselves, newest first.
    """

    newest: Fernet = field(repr=False)
    every: MultiFernet = field(repr=False)
    made_file: Path | None = None
    mark_key: bytes = field(default=b"", repr=False)
    raw: tuple[bytes, ...] = field(default=(), repr=False)

    def seal(self, data: bytes) -> bytes:
        """Encrypt with the newest key."""
        return self.newest.encrypt(data)

    def unseal(self, token: bytes) -> bytes:
        """Decrypt with any key; StoreError when none of them made the token."""
        try:
            return self.every.decrypt(token)
        except InvalidToken:
            pass
        raise StoreError(
            "No key opens this data of the store: it was sealed with another key. Put the key file back, "
            "or add the former key to CAPSTAN_KEY behind the newest, separated by a comma."
        )

    def is_newest(self, token: bytes) -> bool:
        """Whether the newest key sealed the token."""
        try:
            self.newest.decrypt(token)
        except InvalidToken:
            return False
        return True

    def renew(self, token: bytes) -> bytes:
        """Seal a token again with the newest key."""
        return self.seal(self.unseal(token))

    def with_mark_key(self, secret: bytes) -> KeyRing:
        """The same keys, with the secret that `fingerprint` uses."""
        return replace(self, mark_key=secret)

    def fingerprint(self, text: str) -> str:
        """Name a text by 64 hex digits that nobody can recompute without the keys.

        The secret is random and made once for a store, which keeps it sealed and seals it again with each
        newest key. So a fingerprint stays the same when keys are rotated, also once the old ones are gone.
        StoreError before a store was opened.
        """
        if not self.mark_key:
            raise StoreError("Fingerprints need an open store.")
        return hmac.new(self.mark_key, text.encode("utf-8", "surrogatepass"), hashlib.sha256).hexdigest()

    def secrets_for(self, purpose: str) -> tuple[str, ...]:
        """Derive an unguessable word for a purpose from each key, newest first; it is stored nowhere.

        A word holds as long as its key is listed, and tells nothing of the key or of another purpose's word.
        """
        digests = (hmac.digest(key, b"capstan/" + purpose.encode(), "sha256") for key in self.raw)
        return tuple(base64.urlsafe_b64encode(digest).decode().rstrip("=") for digest in digests)


def load_keys(key: SecretStr | None, *, home: Path) -> KeyRing:
    """Make a key ring of the setting, or else of the key file in the home, which is made if missing.

    Raises StoreError for a key that is none, and for a key file that others may read.
    """
    if key is not None:
        return key_ring(key.get_secret_value(), source="CAPSTAN_KEY")
    path = make_private_folder(home) / KEY_FILE
    made = not path.exists() and _make_key_file(path)
    return key_ring(_read_key_file(path), source=str(path), made_file=path if made else None)


def key_ring(text: str, *, source: str, made_file: Path | None = None) -> KeyRing:
    """Make a key ring of comma separated Fernet keys, newest first; `source` is named in errors."""
    keys = [part.strip() for part in text.split(",") if part.strip()]
    if not keys:
        raise StoreError(
            f"{source} holds no key. Restore it, or give a Fernet key (32 bytes, URL-safe base64)."
        )
    fernets = [_fernet(key, f"Key {number} in {source}") for number, key in enumerate(keys, 1)]
    raw = tuple(base64.urlsafe_b64decode(key) for key in keys)
    return KeyRing(fernets[0], MultiFernet(fernets), made_file, raw=raw)


def make_private_folder(folder: Path) -> Path:
    """Make a folder that only its owner can enter, or tighten one that is there; returns it."""
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        if os.name == "posix" and stat.S_IMODE(folder.stat().st_mode) & 0o077:
            folder.chmod(0o700)
    except OSError as error:
        raise StoreError(f"The folder {folder} cannot be made private: {error.strerror}.") from None
    return folder


def _fernet(key: str, name: str) -> Fernet:
    try:
        return Fernet(key)
    except ValueError:
        pass
    # Raised outside, because binascii's errors can quote what they could not read.
    raise StoreError(f"{name} is no Fernet key: 32 bytes in URL-safe base64, 44 characters.")


def _make_key_file(path: Path) -> bool:
    """Make the file, whole or not at all; False when another process was faster."""
    draft = path.with_name(f"{path.name}.{secrets.token_hex(8)}.draft")
    handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(Fernet.generate_key() + b"\n")
            file.flush()
            os.fsync(file.fileno())
        os.link(draft, path)
    except FileExistsError:
        return False
    finally:
        draft.unlink()
    return True


def _read_key_file(path: Path) -> str:
    try:
        if os.name == "posix" and stat.S_IMODE(path.stat().st_mode) & 0o077:
            raise StoreError(f"Others may read the key file {path}. Make it private: chmod 600 {path}")
        return path.read_text("ascii")
    except OSError as error:
        raise StoreError(f"The key file {path} cannot be read: {error.strerror}.") from None
    except UnicodeDecodeError:
        pass
    raise StoreError(f"The key file {path} is no text. Restore it from its backup.")
