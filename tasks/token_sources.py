"""Token sources: a token, read from the place where the study says that it is kept, each time anew."""

from __future__ import annotations

import os
from pathlib import Path

from capstan.errors import IdentityError, StudyError, UsageError
from capstan.redcap.address import api_address
from capstan.study.parts import TokenSource

KEYRING_SERVICE = "capstan"
# What of a block is the token, where the study names no part of it.
_MAIN_PARTS = {
    "redcap-connection": "token",
    "twilio-account": "auth_token",
    "mail-server": "password",
    "secret": "value",
}


def read_token(source: TokenSource, *, folder: Path, url: str = "") -> str:
    """Read a token from where the study says that it is kept; raises UsageError where there is none.

    `url` is where the token shall go: IdentityError for a block that was made for another address.
    """
    if source.env:
        return _token_of_variable(source.env)
    if source.file:
        return _token_of_file(folder / Path(source.file).expanduser())
    if source.keyring:
        return _token_of_keyring(source.keyring)
    return _token_of_block(source.block or f"secret/{source.prefect_secret}", url=url)


def _token_of_variable(name: str) -> str:
    token = os.environ.get(name, "")
    if not token.strip():
        raise UsageError(f"The environment variable {name} holds no token; set it.")
    return token


def _token_of_file(path: Path) -> str:
    try:
        if path.stat().st_mode & 0o077:
            raise StudyError(f"The token file {path} can be read by others; run `chmod 600 {path}`.")
        return path.read_text(encoding="utf-8").strip().splitlines()[0]
    except (OSError, IndexError, UnicodeDecodeError):
        raise UsageError(
            f"The token file {path} cannot be read or is empty; write the token into it."
        ) from None


def _token_of_keyring(name: str) -> str:
    # Here, because its import looks for all keyrings that the system may have.
    import keyring
    from keyring.errors import KeyringError

    try:
        token = keyring.get_password(KEYRING_SERVICE, name) or ""
    except KeyringError as error:
        kind = type(error).__name__
    else:
        if token.strip():
            return token.strip()
        raise UsageError(
            f"The keyring holds nothing under {name!r}; run `keyring set {KEYRING_SERVICE} {name}` as the "
            "user who runs Capstan."
        )
    raise UsageError(
        f"The keyring cannot be used ({kind}): a service without a desktop often has none. Unlock it, or "
        "name another place for the token."
    )


def _token_of_block(place: str, *, url: str) -> str:
    slug, name, *part = place.split("/")
    values = _read_block(slug, name)
    made_for = str(values.get("url") or "")
    if url and made_for and api_address(made_for) != api_address(url):
        raise IdentityError(
            f"The block {slug}/{name} was made for another address than the study's; no token was sent. "
            "Correct the block, or the address in study.yaml."
        )
    wanted = part[0] if part else _MAIN_PARTS.get(slug, "")
    token = values.get(wanted)
    if token is None or not str(token).strip():
        raise UsageError(f"The block {slug}/{name} has no {wanted or 'one secret'}; {_advise(slug, values)}.")
    return str(token)


def _advise(slug: str, values: dict[str, object]) -> str:
    if slug in _MAIN_PARTS:
        return "fill it in on Prefect's page of blocks"
    return f"name one of its parts after a slash: {', '.join(sorted(values))}"


def _read_block(slug: str, name: str) -> dict[str, object]:
    """The values of a block, secrets too; of its type no class is needed, and nothing is kept."""
    # Here, because its import takes longer than all else, and most tokens are kept elsewhere.
    from httpx import HTTPError
    from prefect.client.orchestration import get_client
    from prefect.exceptions import ObjectNotFound
    from prefect.settings import get_current_settings

    # Without an address the client would start a server of its own.
    if get_current_settings().api.url:
        try:
            with get_client(sync_client=True) as client:
                return dict(client.read_block_document_by_name(name, slug, include_secrets=True).data)
        except (ObjectNotFound, HTTPError):
            pass
    raise UsageError(
        f"Prefect has no block {slug}/{name}, or no server is configured or answers; make the block, or "
        "name another place for the token."
    )
