"""Writes the Tooth Fairy Trial for a day: the project with its data, and a file to import.

    python -m studies.demo.generate project.xml import.csv

Everything in it is invented. The same day and seed give the same text.
"""

from __future__ import annotations

import sys
from datetime import UTC, date, datetime
from pathlib import Path

from studies.demo.mistakes import ImportFile, make_import
from studies.demo.odm import write_xml
from studies.demo.people import invent

SEED = 20180829


def project_xml(today: date, *, participants: int = 120, seed: int = SEED) -> str:
    """Write structure and data of the trial as REDCap project XML; every visit status occurs from 20 on."""
    return write_xml(invent(today, participants=participants, seed=seed), today=today)


def import_rows(today: date, *, participants: int = 120, good_rows: int = 40, seed: int = SEED) -> ImportFile:
    """Write a CSV to import into that same project: good rows, and rows with one mistake of each kind.

    Raises ValueError when there are fewer participants than rows.
    """
    people = invent(today, participants=participants, seed=seed)
    return make_import(people, today=today, good_rows=good_rows, seed=seed)


def main(arguments: list[str]) -> int:
    """Write both files for today; 2 when the names of two files are not given."""
    if len(arguments) != 2:
        sys.stderr.write(f"{__doc__}")
        return 2
    today = datetime.now(UTC).date()
    for name, text in zip(arguments, (project_xml(today), import_rows(today).text), strict=True):
        Path(name).write_text(text, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
