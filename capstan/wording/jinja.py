"""Jinja2 as templates may use it: strict, in a sandbox, and without other files."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import NamedTuple

from jinja2 import StrictUndefined, TemplateError, TemplateSyntaxError, Undefined, UndefinedError, meta
from jinja2 import Template as Source
from jinja2.sandbox import ImmutableSandboxedEnvironment

from capstan.errors import StudyError


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


class Compiled(NamedTuple):
    """The three parts of a wording, ready to be filled in; `language` is for errors."""

    parts: tuple[Source, Source, Source]
    language: str

    @classmethod
    def of(cls, subject: str, text: str, *, html: str, language: str) -> Compiled:
        """Compile the sources."""
        return cls((_TEXT.from_string(subject), _TEXT.from_string(text), _HTML.from_string(html)), language)

    def fill(self, values: Mapping[str, str]) -> tuple[str, str, str] | None:
        """Fill in subject, text and HTML; None where one prints what is blank.

        Raises StudyError where a template fails otherwise, without any value.
        """
        filled = {name: text or _Blank(name=name) for name, text in values.items()}
        try:
            subject, text, html = (part.render(filled).strip() for part in self.parts)
        except UndefinedError:
            return None
        except (TemplateError, ArithmeticError, LookupError, TypeError, ValueError) as error:
            raise StudyError(
                f"The wording in {self.language} fails with {type(error).__name__}; correct its expressions."
            ) from None
        return subject, text, html


def refuse_unreadable(source: str, *, place: str) -> None:
    """Refuse a source that Jinja2 cannot read, and one that wants another; raises StudyError with `place`."""
    try:
        tree = _TEXT.parse(source)
        _TEXT.compile(tree)  # only this finds a filter that there is none of
    except TemplateSyntaxError as error:
        raise StudyError(f"{place} line {error.lineno}: Jinja2 cannot read it; {error.message}") from None
    if any(True for _ in meta.find_referenced_templates(tree)):
        raise StudyError(f"{place}: a template stands alone; put in what it includes.")


def variables_of(source: str) -> frozenset[str]:
    """Every name that a source takes from outside."""
    return frozenset(meta.find_undeclared_variables(_TEXT.parse(source)))
