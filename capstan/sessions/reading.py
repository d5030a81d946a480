"""Reads session ids by a study's rules: its convention, its sites and codes, what it fills in or refuses."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import replace
from difflib import get_close_matches
from typing import TYPE_CHECKING

from capstan.sessions import LONGEST, BadId, SessionId
from capstan.sessions.conventions import make_id, read_datman, read_either, read_kcni, write_kcni

if TYPE_CHECKING:
    from capstan.study.sessions import Sessions

BLANK = BadId("The session id is blank.")


def read_session(text: str, *, rules: Sessions) -> SessionId | BadId:
    """Read the id of a session as people wrote it: of one of the study's sites, and with a number."""
    written = rules.cased(text.strip())
    if not written:
        return BLANK
    if len(written) > LONGEST or not written.isprintable():
        return BadId(f"A session id has at most {LONGEST} characters, all of which can be seen.")
    found = _parse(written, rules)
    if isinstance(found, SessionId):
        found = _numbered(found, rules)
    return _placed(found, rules) if isinstance(found, SessionId) else found


def is_ignored(text: str, *, rules: Sessions) -> bool:
    """Whether the study passes an id over; the pattern is tried on its beginning, in the case of ids."""
    written = rules.cased(text.strip())[:LONGEST]
    return bool(rules.ignore) and re.match(rules.ignore, written) is not None


def to_kcni(session: SessionId, *, rules: Sessions) -> str | BadId:
    """Write an id as KCNI does, with KCNI's names for the study and the site."""
    return write_kcni(session, mapped=rules.kcni.id_map)


def _parse(written: str, rules: Sessions) -> SessionId | BadId:
    if rules.convention == "pattern":
        return _read_pattern(written, rules)
    if rules.convention == "datman":
        return read_datman(written)
    read = read_kcni if rules.convention == "kcni" else read_either
    return read(written, mapped=rules.kcni.id_map)


def _read_pattern(written: str, rules: Sessions) -> SessionId | BadId:
    found = re.fullmatch(rules.pattern, written)
    if not found:
        return BadId("This is no session id of this study; its pattern is sessions.pattern in study.yaml.")
    parts = {"study": "", "site": "", **{name: part or "" for name, part in found.groupdict().items()}}
    if not rules.names_part("site"):
        parts["site"] = rules.cased(rules.sites[0].site)
    return make_id(**parts, phantom=rules.phantom)


def _numbered(session: SessionId, rules: Sessions) -> SessionId | BadId:
    if session.session or session.is_phantom:
        return session
    if rules.default_session:
        return replace(session, session=rules.default_session)
    return BadId("The session id tells no number of the session; add it, such as 01.")


def _placed(session: SessionId, rules: Sessions) -> SessionId | BadId:
    """The id, if the study has its code at its site."""
    sites = {rules.cased(one.site): {rules.cased(code) for code in one.codes} for one in rules.sites}
    codes = {code for each in sites.values() for code in each}
    if session.site not in sites:
        return BadId(f"The site code is none of this study's; {_nearest(session.site, sites)}")
    if not rules.names_part("study") or session.study in sites[session.site]:
        return session
    if session.study not in codes:
        known = codes | {rules.cased(code) for code in rules.kcni.studies}
        return BadId(f"The study code is none of this study's; {_nearest(session.study, known)}")
    advice = _nearest(session.study, sites[session.site], least=0)
    return BadId(f"The study has another code at this site; {advice}")


def _nearest(written: str, known: Iterable[str], *, least: float = 0.6) -> str:
    """Name the known codes that are most like one, or else all; never the one that was written."""
    listed = sorted(known)
    near = get_close_matches(written, listed, n=3, cutoff=least)
    return f"did you mean {' or '.join(near)}?" if near else f"there are {', '.join(listed)}."
