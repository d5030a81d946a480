"""Tokens are read where the study says that they are kept: variables, files, keyrings."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import keyring
import pytest
from keyring.backend import KeyringBackend
from keyring.errors import KeyringLocked
from prefect.settings import PREFECT_API_URL, temporary_settings

from capstan.errors import StudyError, UsageError
from capstan.study.parts import TokenSource
from tasks import blocks
from tasks.token_sources import _MAIN_PARTS, read_token

TOKEN = "0123456789ABCDEF0123456789ABCDEF"


class Ring(KeyringBackend):
    """A keyring in memory, which may be locked."""

    priority = 1

    def __init__(self) -> None:
        super().__init__()
        self.kept: dict[tuple[str, str], str] = {}
        self.is_locked = False

    def get_password(self, service: str, username: str) -> str | None:
        if self.is_locked:
            raise KeyringLocked(TOKEN)
        return self.kept.get((service, username))

    def set_password(self, service: str, username: str, password: str) -> None:
        self.kept[service, username] = password

    def delete_password(self, service: str, username: str) -> None:
        del self.kept[service, username]


@pytest.fixture
def ring() -> Iterator[Ring]:
    before, mine = keyring.get_keyring(), Ring()
    keyring.set_keyring(mine)
    yield mine
    keyring.set_keyring(before)


def test_a_token_is_found_in_the_keyring_under_the_name_that_the_study_gives(
    ring: Ring, tmp_path: Path
) -> None:
    ring.set_password("capstan", "redcap-demo", f"{TOKEN}\n")

    assert read_token(TokenSource(keyring="redcap-demo"), folder=tmp_path) == TOKEN


def test_a_name_that_the_keyring_does_not_know_is_said_with_what_to_do(ring: Ring, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"keyring set capstan redcap-demo"):
        read_token(TokenSource(keyring="redcap-demo"), folder=tmp_path)


def test_a_locked_keyring_is_said_without_what_it_told(ring: Ring, tmp_path: Path) -> None:
    ring.is_locked = True

    with pytest.raises(UsageError, match=r"cannot be used \(KeyringLocked\)") as caught:
        read_token(TokenSource(keyring="redcap-demo"), folder=tmp_path)

    assert TOKEN not in str(caught.value)
    assert caught.value.__cause__ is None
    assert caught.value.__context__ is None


def test_a_changed_token_file_is_read_anew(tmp_path: Path) -> None:
    file = tmp_path / "token"
    found = []
    for token in ("first", "second"):
        file.write_text(token)
        file.chmod(0o600)
        found.append(read_token(TokenSource(file="token"), folder=tmp_path))

    assert found == ["first", "second"]


def test_a_token_file_that_others_can_read_is_refused(tmp_path: Path) -> None:
    (tmp_path / "token").write_text(TOKEN)
    (tmp_path / "token").chmod(0o640)

    with pytest.raises(StudyError, match="chmod 600"):
        read_token(TokenSource(file="token"), folder=tmp_path)


def test_without_a_server_a_block_is_refused_and_none_is_started(tmp_path: Path) -> None:
    no_server = temporary_settings({PREFECT_API_URL: None})

    with no_server, pytest.raises(UsageError, match="no block redcap-connection/demo, or no server"):
        read_token(TokenSource(block="redcap-connection/demo"), folder=tmp_path)


@pytest.mark.parametrize(
    "place",
    [
        {},
        {"env": "A", "file": "b"},
        {"keyring": "a", "block": "secret/a"},
        {"keyring": TOKEN},
        {"prefect_secret": TOKEN},
        {"env": TOKEN},
        {"block": TOKEN},
        {"block": "demo"},
        {"block": "a/b/c/d"},
        {"block": "../demo"},
    ],
)
def test_a_place_that_is_none_is_refused(place: dict[str, str]) -> None:
    with pytest.raises(ValueError, match=r"must be|give exactly one of env, file, keyring, block"):
        TokenSource(**place)


def test_each_of_our_blocks_has_the_part_that_counts_without_being_named() -> None:
    ours = (blocks.RedcapConnection, blocks.TwilioAccount, blocks.MailServer)
    found = {one._block_type_slug: one.model_fields.keys() for one in ours}

    assert found.keys() == _MAIN_PARTS.keys() - {"secret"}
    assert all(_MAIN_PARTS[slug] in parts for slug, parts in found.items())


def test_a_block_shows_no_secret_of_its_own() -> None:
    account = blocks.TwilioAccount(account_sid="AC1", auth_token=TOKEN, api_secret=TOKEN)

    assert TOKEN not in f"{account} {account!r} {account.model_dump_json()}"
