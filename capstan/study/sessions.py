"""The part `sessions` of the study file: how session ids are written, and at which sites."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field, StringConstraints

from capstan.sessions.conventions import PHANTOM, IdMap
from capstan.sessions.patterns import compile_id_pattern, compile_pattern
from capstan.study.parts import CodeText, Part


def _is_id_pattern(value: str) -> str:
    if value:
        compile_id_pattern(value)
    return value


def _is_quick_pattern(value: str) -> str:
    compile_pattern(value)
    return value


def _is_replacement(value: str) -> str:
    pattern, arrow, replacement = value.partition("->")
    if not arrow or not pattern:
        raise ValueError("must be PATTERN->REPLACEMENT")
    compile_pattern(pattern)
    try:
        # What takes the place may name groups of the pattern; that shows only where it fits.
        re.sub(f"(?:{pattern})|", replacement, "")
    except (re.error, IndexError):
        raise ValueError("names a group that its pattern does not have") from None
    return value


def _upper(names: Mapping[str, str]) -> dict[str, str]:
    return {theirs.upper(): ours.upper() for theirs, ours in names.items()}


class KcniNames(Part):
    """What the study calls KCNI's study codes and site codes, and how it writes KCNI's subjects.

    `subjects` are texts such as `^CMP(.*)->\\1`, of which the first whose pattern fits is used.
    """

    studies: dict[CodeText, CodeText] = Field(default={})
    sites: dict[CodeText, CodeText] = Field(default={})
    subjects: tuple[Annotated[str, AfterValidator(_is_replacement)], ...] = ()

    @property
    def id_map(self) -> IdMap:
        """The names as the conventions take them."""
        pairs = [text.partition("->") for text in self.subjects]
        subjects = [(re.compile(one), other) for one, _, other in pairs]
        return IdMap(_upper(self.studies), _upper(self.sites), subjects)


class SessionSite(Part):
    """A site: its code, and the study's codes there.

    `expects_redcap` is whether each session at the site is to have a form in REDCap.
    """

    site: CodeText
    code: CodeText = ""
    other_codes: tuple[CodeText, ...] = ()
    expects_redcap: bool = True

    @property
    def codes(self) -> tuple[str, ...]:
        """All codes of the study at this site."""
        return (self.code, *self.other_codes) if self.code else self.other_codes


class Sessions(Part):
    """How session ids are written.

    `either` is Datman's convention or else KCNI's. A `pattern` has groups named study, site, subject,
    timepoint and session, of which only the subject must be; ids are brought to `case` before they are read.
    `default_session` is the number of an id of a person that tells none; such an id is refused if it is
    blank. `phantom` is how the subjects of phantoms begin. Ids that begin as `ignore` says are passed over.
    """

    convention: Literal["either", "datman", "kcni", "pattern"] = "either"
    pattern: Annotated[str, AfterValidator(_is_id_pattern)] = ""
    case: Literal["upper", "lower", "any"] = "upper"
    sites: tuple[SessionSite, ...] = Field(min_length=1)
    kcni: KcniNames = KcniNames()
    default_session: Annotated[CodeText, StringConstraints(pattern="^[0-9]{0,4}$")] = ""
    phantom: str = PHANTOM
    ignore: Annotated[str, AfterValidator(_is_quick_pattern)] = ""

    def model_post_init(self, _context: Any) -> None:
        """Refuse a pattern without its convention, and sites that no id could be of."""
        if bool(self.pattern) != (self.convention == "pattern"):
            raise ValueError("give pattern with `convention: pattern`, and only then")
        if self.case != "upper" and not self.pattern:
            raise ValueError("the conventions that are built in are of upper case; remove case")
        if self.names_part("study") and not all(one.codes for one in self.sites):
            raise ValueError("give each site the study's code there, as in `code: DTI01`")
        if len(self.sites) > 1 and not self.names_part("site"):
            raise ValueError("with several sites the pattern must have a group (?P<site>…)")
        if len({one.site for one in self.sites}) < len(self.sites):
            raise ValueError("a site is listed twice; list further codes under other_codes")

    def names_part(self, part: str) -> bool:
        """Whether ids tell a part; the conventions that are built in tell all."""
        return not self.pattern or part in re.compile(self.pattern).groupindex

    @property
    def expecting_sites(self) -> frozenset[str]:
        """The sites at which each session is to have a form in REDCap, in the case of ids."""
        return frozenset(self.cased(one.site) for one in self.sites if one.expects_redcap)

    def cased(self, text: str) -> str:
        """A text in the case of ids."""
        return {"upper": text.upper(), "lower": text.lower(), "any": text}[self.case]
