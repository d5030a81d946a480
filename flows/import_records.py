"""Import a CSV file: every row judged, what passes written, what does not stopped and explained."""

from __future__ import annotations

from flows.job import Summary, chosen_limits, job
from flows.parameters import (
    DryRun,
    EraseBlanks,
    FilePath,
    MaxBlanked,
    MaxNewRecords,
    MaxRecords,
    MaxShare,
    StudyName,
)
from tasks.files import read_table
from tasks.judging import refuse_empty
from tasks.present import read_present
from tasks.shield import study_flow


@study_flow("import-records")
def import_records(
    study: StudyName,
    file: FilePath,
    dry_run: DryRun = False,
    erase_blanks: EraseBlanks = False,
    max_records: MaxRecords = None,
    max_share: MaxShare = None,
    max_blanked: MaxBlanked = None,
    max_new_records: MaxNewRecords = None,
) -> Summary:
    """Import a CSV file into the study's project, through the gate.

    Args:
        study: The name of the study.
        file: The path of a CSV file in UTF-8, with REDCap's export columns.
        dry_run: Judge and report, write nothing.
        erase_blanks: Let blank cells erase values (within max_blanked); otherwise they change nothing.
        max_records: Records that this run may change, instead of the study's limit.
        max_share: Share of all records, from 0 to 1, that this run may change.
        max_blanked: Values that this run may erase.
        max_new_records: Records that this run may create.
    """
    table, blank_lines = read_table(file)
    with job(study, flow="import_records", dry_run=dry_run) as current:
        live = current.live
        if blank_lines:
            current.details["lines_blank"] = blank_lines
        limits = chosen_limits(
            live.study.writes.limits,
            max_records=max_records,
            max_share=max_share,
            max_blanked=max_blanked,
            max_new_records=max_new_records,
        )
        present = read_present(live, table)
        refuse_empty(live, records=present.records, now=current.now, may_be_new=True)
        return current.apply(table, present=present, limits=limits, blanks_erase=erase_blanks)
