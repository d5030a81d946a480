"""The two conventions for session ids that are built in: Datman's, and KCNI's, which can be exchanged."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from capstan.sessions import BadId, SessionId

PHANTOM = "PHA"
_PART = "[^_]+"
_DATMAN = re.compile(
    rf"(?P<study>{_PART})_(?P<site>{_PART})_(?P<subject>{_PART}(?<!PHA))_(?P<timepoint>{_PART})"
    rf"(?:_(?!MR|SE)(?P<session>{_PART}))?"
)
_DATMAN_PHANTOM = re.compile(rf"(?P<study>{_PART})_(?P<site>{_PART})_(?P<subject>PHA_[A-Z]{{3}}[0-9]{{4,6}})")
_KCNI = re.compile(
    r"(?P<study>[A-Z]{3}[0-9]{2})_(?P<site>[A-Z]{3})_(?P<subject>[A-Z0-9]{4,8})_(?P<timepoint>[0-9]{2})"
    r"_SE(?P<session>[0-9]{2})_[A-Z]{2,4}"
)
_KCNI_PHANTOM = re.compile(
    r"(?P<study>[A-Z]{3}[0-9]{2})_(?P<site>[A-Z]{3})_(?P<type>[A-Z]{3})PHA_(?P<number>[0-9]{4,6})_[A-Z]{2,4}"
)
_NUMBER = re.compile("[0-9]{1,4}")
_PHANTOM = re.compile("PHA_(?P<type>[A-Z]{3})(?P<number>[0-9]{4,6})")
_NO_CONVENTION = (
    "This is no session id. Write STUDY_SITE_SUBJECT_TIMEPOINT_SESSION, such as DTI01_CMH_H001_01_01, "
    "or as KCNI does, DTI01_CMH_H001_01_SE01_MR."
)
_NO_DATMAN = (
    "This is no session id. Write STUDY_SITE_SUBJECT_TIMEPOINT_SESSION, such as DTI01_CMH_H001_01_01."
)
_NO_KCNI = "This is no session id. Write it as KCNI does, such as DTI01_CMH_H001_01_SE01_MR."


@dataclass(frozen=True)
class IdMap:
    """How KCNI's parts are called in the study; what is not named keeps its name.

    `subjects` are pairs of a pattern and what takes its place, of which the first that fits is used.
    """

    studies: Mapping[str, str] = field(default_factory=dict)
    sites: Mapping[str, str] = field(default_factory=dict)
    subjects: Sequence[tuple[re.Pattern[str], str]] = ()


NO_MAP = IdMap()


def read_either(text: str, *, mapped: IdMap = NO_MAP) -> SessionId | BadId:
    """Read an id of either convention, Datman's first."""
    for found in (read_datman(text), read_kcni(text, mapped=mapped)):
        if isinstance(found, SessionId) or found.reason not in (_NO_DATMAN, _NO_KCNI):
            return found
    return BadId(_NO_CONVENTION)


def read_datman(text: str) -> SessionId | BadId:
    """Read an id such as DTI01_CMH_H001_01_01, or without its last part; of a phantom DTI01_CMH_PHA_ABC0001.

    Source: datman's scan ids.
    """
    found = _DATMAN_PHANTOM.fullmatch(text) or _DATMAN.fullmatch(text)
    if not found:
        return BadId(_NO_DATMAN)
    return make_id(**{name: part for name, part in found.groupdict().items() if part})


def read_kcni(text: str, *, mapped: IdMap = NO_MAP) -> SessionId | BadId:
    """Read an id such as STU01_ABC_0001_01_SE01_MR, or of a phantom STU01_ABC_FBNPHA_0001_MR.

    An id whose study has the study's own name already is not mapped. Source: KCNI's naming convention.
    """
    found = _KCNI_PHANTOM.fullmatch(text) or _KCNI.fullmatch(text)
    if not found:
        return BadId(_NO_KCNI)
    parts = found.groupdict()
    if "type" in parts:
        parts["subject"] = f"{PHANTOM}_{parts.pop('type')}{parts.pop('number')}"
    return make_id(**_mapped(parts, mapped))


def write_kcni(session: SessionId, *, mapped: IdMap = NO_MAP) -> str | BadId:
    """Write an id as KCNI does; what KCNI's convention cannot say is a BadId.

    `subjects` of a map cannot be taken back, because several subjects may become one.
    """
    study = _reversed(mapped.studies).get(session.study, session.study)
    site = _reversed(mapped.sites).get(session.site, session.site)
    phantom = _PHANTOM.fullmatch(session.subject)
    if phantom:
        text = f"{study}_{site}_{phantom['type']}PHA_{phantom['number']}_MR"
    else:
        number = session.session.zfill(2)
        text = f"{study}_{site}_{session.subject.zfill(4)}_{session.timepoint}_SE{number}_MR"
    if isinstance(read_kcni(text), BadId):
        return BadId(
            "This id cannot be written as KCNI does: that takes a study of three letters and two digits, a "
            "site of three letters, a subject of up to eight letters and digits, and a timepoint and a "
            "session of two digits."
        )
    return text


def make_id(*, subject: str, phantom: str = PHANTOM, session: str = "", **parts: str) -> SessionId | BadId:
    """An id of its parts; `phantom` is how the subjects of phantoms begin. Spaces around a number go."""
    number = session.strip()
    if session and not _NUMBER.fullmatch(number):
        return BadId("The last part of a session id is the session's number, such as 01.")
    is_phantom = bool(phantom) and subject.startswith(phantom)
    found = SessionId(subject=subject, session=number, is_phantom=is_phantom, **parts)
    return BadId("A phantom has one session; leave the number out.") if _is_second(found) else found


def _is_second(session: SessionId) -> bool:
    return session.is_phantom and session.number > 1


def _mapped(parts: dict[str, str], mapped: IdMap) -> dict[str, str]:
    if parts["study"] in mapped.studies.values():
        return parts
    study, site = parts["study"], parts["site"]
    return {
        **parts,
        "study": mapped.studies.get(study, study),
        "site": mapped.sites.get(site, site),
        "subject": _replaced(parts["subject"], mapped),
    }


def _replaced(subject: str, mapped: IdMap) -> str:
    for pattern, replacement in mapped.subjects:
        if pattern.match(subject):
            return pattern.sub(replacement, subject)
    return subject


def _reversed(names: Mapping[str, str]) -> dict[str, str]:
    """The first name that became each; later ones cannot be told from it."""
    found: dict[str, str] = {}
    for theirs, ours in names.items():
        found.setdefault(ours, theirs)
    return found
