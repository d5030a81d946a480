"""A trial in which every field that can hold a mark holds one, files to import, and what finds the marks.

All days are around 1931, so that no date of it looks like one of ours; only `TODAY` itself is a parameter.
"""

from __future__ import annotations

import csv
import io
import re
import shutil
from collections.abc import Iterable
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

from live_study import LiveStudy, make_study

from studies.demo.mistakes import make_import
from studies.demo.odm import write_xml
from studies.demo.people import BASELINE, Participant, Place, invent

TODAY = date(1931, 6, 1)
MARK = "xplantedx"
CONTROL = "xcontrolx"
STAFF_MAIL, STAFF_PHONE = "staff@example.org", "+12065550160"
_REPLIES = f"""
inbound:
  event: 6_month
  instrument: sms_survey_log
  fields: {{sender: txt_number, text: txt_message, received_at: txt_sent_at, sid: txt_twilio_sid}}
  keywords: [{{words: [RIDE], reply: ride.txt.j2, notify: true}}]
notify:
  staff: {{email: [{STAFF_MAIL}], sms: ["{STAFF_PHONE}"], on: [failure, hold, summary, delivery, distress, question]}}
  roles: [{{name: imaging, email: [{STAFF_MAIL}]}}]
partners:
  - {{name: agile, file: roster.csv, participant: id,
     compare: [{{column: parent, event: baseline_arm_1, field: part_guardian_name}}]}}
"""
_MONITOR = "  - {id: call, of: {form: exam}, then: {form: phone_follow_up}, after: 0 minutes}\n"
_DEMO = Path(__file__).resolve().parents[2] / "studies" / "demo" / "study.yaml"
# A mark inside a bad value, where the demo's mistake has none; the mistake stays the same.
_BAD = {
    "9_month_arm_2": f"{MARK}_arm_2",
    "90210": "XPLANTEDX-90210",
    "Reached": f"{MARK} choice",
    "moon": f"{MARK} place",
    "yes": f"{MARK} box",
    "maybe": f"{MARK} yesno",
    "101": f"{MARK} slider",
    "twenty": f"{MARK} twenty",
    "33": "3331313131",
    "family(at)example.org": f"{MARK}(at)example.org",
    "Ann\x07Abbott": f"{MARK}\x07Abbott",
}


def plant(folder: Path, addresses: dict[str, Any]) -> LiveStudy:
    """Make the planted project in a sandbox, and its study folder with the demo's rules."""
    text = _DEMO.read_text(encoding="utf-8")
    # The page counts by words of the study file, which are no participant's: others than REDCap is told.
    others = (
        '\n  consort:\n    excluded:\n      - {when: "[part_age] > 0", reason: not eligible}\n  enrolment: {'
    )
    rules = "arms:" + text.partition("\narms:")[2].replace("\n  enrolment: {", others)
    made = make_study(
        folder,
        name="planted",
        addresses=addresses,
        xml=write_xml(people(), today=TODAY),
        title="Planted",
        body=_contact(text, addresses) + _REPLIES + rules,
    )
    shutil.copytree(_DEMO.parent / "templates", made.folder / "templates")
    (made.folder / "templates" / "ride.txt.j2").write_text("A driver calls.", encoding="utf-8")
    return made


def _contact(text: str, addresses: dict[str, Any]) -> str:
    """The demo's messages, through the sandbox, for visits that are long over when they are really sent."""
    contact = text.partition("\nmessaging:")[2].partition("\narms:")[0]
    for old, new in {
        "${TWILIO_URL}": addresses["twilio_url"],
        "${SMTP_PORT}": addresses["smtp"].rpartition(":")[2],
        "status: [due, overdue]": "status: [due, overdue, missed]",
        "\nmonitors:\n": f"\nmonitors:\n{_MONITOR}",
    }.items():
        contact = contact.replace(old, new)
    return f"messaging:{contact}\n"


def people() -> tuple[Participant, ...]:
    """The planted participants."""
    return tuple(_marked(person) for person in invent(TODAY, participants=60, seed=1))


