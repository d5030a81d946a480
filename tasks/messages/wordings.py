"""Wordings: what `capstan doctor` says of a study's templates."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from capstan.dictionary import Dictionary
from capstan.errors import StudyError
from capstan.events import EventGrid
from capstan.study import Study, read_template_files
from capstan.study.check_templates import advise_on_templates, check_templates
from capstan.wording.facts import WordingFacts, list_wordings
from tasks.finding import Finding


def look_at_wordings(
    study: Study, dictionary: Dictionary, *, grid: EventGrid, folder: Path
) -> Iterator[Finding]:
    """Findings on the templates of messages and answers; none where the study has no messages.

    The versions are what `approved` in the study file takes.
    """
    if not study.messages:
        return
    try:
        files = read_template_files(folder)
    except StudyError as error:
        yield Finding("wordings", "fail", str(error))
        return
    problems = check_templates(study, dictionary, grid=grid, templates=files)
    advice = advise_on_templates(study, templates=files)
    yield from (Finding("wordings", "fail", str(problem)) for problem in problems)
    yield from (Finding("wordings", "warn", str(problem)) for problem in advice)
    if not problems:
        yield from (Finding("wordings", "ok", _facts(each)) for each in list_wordings(study, templates=files))


def _facts(wording: WordingFacts) -> str:
    encoding, segments, _ = wording.segments
    size = f"about {len(wording.text)} characters, as a text {segments} segments ({encoding})"
    return f"{wording.message} in {wording.language}: version {wording.version}, {size}"
