"""A run's page: its summary in Markdown, for people."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from types import MappingProxyType

from capstan.settings import load_settings
from checks.catalogue import entry_of
from tasks.deployed import flow_run_page
from tasks.page_folders import STUDY_PAGE

Summary = Mapping[str, object]

OUTCOMES = MappingProxyType(
    {
        "done": "Every cell that was accepted is in REDCap.",
        "partly": "Some of it did not reach REDCap, or somebody had changed it in the meantime.",
        "held": "Nothing was written: the plan changes more than the study allows one run. "
        "A person must look at it.",
        "refused": "Nothing was written: the run as a whole was refused.",
        "idle": "Nothing was left to write.",
        "dry run": "A dry run: everything was judged, nothing was written.",
        "put off": "Nothing was done now; it is tried again by itself.",
        "failed": "An error ended it.",
    }
)
COUNTS = MappingProxyType(
    {
        "records_changed": "records changed since the last poll",
        "rows_in": "rows looked at",
        "rows_judged": "rows of the project judged",
        "accepted": "findings accepted by quality.exceptions",
        "rows_unchanged": "rows that change nothing",
        "rows_accepted": "rows accepted",
        "rows_rejected": "rows stopped",
        "cells_planned": "cells to write",
        "lines_blank": "lines of the file that hold nothing",
        "cells_normalised": "cells tidied (blanks trimmed, letters composed)",
        "cells_written": "cells written",
        "cells_not_written": "cells that did not reach REDCap",
        "cells_to_restore": "cells to put back",
        "cells_reverted": "cells put back",
        "cells_moved_on": "cells that somebody changed since, left alone",
        "records_compared": "records compared with what was worked",
        "items_made": "items made for what REDCap sent no trigger for",
        "records_renamed": "records followed to their new name",
        "records_deleted": "records deleted in REDCap",
        "forms_emptied": "forms whose data were deleted in REDCap",
    }
)
_BRIEFLY = MappingProxyType(
    {"cells_written": "cells written", "cells_reverted": "cells put back", "rows_rejected": "rows stopped"}
)
MAX_CHANGES = 20
CHECKS = MappingProxyType(
    {
        "run_stopped": "What stopped the run",
        "rows_stopped": "Rows stopped, by check",
        "rows_warned": "Rows written, but to be looked at",
    }
)


def markdown(summary: Summary) -> str:
    """A run's summary as a page for people, in Markdown."""
    parts = [
        f"# {title(summary)}",
        _said(summary),
        *_numbers(summary),
        *_by_check(summary),
        *_details(summary),
        *_changes(summary),
    ]
    return "\n\n".join([part for part in parts if part] + ["\n".join(_next(summary))])


def title(summary: Summary) -> str:
    """What ran, for which study, and what it came to."""
    flow = str(summary["flow"]).replace("_", " ").capitalize()
    return f"{flow}, study {summary['study']}: {summary['outcome']}"


def brief(summary: Summary) -> str:
    """What a run came to, in a few words, for a list of runs."""
    counted = [
        f"{count:,} {words}"
        for name, words in _BRIEFLY.items()
        if isinstance(count := summary.get(name), int) and count
    ]
    return ", ".join([str(summary["outcome"]), *counted])


def _said(summary: Summary) -> str:
    # What a flow without a run of the journal came to, it says itself.
    spoken = [OUTCOMES.get(str(summary["outcome"]), "")] if "run" in summary else []
    words = " ".join(filter(None, [*spoken, str(summary.get("reason", ""))]))
    stopped = summary.get("rows_rejected")
    rows = "row was" if stopped == 1 else "rows were"
    return (
        f"{words} **{stopped:,} {rows} stopped**, see below."
        if isinstance(stopped, int) and stopped
        else words
    )


def _numbers(summary: Summary) -> Iterator[str]:
    """What was counted, in words; a zero says nothing, except that no cell was written."""
    shown = {name: summary.get(name) for name in COUNTS}
    rows = [
        f"| {value:,} | {COUNTS[name]} |"
        for name, value in shown.items()
        if isinstance(value, int) and (value or name == "cells_written")
    ]
    if rows:
        yield "\n".join(["| count | what |", "|---:|---|", *rows])


