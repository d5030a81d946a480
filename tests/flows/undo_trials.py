"""Random runs one after the other, then the undo of all of them: the project must be what it was.

    python tests/flows/undo_trials.py 30 [FIRST_SEED]

Tests run a few of these trials; this is for many.
"""

from __future__ import annotations

import csv
import os
import random
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from live_study import LiveStudy, serving_sandbox
from trial_study import BODY, add_file_field, make_project

from capstan.attachment import Attachment
from flows.change_files import change_file
from flows.change_records import delete, rename
from flows.complete_forms import complete_forms
from flows.import_records import import_records
from flows.revert_run import revert_run
from tasks.file_places import FilePlace

LIMITS = BODY.replace(
    "records: 2", "records: 99, blanked: 999, deleted_records: 9, renamed_records: 9"
).replace("exam, phone_follow_up", "eligibility, rand_date, exam, phone_follow_up")
GROUPS = "data_access_group_name,unique_group_name\nNorth,\nSouth,\n"
KEYS = ("record_id", "redcap_event_name", "redcap_repeat_instrument", "redcap_repeat_instance")
RUNS = 5
Row = dict[str, str]


class Contents(NamedTuple):
    """All that an undo must bring back: data with access groups, and files."""

    data: bytes
    files: tuple[tuple[str, bytes], ...]


def contents(study: LiveStudy) -> Contents:
    """Read everything, in which the status of a form that nobody saved is blank."""
    data = study.export(exportDataAccessGroups="true", exportBlankForGrayFormStatus="true")
    fields = "record_id,exam_photo"
    rows = [row for row in study.call(content="record", format="json", fields=fields).json()]
    return Contents(data, tuple(_file(study, row) for row in rows if row["exam_photo"]))


def _file(study: LiveStudy, row: Row) -> tuple[str, bytes]:
    where = {"record": row["record_id"], "event": row["redcap_event_name"], "field": "exam_photo"}
    answer = study.call(content="file", action="export", **where)
    return answer.headers["Content-Type"], answer.content


def make_grouped(folder: Path, addresses: Mapping[str, Any]) -> LiveStudy:
    """A project with a file field, and most participants in access groups."""
    study = make_project(folder, dict(addresses), body=LIMITS)
    add_file_field(study)
    assert study.call(content="dag", action="import", format="csv", data=GROUPS).text == "2"
    groups = "record_id,redcap_event_name,redcap_data_access_group\n"
    groups += "".join(f"{n},baseline_arm_1,{'north' if n % 2 else 'south'}\n" for n in range(1, 16))
    assert study.call(content="record", action="import", format="csv", data=groups).ok
    # REDCap gives a form with imported values a status; a project that is made from XML may lack it.
    exported = study.export(exportBlankForGrayFormStatus="true").decode()
    assert study.call(content="record", action="import", format="csv", data=exported).ok
    return study


