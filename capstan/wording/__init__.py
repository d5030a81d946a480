"""Wordings: a study's templates in each language, read strictly, and filled in for one participant."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from functools import cached_property
from typing import TYPE_CHECKING

from jinja2 import StrictUndefined, TemplateError, TemplateSyntaxError, Undefined, UndefinedError, meta
from jinja2 import Template as Compiled
from jinja2.sandbox import ImmutableSandboxedEnvironment

from capstan.errors import StudyError
from capstan.message import Wording

if TYPE_CHECKING:
    from capstan.study.messages import Message


class _Blank(Undefined):
    """A value that is blank: a template may ask for it and give it a default, but not print it."""

    __slots__ = ()

    def __str__(self) -> str:
        raise UndefinedError("is blank")

    def __eq__(self, other: object) -> bool:
        return other == ""

    def __hash__(self) -> int:
        return hash("")


def _date(value: object, form: str = "%Y-%m-%d") -> str:
    """Write an ISO date as a template wants it: `{{ due | date("%m/%d/%Y") }}`."""
    try:
        return date.fromisoformat(str(value)[:10]).strftime(form)
    except ValueError:
        raise UndefinedError("is no date") from None


def _environment(*, escapes: bool) -> ImmutableSandboxedEnvironment:
    made = ImmutableSandboxedEnvironment(
        undefined=StrictUndefined, autoescape=escapes, trim_blocks=True, lstrip_blocks=True
    )
    made.filters["date"] = _date
    return made


# A text is read by a phone, HTML by a browser.
_TEXT, _HTML = _environment(escapes=False), _environment(escapes=True)


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
        return frozenset().union(*map(_variables, (self.subject, self.text, self.html)))

    def render(self, values: Mapping[str, str]) -> Wording | None:
        """Fill in the values, text as it is and HTML escaped; None where it prints one that is blank.

        Raises StudyError where a template fails otherwise, without any value.
        """
        filled = {name: text or _Blank(name=name) for name, text in values.items()}
        try:
            subject, text, html = (compiled.render(filled).strip() for compiled in self._compiled)
        except UndefinedError:
            return None
        except (TemplateError, ArithmeticError, LookupError, TypeError, ValueError) as error:
            raise StudyError(
                f"The wording in {self.language} fails with {type(error).__name__}; correct its expressions."
            ) from None
        # A line break in a subject would begin another header.
        return Wording(" ".join(subject.split()), text, html)

    @cached_property
    def _compiled(self) -> tuple[Compiled, Compiled, Compiled]:
        return (
            _TEXT.from_string(self.subject),
            _TEXT.from_string(self.text),
            _HTML.from_string(self.html),
        )


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
    _refuse_unreadable_source(template.text, place=f"templates/{name}")
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
    _refuse_unreadable_source(template.subject, place=f"the subject of {message.id}")
    _refuse_unreadable_source(template.text, place=f"templates/{message.template} ({template.language})")
    _refuse_unreadable_source(template.html, place=f"templates/{message.html} ({template.language})")


def _refuse_unreadable_source(source: str, *, place: str) -> None:
    try:
        tree = _TEXT.parse(source)
        _TEXT.compile(tree)  # only this finds a filter that there is none of
    except TemplateSyntaxError as error:
        raise StudyError(f"{place} line {error.lineno}: Jinja2 cannot read it; {error.message}") from None
    if any(True for _ in meta.find_referenced_templates(tree)):
        raise StudyError(f"{place}: a template stands alone; put in what it includes.")


def _variables(source: str) -> frozenset[str]:
    return frozenset(meta.find_undeclared_variables(_TEXT.parse(source)))
