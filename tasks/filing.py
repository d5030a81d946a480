"""Filing: files into file fields and out of them, each compared with the plan, journaled and read back."""

from __future__ import annotations

import pandas as pd

from capstan.attachment import Attachment
from capstan.errors import RowsRefused
from capstan.store import Action, Outcome, Run
from checks.catalogue import say
from tasks.connections import LiveProject
from tasks.outcomes import file_text, held_now
from tasks.removing import delete_made_rows
from tasks.shield import effect, run_logger
from tasks.steps import Clock, journaled
from tasks.written import Written


@effect("write files")
def write_files(live: LiveProject, run: Run, *, cells: pd.DataFrame, clock: Clock) -> Written:
    """Put files into fields, or delete them where `after` is blank, one by one.

    With `row_existed`, as of an image, a row that a file had made goes with it. A cell's text is that of
    `Attachment.to_text`. A file that is not the one that the plan saw is left alone and said; so is one
    that REDCap does not take.
    """
    written = Written()
    for position in range(len(cells)):
        _write(live, run, cells=cells.iloc[[position]], clock=clock, written=written)
    if len(cells):
        run_logger().info("wrote files: %s", written.counts)
    return written


def _write(live: LiveProject, run: Run, *, cells: pd.DataFrame, clock: Clock, written: Written) -> None:
    if not _is_as_planned(live, cells, written):
        return
    now = held_now(live, cells)
    image = cells.assign(row_existed=now["row_exists"], form_saved=now["form_saved"])

    def act() -> bool:
        # REDCap puts no file on condition, so the last look is right before it.
        is_sent = _is_as_planned(live, cells, written)
        if is_sent:
            _send(live, cells)
        return is_sent

    is_sent, outcomes = journaled(live, run, cells=image, act=act, clock=clock, action=Action.FILE)
    written.count(outcomes)
    if is_sent is not False and (outcomes != Outcome.WRITTEN).any():
        reason = "REDCap did not take the file; look at the field and its form in REDCap."
        written.hear(say("row_refused", cells, reason=reason))


def _is_as_planned(live: LiveProject, cells: pd.DataFrame, written: Written) -> bool:
    """Whether REDCap still has the file that the plan saw; if not, it is said."""
    is_same = file_text(live, cells.iloc[0]) == str(cells["before"].iloc[0])
    if not is_same:
        reason = "Somebody changed this file since the plan was made; run again."
        written.hear(say("stale_base", cells, reason=reason))
    return is_same


def _send(live: LiveProject, cells: pd.DataFrame) -> None:
    cell = cells.iloc[0]
    record, field = str(cell["record"]), str(cell["field"])
    place = {"event": str(cell["event"]), "instance": str(cell["instance"])}
    try:
        if cell["after"]:
            attachment = Attachment.from_text(str(cell["after"]))
            live.writer.files.put(record, field, attachment=attachment, **place)
        # The file had made its row, which goes with it if nobody put anything else there.
        elif cell.get("row_existed", True) or not delete_made_rows(live, cells):
            live.writer.files.delete(record, field, **place)
    except RowsRefused:
        run_logger().warning("REDCap refused a file")
