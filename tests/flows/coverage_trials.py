"""Triggers dropped, delayed, doubled and overtaken, records deleted and renamed, and a receiver that is down.

    python tests/flows/coverage_trials.py 50 [SEED]

After all of it the store must say of sessions what a full export says. Tests run one trial; this is for many.
"""

from __future__ import annotations

import random
import sys
import tempfile
from collections import Counter
from pathlib import Path
from typing import Any, NamedTuple

if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from coverage_study import BASELINE, MONTH_6, Coverage, Receiving, inhabiting, make_coverage, receiving
from live_study import serving_sandbox

from capstan.store import RecordState, list_records
from cli.calling import call_here

ACTIONS = 60
RECORDS = 8


class Trial(NamedTuple):
    """What a trial did, by kind, and what it found wrong; nothing if all is well."""

    did: Counter[str]
    made: int
    faults: tuple[str, ...]


class People:
    """What people and programs do in REDCap, at random."""

    def __init__(self, coverage: Coverage, receiver: Receiving, chance: random.Random) -> None:
        self.coverage, self.receiver, self.chance = coverage, receiver, chance
        self.did: Counter[str] = Counter()
        self.saves, self.named, self.made = 0, 0, 0

    def act(self) -> None:
        """Do one thing."""
        weights = {
            self.save: 12,
            self.save_again: 3,
            self.load: 4,
            self.correct: 3,
            self.delete: 2,
            self.delete_form: 1,
            self.rename: 2,
            self.ingest: 4,
            self.reconcile: 1,
            self.turn_receiver: 1,
        }
        action = self.chance.choices(list(weights), weights=list(weights.values()))[0]
        if action():
            self.did[action.__name__] += 1

    def save(self) -> bool:
        """Somebody saves a form; every third trigger is lost, and others meet other fates."""
        self._play_a_trick()
        self.coverage.save(self._record(), **self._place(), **self._values())
        return True

    def save_again(self) -> bool:
        """Somebody saves a form that says already what he saves."""
        row = self._any_row()
        if row is None:
            return False
        self._play_a_trick()
        self.coverage.save(row["record_id"], **_place_of(row), scan_complete=row["scan_complete"])
        return True

    def load(self) -> bool:
        """A program imports a form."""
        self.coverage.load(self._record(), **self._place(), **self._values())
        return True

    def correct(self) -> bool:
        """Somebody clears or changes the comment, in REDCap or by a program."""
        row = self._any_row()
        if row is None:
            return False
        comment = self.chance.choice(["", f"comment {self.chance.random()}"])
        self._play_a_trick()
        self.coverage.save(row["record_id"], **_place_of(row), scan_comment=comment)
        return True

    def delete(self) -> bool:
        """Somebody deletes a record."""
        row = self._any_row()
        if row:
            self.coverage.call(content="record", action="delete", records=row["record_id"])
        return bool(row)

    def delete_form(self) -> bool:
        """Somebody deletes the data of one form."""
        row = self._any_row()
        if row is None:
            return False
        place = {"event": row["redcap_event_name"], "instrument": "scan"}
        if row["redcap_repeat_instance"]:
            place["repeat_instance"] = str(row["redcap_repeat_instance"])
        self.coverage.call(content="record", action="delete", records=row["record_id"], **place)
        return True

    def rename(self) -> bool:
        """Somebody gives a record another name, which may be one that was used before."""
        row = self._any_row()
        names = {each["record_id"] for each in self.coverage.call(content="record", fields="record_id")}
        new = str(self.chance.randint(1, RECORDS * 2))
        if row is None or new in names:
            return False
        self.coverage.call(content="record", action="rename", record=row["record_id"], new_record_name=new)
        return True

    def ingest(self) -> bool:
        """The items that came are worked."""
        return bool(call_here("ingest_triggers", {"study": self.coverage.study.name}))

    def reconcile(self) -> bool:
        """What did not come is found."""
        self.made += call_here("reconcile_triggers", {"study": self.coverage.study.name})["items_made"]
        return True

    def turn_receiver(self) -> bool:
        """The receiver goes down, or comes up again."""
        if self.receiver.process:
            self.receiver.stop()
        else:
            self.receiver.start()
        return True

    def _record(self) -> str:
        return str(self.chance.randint(1, RECORDS))

    def _place(self) -> dict[str, Any]:
        if self.chance.random() < 0.4:
            return {"event": BASELINE}
        return {"event": MONTH_6, "instance": self.chance.randint(1, 3)}

    def _values(self) -> dict[str, str]:
        # Each its own, so that it does not matter who comes first; and completed, because a form that is set
        # back to incomplete keeps its session.
        self.named += 1
        return {
            "scan_id": f"DTI01_CMH_{self.named:04}_01_01",
            "scan_date": f"2026-11-{self.chance.randint(1, 28):02}",
            "scan_complete": "2",
        }

    def _any_row(self) -> dict[str, Any] | None:
        rows = rows_of(self.coverage)
        return self.chance.choice(rows) if rows else None

    def _play_a_trick(self) -> None:
        self.saves += 1
        trick = (
            "drop" if self.saves % 3 == 0 else self.chance.choice(["", "", "delay", "duplicate", "reorder"])
        )
        if trick:
            self.coverage.control("triggers/faults", {"kind": trick, "seconds": self.chance.random()})


