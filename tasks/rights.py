"""Rights: what the user of a token may do, as REDCap lists it; no right is tried out."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import pandas as pd

from capstan.errors import RedcapError, RightMissing
from capstan.redcap import Redcap


class Right(NamedTuple):
    """A right: its column in the export of users, and its name on REDCap's page of User Rights."""

    column: str
    label: str


DELETE = Right("record_delete", "Delete Records")
RENAME = Right("record_rename", "Rename Records")
IMPORT = Right("api_import", "API Import/Update")
DESIGN = Right("design", "Project Design and Setup")
USERS = Right("user_rights", "User Rights")
ALL = (DELETE, RENAME, IMPORT, DESIGN, USERS)

Rights = Mapping[Right, bool | None]


def list_users(redcap: Redcap) -> pd.DataFrame | None:
    """The project's users with their rights; None where the token's user may not read User Rights."""
    try:
        return redcap.users()
    except RightMissing:
        return None


def read_rights(redcap: Redcap, users: pd.DataFrame | None, *, record_field: str) -> Rights:
    """Tell which rights the token's user has; None where that cannot be seen.

    `users` may come from another token of the project. Without them little can be told: the user may not
    read User Rights, and REDCap says what repeats to those who may design. Whoever may only read User Rights
    counts as without that right. Source: B.0, B.11.
    """
    own = None if users is None else _own_row(redcap, users, record_field=record_field)
    if own is None:
        lacks_users = False if users is None else None
        return {**dict.fromkeys(ALL), DESIGN: _is_let_see_repeats(redcap), USERS: lacks_users}
    return {right: str(own[right.column]) == "1" if right.column in own else None for right in ALL}


def _is_let_see_repeats(redcap: Redcap) -> bool:
    try:
        redcap.repeating()
    except RightMissing:
        return False
    return True


def _own_row(redcap: Redcap, users: pd.DataFrame, *, record_field: str) -> pd.Series[str] | None:
    """The user whom the token belongs to; None where that cannot be told."""
    able = users[users["api_export"] == "1"]
    if len(able) > 1:
        own = [_is_own_name(redcap, str(name), record_field=record_field) for name in able["username"]]
        able = able[own]
    return able.iloc[0] if len(able) == 1 else None


def _is_own_name(redcap: Redcap, name: str, *, record_field: str) -> bool:
    """Whether a user is the token's own: no method says so, but logic knows it (G.2)."""
    try:
        return not redcap.records(fields=[record_field], filter_logic=f'[user-name] = "{name}"').empty
    except RedcapError:
        return False  # an older server, which does not know the word
