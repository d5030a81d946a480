"""The study as it is rehearsed: its rules as they are, and every way out led into the sandbox."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml
from cryptography.fernet import Fernet

from capstan.study import Study
from capstan.study.yaml import read_yaml

Addresses = Mapping[str, str | None]


def write_study(
    home: Path, folder: Path, *, study: Study, addresses: Addresses, project: Mapping[str, Any]
) -> None:
    """Write the study into the rehearsal's own home.

    `addresses` are the sandbox's, `project` has the copy's `project_id` and `token`. A copy may be written to
    without `writes.production`: nothing is at stake in it.
    """
    place = home / "studies" / study.study
    place.mkdir(parents=True)
    if (folder / "templates").is_dir():
        shutil.copytree(folder / "templates", place / "templates")
    identity = study.redcap.project.model_dump() | {"id": project["project_id"], "host": ""}
    redcap = {
        "url": addresses["redcap_url"],
        "timezone": study.redcap.timezone,
        "batch_rows": study.redcap.batch_rows,
        "token": _kept(place, "token", secret=project["token"]),
        "project": identity,
    }
    raw = read_yaml((folder / "study.yaml").read_text(encoding="utf-8")) | {"redcap": redcap}
    if study.redcap.project.status == "production":
        raw["writes"] = {**(raw.get("writes") or {}), "production": True}
    if raw.get("messaging"):
        raw["messaging"] |= _channels(raw["messaging"], place=place, addresses=addresses)
    (place / "study.yaml").write_text(yaml.safe_dump(raw, allow_unicode=True), encoding="utf-8")


def surroundings(home: Path, *, study: Study) -> dict[str, str]:
    """The environment within: our own files are in `home`, and the secrets of the way out are nowhere."""
    sms, email = study.messaging.sms, study.messaging.email
    sources = [study.redcap.token, study.redcap.write_token]
    sources += [sms.account, sms.token] if sms else []
    sources += [sms.api_key.name, sms.api_key.secret] if sms and sms.api_key else []
    sources += [email.password, email.oauth_token] if email else []
    oauth = email.oauth if email else None
    sources += [oauth.client, oauth.secret, oauth.refresh_token] if oauth else []
    sources += [partner.token for partner in study.partners]
    sources += [source for probe in study.probes for source in (probe.token, probe.database)]
    return {source.env: "" for source in sources if source and source.env} | {
        "CAPSTAN_HOME": str(home),
        "CAPSTAN_STORE": "",
        "CAPSTAN_KEY": Fernet.generate_key().decode(),
        "CAPSTAN_STUDIES": str(home / "studies"),
    }


def _channels(messaging: Mapping[str, Any], *, place: Path, addresses: Addresses) -> dict[str, Any]:
    """The study's channels, with the sandbox's Twilio and mail server in the place of the real ones."""
    led: dict[str, Any] = {}
    if sms := messaging.get("sms"):
        account, token = (
            _kept(place, name, secret=addresses[name] or "")
            for name in ("twilio_account_sid", "twilio_auth_token")
        )
        sandbox = {"url": addresses["twilio_url"], "account": account, "token": token}
        led["sms"] = {name: sms[name] for name in sms if name != "api_key"} | sandbox
    if email := messaging.get("email"):
        host, _, port = (addresses["smtp"] or "").rpartition(":")
        logins = ("user", "password", "oauth_token", "oauth")
        kept = {name: email[name] for name in email if name not in logins}
        led["email"] = kept | {"host": host, "port": int(port), "security": "none"}
    return led


def _kept(place: Path, name: str, *, secret: str) -> dict[str, str]:
    """Where a secret of the sandbox is kept, as a study names it."""
    file = place / name
    file.touch(mode=0o600)
    file.write_text(secret, encoding="utf-8")
    return {"file": name}