class Hands:
    """Somebody who lets random runs write to a study."""

    def __init__(self, study: LiveStudy, chance: random.Random) -> None:
        self.study, self.chance = study, chance
        self.names = (f"new-{number}" for number in range(1, 99))

    def work(self) -> dict[str, Any]:
        """Let one random run write something."""
        job = self.chance.choice(
            [
                self.import_values,
                self.import_values,
                self.complete,
                self.change_file,
                self.rename,
                self.delete,
            ]
        )
        return job()

    def import_values(self) -> dict[str, Any]:
        """Change, erase and add values, in rows that there are and in new ones."""
        kinds = (self.baseline_row, self.baseline_row, self.new_row, self.exam_row, self.call_row)
        rows = [self.chance.choice(kinds)() for _ in range(self.chance.randint(1, 8))]
        rows = list({tuple(row.get(key, "") for key in KEYS): row for row in rows}.values())
        names = list(dict.fromkeys([*KEYS, *(name for row in rows for name in row)]))
        path = self.study.folder / "rows.csv"
        with path.open("w", encoding="utf-8", newline="") as file:
            writer = csv.DictWriter(file, names, restval="")
            writer.writeheader()
            writer.writerows(rows)
        return import_records.fn("trial", str(path), erase_blanks=self.chance.random() < 0.3)

    def baseline_row(self) -> Row:
        """Other values, blanks and checkboxes for somebody."""
        values = {
            "part_first_name": self.chance.choice(["Zoë", "O'Neil, Ann", ""]),
            "part_age": self.chance.choice(["3", "4", "5", ""]),
            "part_contact_time___1": self.chance.choice("01"),
            "part_withdraw_reason": self.chance.choice(["", "moved\nfar away"]),
            "elig_consent___2": self.chance.choice("01"),
        }
        names = self.chance.sample(sorted(values), 3)
        return self.row(self.record(), "baseline_arm_1") | {name: values[name] for name in names}

    def new_row(self) -> Row:
        """A new participant."""
        return self.row(next(self.names), "baseline_arm_1") | {"part_first_name": "New", "part_age": "4"}

    def exam_row(self) -> Row:
        """An exam, often the first value of its form."""
        record, event = self.visit()
        return self.row(record, event) | {
            "exam_num_teeth": self.chance.choice(["20", "24", ""]),
            "exam_findings___2": self.chance.choice("01"),
            "exam_complete": self.chance.choice("012"),
        }

    def call_row(self) -> Row:
        """A phone call, in an instance that may be new."""
        record, event = self.visit()
        instance = str(self.chance.randint(1, 3))
        return self.row(record, event, instrument="phone_follow_up", instance=instance) | {
            "pfu_attempt_number": instance,
            "pfu_outcome": self.chance.choice(["1", "2", "3"]),
        }

    def complete(self) -> dict[str, Any]:
        """Mark a form as complete."""
        return complete_forms.fn("trial", self.chance.choice(["participant_info", "exam", "phone_follow_up"]))

    def change_file(self) -> dict[str, Any]:
        """Put, replace or delete a file."""
        record, event = self.visit()
        content = self.chance.randbytes(self.chance.randint(0, 300))
        attachment = self.chance.choice([Attachment("Zoë's photo.jpg", content), None])
        return change_file("trial", FilePlace(record, "exam_photo", event), attachment=attachment)

    def rename(self) -> dict[str, Any]:
        """Give a record another id."""
        return rename("trial", names={self.record(): next(self.names)})

    def delete(self) -> dict[str, Any]:
        """Delete some records."""
        return delete("trial", records=self.chance.sample(self.records(), self.chance.randint(1, 3)))

    def records(self) -> list[str]:
        """The ids that there are."""
        rows = self.study.call(content="record", format="json", fields="record_id").json()
        return sorted({row["record_id"] for row in rows})

    def record(self) -> str:
        """Somebody."""
        return self.chance.choice(self.records())

    def visit(self) -> tuple[str, str]:
        """Somebody, and a visit in the own arm."""
        rows = self.study.call(content="record", format="json", fields="record_id,rand_color").json()
        arms = {row["record_id"]: row["rand_color"] for row in rows if row["rand_color"]}
        record = self.chance.choice(sorted(arms))
        return record, f"{self.chance.choice(('6', '12'))}_month_arm_{arms[record]}"

    def row(self, record: str, event: str, *, instrument: str = "", instance: str = "") -> Row:
        """The keys of a row."""
        return dict(zip(KEYS, (record, event, instrument, instance), strict=True))


def undo_trial(study: LiveStudy, chance: random.Random) -> tuple[list[str], list[str]]:
    """Let some runs write and undo them, newest first; returns what they did, and what was wrong then."""
    hands, stack = Hands(study, chance), []
    for _ in range(RUNS):
        before = contents(study)
        stack.append((hands.work(), before))
    faults = []
    for done, before in reversed(stack):
        if not done["cells_written"]:
            continue
        undone = revert_run.fn("trial", done["run"])
        faults += [] if undone["outcome"] == "done" else [f"{done['flow']}: {undone['outcome']}"]
        faults += [] if contents(study) == before else [f"{done['flow']}: not what it was"]
    return [f"{done['flow']} {done['cells_written']}" for done, _ in stack], faults


def main(count: int, first_seed: int) -> int:
    """Run trials; returns 1 if anything was wrong."""
    wrong = 0
    os.environ.pop("PREFECT_API_URL", None)
    with serving_sandbox() as addresses:
        for seed in range(first_seed, first_seed + count):
            with tempfile.TemporaryDirectory() as folder:
                study = make_grouped(Path(folder), addresses)
                os.environ.update(study.environment)
                done, faults = undo_trial(study, random.Random(seed))
            wrong += bool(faults)
            print(f"seed {seed}: {', '.join(done)}: {'; '.join(faults) or 'as it was'}", flush=True)  # noqa: T201
    print(f"{count} sequences, seeds from {first_seed}: {wrong} wrong")  # noqa: T201
    return int(wrong > 0)


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]), int(sys.argv[2]) if len(sys.argv) > 2 else 1))