def rows_of(coverage: Coverage) -> list[dict[str, Any]]:
    """The rows of a full export that have a scan."""
    asked = {"fields": "record_id,scan_id,scan_date,scan_comment,scan_complete"}
    return [row for row in coverage.call(content="record", **asked) if row["scan_id"]]


def told(coverage: Coverage) -> set[tuple[str, ...]]:
    """What a full export says of sessions."""
    return {
        (
            row["record_id"],
            row["redcap_event_name"],
            str(row["redcap_repeat_instance"]),
            row["scan_id"],
            row["scan_date"],
            row["scan_comment"],
        )
        for row in rows_of(coverage)
        if row["scan_complete"] == "2"
    }


def held(coverage: Coverage) -> set[tuple[str, ...]]:
    """What the store says of sessions."""
    with coverage.store() as store:
        kept = list_records(store, coverage.study.name, states=[RecordState.LINKED])
    return {
        (str(each.record), each.event, each.instance, f"{each.key.name}_{each.key.number:02}",
         each.content.date, each.content.comment)
        for each in kept
        if each.key and each.content
    }  # fmt: skip


def run_trial(
    folder: Path, addresses: dict[str, Any], chance: random.Random, *, actions: int = ACTIONS
) -> Trial:
    """Do many things, then compare; a second reconciliation must find nothing more."""
    coverage = make_coverage(folder, addresses)
    with inhabiting(coverage), receiving(coverage) as receiver:
        people = People(coverage, receiver, chance)
        for _ in range(actions):
            people.act()
        coverage.settle()
        for finish in (people.ingest, people.reconcile, people.ingest):
            finish()
        last = call_here("reconcile_triggers", {"study": coverage.study.name})
        wanted, found = told(coverage), held(coverage)
        faults = [f"lacks {one}" for one in sorted(wanted - found)]
        faults += [f"has {one}" for one in sorted(found - wanted)]
        faults += [f"made {last['items_made']} once more"] if last["items_made"] else []
        return Trial(people.did, people.made, tuple(faults))


def _place_of(row: dict[str, Any]) -> dict[str, Any]:
    return {"event": row["redcap_event_name"], "instance": int(row["redcap_repeat_instance"] or 1)}


def main(count: int, seed: int) -> int:
    """Run trials and print what they found; returns how many went wrong."""
    wrong, did, made = 0, Counter[str](), 0
    with serving_sandbox() as addresses:
        for number in range(count):
            with tempfile.TemporaryDirectory() as folder:
                trial = run_trial(Path(folder), addresses, random.Random(seed + number))
            did, made = did + trial.did, made + trial.made
            wrong += bool(trial.faults)
            for fault in trial.faults:
                print(f"seed {seed + number}: {fault}", flush=True)  # noqa: T201
    print(f"{count} trials, {wrong} wrong; {made} items made; {dict(did)}")  # noqa: T201
    return wrong


if __name__ == "__main__":
    sys.exit(1 if main(int(sys.argv[1]), int(sys.argv[2]) if len(sys.argv) > 2 else 1) else 0)
