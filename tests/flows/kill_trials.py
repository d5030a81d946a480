"""kill -9 at random places of imports, undos, quarantine and approved plans; counts what was lost or doubled.

    python tests/flows/kill_trials.py 200 [SEED]

A trial counts only if the process was really killed. Tests run a few of them; this is for many.
"""

from __future__ import annotations

import random
import sys
import tempfile
from collections import Counter
from collections.abc import Callable
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from live_study import LiveStudy, serving_sandbox
from processes import run_flow
from trial_study import BODY, TODAY, edit, make_project

from capstan.store import RunKind, Store, list_runs, load_keys, read_items
from tasks.crash import POINTS

PEOPLE = 20
HEAD = "record_id,redcap_event_name,part_first_name,part_age,exam_num_teeth\n"
GOOD = [f"{number},baseline_arm_1,Name{number},4,\n" for number in (*range(1, 13), 901, 902)]
OF_A_BATCH = ("checked", "journaled", "sent", "imported", "read_back", "finished")
LIMITS = BODY.replace("records: 2", "records: 99")


class Trial(NamedTuple):
    """What a random trial did, and what it found wrong; nothing if all is well."""

    operation: str
    point: str
    was_killed: bool
    faults: tuple[str, ...]


class Stage:
    """One fresh project with its study, in which a flow is killed and run again."""

    def __init__(self, study: LiveStudy, addresses: dict[str, Any]) -> None:
        self.study, self.addresses = study, addresses
        file = study.folder / "study.yaml"
        file.write_text(file.read_text("utf-8").replace("batch_rows: 15", "batch_rows: 4"), "utf-8")
        self.people = unassigned(study)[:3]
        self.file = study.folder / "rows.csv"
        stopped = [f"{person},6_month_arm_2,,,7\n" for person in self.people]
        self.file.write_text(HEAD + "".join([*GOOD[:8], *stopped, *GOOD[8:]]), encoding="utf-8")

    def run(self, flow: str, crash_at: str = "", **parameters: Any) -> Any:
        """Run a flow in a process of its own."""
        asked = {"study": self.study.name, **parameters}
        return run_flow(flow, asked, environment=self.study.environment, crash_at=crash_at)

    def load(self, crash_at: str = "", **parameters: Any) -> Any:
        """Import the file, of which three rows are stopped."""
        return self.run("import_records", crash_at, file=str(self.file), **parameters)

    def assign_arms(self) -> None:
        """Correct in REDCap what stopped the rows."""
        for person in self.people:
            edit(self.addresses, self.study, person, "rand_color", "2")

    @contextmanager
    def store(self) -> Any:
        """The study's store."""
        home = self.study.home
        with Store.open(f"sqlite:///{home / 'store.sqlite'}", load_keys(None, home=home)) as opened:
            yield opened

    def open_rows(self) -> list[str]:
        """The records of all open items in quarantine."""
        with self.store() as store:
            items = read_items(store).drop_duplicates("item")
        return sorted(items["record"])

    def undo_all(self) -> None:
        """Revert every run that wrote something, newest first."""
        with self.store() as store:
            runs = list_runs(store)
        for run in runs:
            if run.kind is RunKind.WRITE and run.counts.get("cells_written"):
                self.run("revert_run", run=run.id)

    def doubled(self) -> list[str]:
        """Writes that stand in REDCap's log more than once."""
        rows = [row for row in self.study.log() if "API" in row["action"]]
        times = Counter((row["action"], row["details"]) for row in rows)
        return [action for (action, _), count in times.items() if count > 1]


def unassigned(study: LiveStudy) -> list[str]:
    """Participants who are in no arm yet."""
    rows = study.call(content="record", format="json", fields="record_id,rand_color").json()
    arms = {row["record_id"] for row in rows if row["rand_color"]}
    return sorted({row["record_id"] for row in rows} - arms, key=int)


def try_import(stage: Stage, point: str) -> tuple[bool, list[str]]:
    """An import is killed and started again."""
    before = stage.study.export()
    killed = stage.load(point).exit_code == -9
    stage.load()
    wanted = calm(stage, "import")
    faults = [*_unlike(stage.study.export(), wanted, "after the import"), *stage.doubled()]
    faults += ["quarantine"] if stage.open_rows() != sorted(stage.people) else []
    stage.undo_all()
    return killed, [*faults, *_unlike(stage.study.export(), before, "after the undo")]