def write_files(folder: Path) -> None:
    """Write the files to import: a good one, one with all mistakes, and three that cannot be used."""
    text = make_import(people(), today=TODAY, good_rows=9, seed=1)
    reader = csv.DictReader(io.StringIO(text.text))
    rows = [
        _with_remark(row) if number not in text.expected else _with_bad_value(row)
        for number, row in enumerate(reader)
    ]
    good = [row for number, row in enumerate(rows) if number not in text.expected]
    folder.mkdir()
    _write(folder / "mixed.csv", rows)
    _write(folder / "good.csv", good)
    later = [row | {"exam_remarks": f"{MARK} later"} for row in good if row["exam_date"]]
    _write(folder / "later.csv", later)
    (folder / "headless.csv").write_text("\n".join(_lines(good)[1:]), encoding="utf-8")
    (folder / "ragged.csv").write_text("\n".join([*_lines(good), f"{MARK},1931-02-03"]), encoding="utf-8")
    (folder / "latin.csv").write_bytes("\n".join([*_lines(good), f"{MARK} é"]).encode("latin-1"))


def pattern(*tokens: str) -> re.Pattern[bytes]:
    """What must be nowhere: marks, dates around 1931, telephone numbers, computed reasons, and tokens."""
    shapes = [
        MARK,
        "3331313131",
        rf"(?<!\d)(?!{TODAY})19[23]\d-[01]\d-[0-3]\d",
        r"(?<!\d)[0-3]?\d[/.][0-3]?\d[/.]19[23]\d(?!\d)",
        r"(?<![0-9a-f])(?:\+?1)?[ .-]?\(?(?:415|510|628|707|831|925)\)?[ .-]{0,2}555[ .-]?01\d\d(?![0-9a-f])",
        "child must",
        *map(re.escape, tokens),
    ]
    return re.compile("|".join(shapes).encode(), re.IGNORECASE)


def _marked(person: Participant) -> Participant:
    record = f"XPLANTEDX-{person.record}"
    rows = {place: _marked_row(values, record=record) for place, values in person.rows.items()}
    if person.arm:
        rows[Place(f"6_month_arm_{person.arm}", "sms_survey_log", "1")] = {
            "txt_number": rows[Place(BASELINE)]["part_mobile_number"],
            "txt_message": f"{MARK} text to {record}",
            "txt_twilio_sid": f"SM{MARK}{person.record}",
            "txt_twilio_status": "delivered",
            "txt_sent_at": "1931-05-05 10:11:12",
            "sms_survey_log_complete": "2",
        }
    return replace(person, record=record, rows=rows)


def _marked_row(values: dict[str, str], *, record: str) -> dict[str, str]:
    marks = {name: record for name in values if name == "record_id"}
    for name in values:
        if name.endswith(("_name", "_reason", "_remarks")):
            marks[name] = f"{MARK} {name} of {record}"
    if "part_email" in values:
        marks["part_email"] = f"{MARK}.{record}@example.org"
    if "pfu_outcome" in values:
        marks["pfu_remarks"] = f"{MARK} called {record}"
    return {**values, **marks}


def _with_remark(row: dict[str, str]) -> dict[str, str]:
    return row | {"exam_remarks": f"{MARK} new remark"} if row["exam_date"] else row


def _with_bad_value(row: dict[str, str]) -> dict[str, str]:
    marked = {name: _BAD.get(value, value) for name, value in row.items()}
    return marked | (
        {name: f"{MARK} status" for name in row if name.endswith("_complete") and row[name] == "3"}
    )


def _write(path: Path, rows: Iterable[dict[str, str]]) -> None:
    path.write_text("\n".join(_lines(rows)), encoding="utf-8")


def _lines(rows: Iterable[dict[str, str]]) -> list[str]:
    text = io.StringIO()
    rows = list(rows)
    writer = csv.DictWriter(text, list(rows[0]), lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue().splitlines()
