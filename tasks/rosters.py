"""Rosters: fetched from a partner's server, or read from its file."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pandas as pd
import requests
from requests.auth import AuthBase

from capstan.errors import CapstanError, PartnerUnavailable, Refused, UsageError
from capstan.roster import read_roster
from capstan.study import Study
from capstan.study.notices import Partner
from tasks.connections import LiveProject, folder_of
from tasks.finding import Finding
from tasks.shield import effect, run_logger
from tasks.token_sources import read_token

TIMEOUT_SECONDS = (10.0, 60.0)
MAX_BYTES = 50 << 20
_REFUSED_LOGIN = frozenset({401, 403, 407})
_CHUNK = 1 << 16
# In the place of a status, where there was no answer, or not all of it in time.
_LATE, _ABSENT = -1, 0


@effect("fetch roster")
def fetch_roster(live: LiveProject, *, partner: Partner) -> pd.DataFrame:
    """Fetch a partner's roster as text, with the columns that the study compares.

    Raises PartnerUnavailable where no usable answer came, Refused for what is no roster, UsageError for a
    token that is not kept or not taken.
    """
    roster = _read_roster(partner, folder=folder_of(live.study))
    run_logger().info("the roster of %s has %d rows", partner.name, len(roster))
    return roster


def look_at_rosters(study: Study, *, folder: Path) -> Iterator[Finding]:
    """One finding for each partner: whether its roster comes, and has what the study compares."""
    for partner in study.partners:
        try:
            rows = len(_read_roster(partner, folder=folder))
        except CapstanError as error:
            yield Finding("roster", "fail", str(error))
        else:
            yield Finding("roster", "ok", f"{partner.name}: {rows} rows")


def _read_roster(partner: Partner, *, folder: Path) -> pd.DataFrame:
    data = _read_file(partner, folder=folder) if partner.file else _download(partner, folder=folder)
    return read_roster(data, partner)


class _Bearer(AuthBase):
    """The token in its header; without it requests would look for a login in a .netrc."""

    def __init__(self, token: str) -> None:
        self._token = token

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        if self._token:
            request.headers["Authorization"] = f"Bearer {self._token}"
        return request


def _download(partner: Partner, *, folder: Path) -> bytes:
    """Fetch the roster; redirects are not followed, for they would carry the token elsewhere."""
    token = read_token(partner.token, folder=folder).strip() if partner.token else ""
    data, status = bytearray(), _ABSENT
    try:
        with requests.get(
            partner.url, auth=_Bearer(token), timeout=TIMEOUT_SECONDS, stream=True, allow_redirects=False
        ) as answer:
            status = answer.status_code
            for chunk in answer.iter_content(_CHUNK) if status == requests.codes.ok else ():
                data += chunk
                if len(data) > MAX_BYTES:
                    break
    # What requests says of it holds the address, and with it perhaps a key.
    except requests.Timeout:
        status = _LATE
    except requests.RequestException:
        status = _ABSENT
    _refuse_answer(partner.name, status=status, size=len(data))
    return bytes(data)


def _refuse_answer(name: str, *, status: int, size: int) -> None:
    """Say what is wrong with an answer."""
    if status == _LATE:
        raise PartnerUnavailable(f"The roster of {name} did not come in time; run again later.")
    if status == _ABSENT:
        raise PartnerUnavailable(f"The server with the roster of {name} cannot be reached; run again later.")
    if status in _REFUSED_LOGIN:
        raise UsageError(f"The server with the roster of {name} refused the token ({status}); renew it.")
    if 300 <= status < 400:
        raise Refused(
            f"The roster of {name} has another address now ({status}); ask them, and correct partners.url."
        )
    if status >= 500 or status == requests.codes.too_many_requests:
        raise PartnerUnavailable(f"The server with the roster of {name} failed ({status}); run again later.")
    if status != requests.codes.ok:
        raise Refused(f"There is no roster of {name} at its address ({status}); correct partners.url.")
    if size > MAX_BYTES:
        raise Refused(f"The roster of {name} is larger than {MAX_BYTES >> 20} MB; ask them for less.")


def _read_file(partner: Partner, *, folder: Path) -> bytes:
    try:
        return (folder / Path(partner.file).expanduser()).read_bytes()
    except OSError as error:
        raise UsageError(
            f"The roster of {partner.name} cannot be read ({error.strerror}); look at partners.file."
        ) from None
