"""The registry: reads from the study folders who may tell us something, and again when one changes."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

from capstan.errors import CapstanError
from capstan.settings import Settings
from capstan.store import KeyRing
from capstan.study import Study, read_study
from capstan.study.parts import TokenSource
from capstan.study.receiver import Informant
from receiver.informants import Informants, PartnerSource, StaffedStudy, TriggerSource, TwilioSource
from tasks.folders import study_folders
from tasks.receiving import trigger_secrets
from tasks.token_sources import read_token

_log = logging.getLogger("receiver")
LEAST_SECRET = 16


@dataclass(frozen=True)
class Registry:
    """What the study folders said last; a study that cannot be read now stays as it was."""

    settings: Settings
    keys: KeyRing = field(repr=False)
    studies: dict[Path, tuple[int, Study | None]] = field(default_factory=dict, repr=False)

    def refresh(self) -> Informants | None:
        """Read the studies that changed; None where none did."""
        present = _files(self.settings)
        gone = self.studies.keys() - present.keys()
        changed = [path for path, age in present.items() if self.studies.get(path, (0, None))[0] != age]
        for path in gone:
            del self.studies[path]
        for path in changed:
            self._read(path, age=present[path])
        return self._informants() if gone or changed else None

    def _read(self, path: Path, *, age: int) -> None:
        study = self.studies.get(path, (age, None))[1]
        try:
            study = read_study(path.parent)
        except CapstanError as error:
            _log.error("A study is not served as it is now: %s", error)
        self.studies[path] = (age, study)

    def _informants(self) -> Informants:
        served = [(study, path.parent) for path, (_, study) in self.studies.items() if study]
        return Informants(
            tuple(_trigger_source(study, keys=self.keys) for study, _ in served),
            tuple(source for each in served for source in _twilio_sources(*each)),
            tuple(source for each in served for source in _partner_sources(*each)),
            tuple(StaffedStudy(*each) for each in served),
        )


def _files(settings: Settings) -> dict[Path, int]:
    """The study files with their times of change; of two studies of one name the first."""
    found: dict[str, Path] = {}
    for folder in study_folders(settings):
        for path in sorted(folder.glob("*/study.yaml")):
            found.setdefault(path.parent.name, path)
    return {path: path.stat().st_mtime_ns for path in found.values()}


def _trigger_source(study: Study, *, keys: KeyRing) -> TriggerSource:
    return TriggerSource(
        study.study,
        host=(urlsplit(study.redcap.url).hostname or "").lower(),
        project_id=str(study.redcap.project.id),
        secrets=trigger_secrets(keys, study.study),
        networks=study.receiver.addresses,
    )


def _twilio_sources(study: Study, folder: Path) -> Iterator[TwilioSource]:
    sms = study.messaging.sms
    if sms is None:
        return
    account = _secrets([sms.account], folder=folder, study=study.study)
    own = [sms.token] if sms.token else []
    tokens = _secrets([*own, *study.receiver.twilio_tokens], folder=folder, study=study.study)
    if account and tokens:
        yield TwilioSource(account[0], tokens)


def _partner_sources(study: Study, folder: Path) -> Iterator[PartnerSource]:
    for partner in study.receiver.partners:
        secrets = _secrets(partner.secrets, folder=folder, study=study.study)
        if _is_safe(partner, secrets, study=study.study):
            known = tuple(secret.encode() for secret in secrets)
            yield PartnerSource(study.study, partner.name, known, partner.addresses)


def _is_safe(partner: Informant, secrets: tuple[str, ...], *, study: str) -> bool:
    """Whether a partner can be told from others; without its secrets it cannot, even by its address."""
    is_safe = bool(secrets) >= bool(partner.secrets) and all(len(one) >= LEAST_SECRET for one in secrets)
    if not is_safe:
        told = "Partner %s of study %s is not served: each secret needs %d characters or more."
        _log.error(told, partner.name, study, LEAST_SECRET)
    return is_safe


def _secrets(sources: Iterable[TokenSource], *, folder: Path, study: str) -> tuple[str, ...]:
    """The secrets that are kept where the study says; the log tells which are not."""
    found = []
    for source in sources:
        try:
            found.append(read_token(source, folder=folder).strip())
        except CapstanError as error:
            _log.error("A secret of study %s is missing: %s", study, error)
    return tuple(found)
