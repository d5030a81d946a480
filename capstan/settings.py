"""The settings of an installation: everything that is set by a CAPSTAN_ variable and not by a study."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Annotated

from pydantic import (
    AfterValidator,
    BeforeValidator,
    Field,
    SecretStr,
    StringConstraints,
    ValidationError,
)
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from capstan.errors import UsageError
from capstan.study.parts import NetworkText

_SEPARATORS = re.compile(rf"[,{re.escape(os.pathsep)}]")


def _split_folders(value: object) -> object:
    if not isinstance(value, str):
        return value
    return [part.strip() for part in _SEPARATORS.split(value) if part.strip()]


def _split_list(value: object) -> object:
    return [part.strip() for part in value.split(",") if part.strip()] if isinstance(value, str) else value


def _whole_path(path: Path) -> Path:
    # Absolute at once: flows may change the working directory later.
    return path.expanduser().absolute()


def _web_address(text: str) -> str:
    if not re.fullmatch(r"https?://[^/?#\s@]+(/[^?#\s]*)?", text):
        raise ValueError("must be an http(s) address without user, query or fragment")
    return text.rstrip("/")


WholePath = Annotated[Path, AfterValidator(_whole_path)]


class Settings(BaseSettings):
    """Values of the CAPSTAN_ variables, with defaults; a blank variable counts as not set."""

    model_config = SettingsConfigDict(
        env_prefix="CAPSTAN_",
        env_ignore_empty=True,
        extra="ignore",
        frozen=True,
        hide_input_in_errors=True,
        validate_default=True,
    )

    home: WholePath = Field(
        default=Path(".capstan"),
        description="Folder of Capstan's own files: store, key, cache, reports, sandbox. It is made on first "
        "use, for its owner only; give it a folder of its own.",
    )
    store: SecretStr | None = Field(
        default=None,
        description="SQLAlchemy URL of the store (journal, outbox). Default: store.sqlite in the home. "
        "PostgreSQL: postgresql+psycopg://user:password@host/database.",
    )
    key: SecretStr | None = Field(
        default=None,
        description="Fernet keys that encrypt participants' data in the store, comma separated, newest "
        "first: the first encrypts, each decrypts. Default: the file store.key in the home, made on "
        "first use. Back it up: without it the store cannot be read.",
    )
    studies: Annotated[tuple[WholePath, ...], NoDecode, BeforeValidator(_split_folders)] = Field(
        default=(),
        description=f"Further folders with study folders, separated by comma or '{os.pathsep}'; "
        "`capstan init` writes to the first.",
    )
    public_url: Annotated[str, AfterValidator(_web_address)] | None = Field(
        default=None,
        description="Address at which REDCap and Twilio reach the receiver for webhooks, such as "
        "https://capstan.example.org.",
    )
    proxies: Annotated[tuple[NetworkText, ...], NoDecode, BeforeValidator(_split_list)] = Field(
        default=(),
        description="Addresses or networks of reverse proxies before the receiver, separated by commas, such "
        "as 127.0.0.1,10.1.0.0/16. Only from them X-Forwarded-For is believed.",
    )

    requests_per_minute: Annotated[int, Field(ge=10, le=600)] = Field(
        default=500,
        description="How many requests a minute all runs together send to one REDCap server at most. REDCap "
        "bans an address above 600; surveys that people answer from it count too. Where Prefect's server "
        "has a limit for the host already, change it there as well.",
    )
    heartbeat_url: SecretStr | None = Field(
        default=None,
        description="Address of a dead man's switch outside of this machine, which raises an alarm when it "
        "hears nothing; see docs/alarms.md. It is a secret: `file:/path` names an owner-only file that holds "
        "it.",
    )
    alarm_url: SecretStr | None = Field(
        default=None,
        description='Address of a webhook to which alarms are posted as JSON, {"text": "..."}. Like '
        "CAPSTAN_HEARTBEAT_URL it may be in a file.",
    )
    wait_minutes: Annotated[float, Field(ge=0, le=24 * 60)] = Field(
        default=30,
        description="How long a run waits for another one of its study before it is put off.",
    )
    user_header: Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9-]*$")] = Field(
        default="",
        description="Header in which the institution's sign-in says who asks for a page of the receiver, "
        "such as X-Remote-User. It is believed only from CAPSTAN_PROXIES.",
    )

    @property
    def store_url(self) -> str:
        """The store's SQLAlchemy URL with its password: never print it."""
        if self.store is not None:
            return self.store.get_secret_value()
        return f"sqlite:///{(self.home / 'store.sqlite').as_posix()}"


def load_settings() -> Settings:
    """Read the settings from the environment.

    Raises UsageError that names the variables and what is wrong with them, without their values.
    """
    try:
        return Settings()
    except ValidationError as error:
        faults = [f"CAPSTAN_{'.'.join(map(str, e['loc'])).upper()}: {e['msg']}" for e in error.errors()]
    raise UsageError("These settings cannot be used. " + "; ".join(faults))
