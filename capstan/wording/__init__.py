"""Wordings: a study's templates in each language, read strictly, and filled in for one participant."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from capstan.errors import StudyError
from capstan.message import Wording

if TYPE_CHECKING:
    from capstan.study.messages import Message
    from capstan.wording.jinja import Compiled


@dataclass(frozen=True)
class Template:
    """The sources of one wording in one language; what a message does not have is blank."""

    language: str
    subject: str
    text: str
    html: str

    @property
    def version(self) -> str:
        """What names this wording when it is approved: 12 hex digits that change with every letter."""
        sources = json.dumps([self.subject, self.text, self.html], ensure_ascii=True)
        return hashlib.sha256(sources.encode()).hexdigest()[:12]

    @cached_property
    def variables(self) -> frozenset[str]:
        """Every name that the wording takes from outside."""
        from capstan.wording.jinja import variables_of

        return frozenset().union(*map(variables_of, (self.subject, self.text, self.html)))

    def render(self, values: Mapping[str, str]) -> Wording | None:
        """Fill in the values, text as it is and HTML escaped; None where it prints one that is blank.

        Raises StudyError where a template fails otherwise, without any value.
        """
        filled = self._compiled.fill(values)
        if filled is None:
            return None
        subject, text, html = filled
        # A line break in a subject would begin another header.
        return Wording(" ".join(subject.split()), text, html)

    @cached_property
    def _compiled(self) -> Compiled:
        # Most runs read no template, and the import takes a tenth of a second.
        from capstan.wording.jinja import Compiled

        return Compiled.of(self.subject, self.text, html=self.html, language=self.language)


def read_templates(message: Message, *, files: Mapping[str, str], language: str) -> Mapping[str, Template]:
    """Read a message's templates by language, from the files of the study's folder by their names.

    `language` is that of files whose name has none; `reminder.es.txt.j2` is the Spanish `reminder.txt.j2`.
    Raises StudyError for a file that is absent and for one that Jinja2 cannot read.
    """
    found = {}
    for variant in (language, *_variants(message.template, files=files)):
        part = "" if variant == language else variant
        name = variant.lower()
        found[name] = Template(
            language=name,
            subject=message.subjects.get(variant, message.subject),
            text=_source(variant_name(message.template, language=part), files=files),
            html=_source(variant_name(message.html, language=part), files=files) if message.html else "",
        )
        _refuse_unreadable(found[name], message=message)
    return found


def read_reply(name: str, *, files: Mapping[str, str]) -> Template:
    """Read the template of an answer to participants, which has one language; raises as `read_templates`."""
    template = Template("", "", _source(name, files=files), "")
    from capstan.wording.jinja import refuse_unreadable

    refuse_unreadable(template.text, place=f"templates/{name}")
    return template


def variant_name(name: str, *, language: str) -> str:
    """The file of a template in another language: `reminder.txt.j2` and `es` give `reminder.es.txt.j2`."""
    stem, kind, ending = name.rsplit(".", 2)
    return ".".join([stem, language, kind, ending]) if language else name


def _variants(name: str, *, files: Mapping[str, str]) -> list[str]:
    stem, kind, ending = name.rsplit(".", 2)
    after = f".{kind}.{ending}"
    middles = [
        file.removeprefix(f"{stem}.").removesuffix(after)
        for file in files
        if file.startswith(f"{stem}.") and file.endswith(after) and file != name
    ]
    return sorted(middle for middle in middles if middle and "." not in middle)


def _source(name: str, *, files: Mapping[str, str]) -> str:
    if name not in files:
        raise StudyError(f"templates/{name}: there is no such file; write it, or correct its name.")
    return files[name].replace("\r\n", "\n").strip()


def _refuse_unreadable(template: Template, *, message: Message) -> None:
    from capstan.wording.jinja import refuse_unreadable

    refuse_unreadable(template.subject, place=f"the subject of {message.id}")
    refuse_unreadable(template.text, place=f"templates/{message.template} ({template.language})")
    refuse_unreadable(template.html, place=f"templates/{message.html} ({template.language})")