def try_revert(stage: Stage, point: str) -> tuple[bool, list[str]]:
    """An undo is killed and started again."""
    before = stage.study.export()
    run = stage.load().summary["run"]
    killed = stage.run("revert_run", point, run=run).exit_code == -9
    stage.run("revert_run", run=run)
    return killed, _unlike(stage.study.export(), before, "after the undo")


def try_quarantine(stage: Stage, point: str) -> tuple[bool, list[str]]:
    """A rejudgement is killed and started again, after a correction in REDCap."""
    stage.load()
    stage.assign_arms()
    before = stage.study.export()
    killed = stage.run("rejudge_quarantine", point).exit_code == -9
    stage.run("rejudge_quarantine")
    rows = stage.study.call(content="record", format="json", fields="record_id,exam_num_teeth").json()
    teeth = [row["record_id"] for row in rows if row["exam_num_teeth"] == "7"]
    faults = [] if set(stage.people) <= set(teeth) else ["a row of the quarantine was lost"]
    faults += ["quarantine"] if stage.open_rows() else []
    with stage.store() as store:
        runs = [run for run in list_runs(store) if run.flow == "rejudge_quarantine"]
    for run in runs:
        if run.counts.get("cells_written"):
            stage.run("revert_run", run=run.id)
    return killed, [*faults, *_unlike(stage.study.export(), before, "after the undo"), *stage.doubled()]


def try_plan(stage: Stage, point: str) -> tuple[bool, list[str]]:
    """The application of an approved plan is killed; what it could not write, another import does."""
    before = stage.study.export()
    plan = stage.load(max_records=0).summary["plan"]
    asked = {"plan": plan, "approved_by": "Ann", "reason": "a trial"}
    killed = stage.run("apply_plan", point, **asked).exit_code == -9
    stage.run("apply_plan", **asked)
    stage.load()
    faults = [*_unlike(stage.study.export(), calm(stage, "import"), "after the plan"), *stage.doubled()]
    stage.undo_all()
    return killed, [*faults, *_unlike(stage.study.export(), before, "after the undo")]


OPERATIONS: dict[str, Callable[[Stage, str], tuple[bool, list[str]]]] = {
    "import": try_import,
    "revert": try_revert,
    "quarantine": try_quarantine,
    "plan": try_plan,
}
_calm: dict[str, bytes] = {}


def calm(stage: Stage, name: str) -> bytes:
    """The export after an import that nothing disturbed; all projects begin alike."""
    if name not in _calm:
        with tempfile.TemporaryDirectory() as folder:
            other = new_stage(Path(folder), stage.addresses)
            assert other.load().exit_code == 0
            _calm[name] = other.study.export()
    return _calm[name]


def new_stage(folder: Path, addresses: dict[str, Any]) -> Stage:
    """A fresh project."""
    return Stage(make_project(folder, addresses, body=LIMITS, participants=PEOPLE), addresses)


def random_trial(chance: random.Random, folder: Path, addresses: dict[str, Any]) -> Trial:
    """Kill one operation at one place."""
    operation, point = chance.choice(list(OPERATIONS)), chance.choice(POINTS)
    point += f":{chance.choice((1, 1, 2, 3))}" if point in OF_A_BATCH else ""
    was_killed, faults = OPERATIONS[operation](new_stage(folder, addresses), point)
    return Trial(operation, point, was_killed, tuple(faults))


def _unlike(found: bytes, wanted: bytes, when: str) -> list[str]:
    return [] if found == wanted else [f"the data differs {when}"]


def main(count: int, seed: int) -> int:
    """Run trials until `count` processes were killed; returns 1 if anything was wrong."""
    chance, killed, wrong = random.Random(seed), 0, 0
    places: Counter[str] = Counter()
    with serving_sandbox() as addresses:
        while killed < count:
            with tempfile.TemporaryDirectory() as folder:
                trial = random_trial(chance, Path(folder), addresses)
            killed += trial.was_killed
            places.update([trial.operation, trial.point.partition(":")[0]] * trial.was_killed)
            wrong += bool(trial.faults)
            if trial.was_killed and killed % 20 == 0:
                print(f"{killed} of {count} killed, {wrong} wrong", flush=True)  # noqa: T201
            if trial.faults:
                print(f"{trial.operation} killed at {trial.point}: {'; '.join(trial.faults)}", flush=True)  # noqa: T201
    counted = ", ".join(f"{place} {times}" for place, times in places.most_common())
    print(f"{killed} processes killed ({counted}), seed {seed} ({TODAY}): {wrong} trials wrong")  # noqa: T201
    return int(wrong > 0)


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]), int(sys.argv[2]) if len(sys.argv) > 2 else 1))
