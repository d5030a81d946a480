"""The store, as commands open it."""

from __future__ import annotations

import typer

from capstan.settings import load_settings
from capstan.store import Store, load_keys


def open_store_here() -> Store:
    """Open the store; says so when its key was just made, because it must be backed up."""
    settings = load_settings()
    keys = load_keys(settings.key, home=settings.home)
    if keys.made_file:
        typer.echo(
            f"capstan: made the key {keys.made_file}; back it up, the journal is lost without it.", err=True
        )
    return Store.open(settings.store_url, keys)
