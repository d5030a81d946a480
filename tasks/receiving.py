"""Receiving: the address that a study gives to REDCap, and the secret in it."""

from __future__ import annotations

from capstan.errors import UsageError
from capstan.settings import load_settings
from capstan.store import KeyRing, load_keys
from capstan.study import find_study
from tasks.folders import study_folders


def trigger_secrets(keys: KeyRing, study: str) -> tuple[str, ...]:
    """The words that only REDCap knows of a study's address, one for each key, newest first."""
    return keys.secrets_for(f"trigger/{study}")


def trigger_address(study: str) -> str:
    """The address for REDCap's data entry trigger of a study, which is a secret.

    Raises UsageError where CAPSTAN_PUBLIC_URL is not set, or no study has the name.
    """
    settings = load_settings()
    find_study(study, folders=study_folders(settings))
    if not settings.public_url:
        raise UsageError("Set CAPSTAN_PUBLIC_URL to the address at which REDCap reaches the receiver.")
    secret = trigger_secrets(load_keys(settings.key, home=settings.home), study)[0]
    return f"{settings.public_url}/redcap/{secret}"
