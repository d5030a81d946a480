"""Checks what a study file expects of its project: the forms that it names are there."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from capstan.project_names import Problem, Project, nearest

if TYPE_CHECKING:
    from capstan.study import Study


def check_expect(study: Study, project: Project) -> Iterator[Problem]:
    """Every form of `quality.expect` is in the dictionary."""
    expect = study.quality.expect
    named = [("completeness", form) for form in expect.completeness]
    named += [("needs", form) for pair in expect.needs for form in (pair.form, pair.needs)]
    for key, form in named:
        if form not in project.dictionary.forms:
            told = nearest(form, project.dictionary.forms)
            yield Problem(f"quality.expect.{key}", f"there is no instrument {form!r}; {told}.")