def _by_check(summary: Summary) -> Iterator[str]:
    for part, title in CHECKS.items():
        found = sorted(counts_of(summary, part).items(), key=lambda pair: (-pair[1], pair[0]))
        if found:
            rows = [f"| {count:,} | {_meaning(check)} | `{check}` |" for check, count in found]
            yield "\n".join([f"## {title}", "", "| rows | what was found | check |", "|---:|---|---|", *rows])


def _details(summary: Summary) -> Iterator[str]:
    """Counts by word, such as visits by status; criteria share one table."""
    criteria = [name for name in summary if name.startswith("criterion ")]
    for name in summary:
        if name not in (*CHECKS, *criteria) and (found := counts_of(summary, name)):
            rows = [f"| {count:,} | {word} |" for word, count in found.items()]
            yield "\n".join([f"## {name.capitalize()}", "", "| count | status |", "|---:|---|", *rows])
    if criteria:
        words = list(counts_of(summary, criteria[0]))
        head = [f"| criterion | {' | '.join(word.replace('_', ' ') for word in words)} |"]
        head.append("|---|" + "---:|" * len(words))
        for name in criteria:
            counts = " | ".join(f"{count:,}" for count in counts_of(summary, name).values())
            head.append(f"| {name.removeprefix('criterion ')} | {counts} |")
        yield "\n".join(["## Criteria", "", *head])


def _changes(summary: Summary) -> Iterator[str]:
    """What people redesigned in REDCap since the last run; a long list is cut."""
    found = summary.get("project_changes")
    if not isinstance(found, list):
        return
    more = [f"* and {len(found) - MAX_CHANGES} more"] if len(found) > MAX_CHANGES else []
    yield "## What changed in the project since the last run"
    yield "\n".join([*(f"* {change}" for change in found[:MAX_CHANGES]), *more])


def _next(summary: Summary) -> Iterator[str]:
    """Where to go from here: the cells themselves are shown in a terminal only."""
    run = summary.get("run")
    yield "## From here\n"
    if run:
        yield f"* `capstan journal show {run}` lists the rows that were stopped, and why, and the cells."
        yield from _page_of(summary)
    if summary.get("plan"):
        digest = str(summary["plan"])[:12]
        yield f"* `capstan plan show {digest}` shows the plan; `capstan plan approve {digest}` applies it."
    if summary.get("rows_rejected") and not summary.get("dry_run"):
        yield "* `capstan quarantine list` keeps the rows that were stopped, until they are answered."
    if summary.get("cells_written"):
        yield f"* `capstan journal revert {run}` undoes this run."
    if summary.get("reverts"):
        yield f"* It undoes the run `{summary['reverts']}`."
    if summary["study"] and not summary.get("dry_run"):
        yield f"* {_study_page(str(summary['study']))}"
    page = flow_run_page(str(summary["flow_run"])) if summary.get("flow_run") else ""
    if page:
        yield f"* [The flow run]({page}) has the steps, their times and their logs."


def _study_page(study: str) -> str:
    """Where people find the page of the study: at the receiver, or as a file of whoever runs this."""
    public_url = load_settings().public_url
    if public_url:
        return f"[The page of the study]({public_url}/studies/{study}/) shows how it stands."
    return f"The page of the study is `reports/{study}/{STUDY_PAGE}` in CAPSTAN_HOME."


def _page_of(summary: Summary) -> Iterator[str]:
    """The way to the page of a run that has one; it needs the receiver, and a sign-in."""
    public_url = load_settings().public_url
    if public_url and (summary.get("cells_planned") or summary.get("rows_rejected")):
        address = f"{public_url}/studies/{summary['study']}/runs/{summary['run']}"
        yield f"* [The page of the run]({address}) has the same by field and event, with times and versions."


def counts_of(summary: Summary, name: str) -> dict[str, int]:
    """Counts by word, such as rows by check; none where the summary has no such part."""
    found = summary.get(name)
    return {str(word): int(count) for word, count in found.items()} if isinstance(found, Mapping) else {}


def _meaning(check: str) -> str:
    return entry_of(check).meaning
