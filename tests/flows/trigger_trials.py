"""kill -9 at random places and moments of work on the inbox; counts what was lost or done twice.

    python tests/flows/trigger_trials.py 100 [SEED]

Items of forms that people saved wait in the inbox, some of them twice, some bad. Two workers share them,
of which one is killed; then another run is made. Tests run a few of these trials; this is for many.
"""

from __future__ import annotations

import random
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path
from typing import Any, NamedTuple

if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from live_study import LiveStudy, serving_sandbox
from processes import start_flow
from trigger_study import follow_ups, keep, make_trigger_study, posted, save_form, store_of

from capstan.store import Choice, ItemStatus, list_asked, list_items, list_runs

POINTS = (
    "claimed",
    "exported",
    "worked",
    "logged",
    "opened",
    "begun",
    "judged",
    "journaled",
    "sent",
    "imported",
    "read_back",
    "finished",
    "ended",
)
PEOPLE = 8


class Trial(NamedTuple):
    """Where a worker was to be killed, whether it was, and what was wrong afterwards."""

    point: str
    was_killed: bool
    faults: tuple[str, ...]


def prepare(study: LiveStudy, addresses: dict[str, Any]) -> int:
    """Save exams and keep what REDCap posts of them; returns how many items are good."""
    places = follow_ups(study)
    for record, event in places:
        save_form(addresses, study, record, event)
        keep(study, posted(study, record, event))
        keep(study, posted(study, record, event, username="twice"))
    keep(study, posted(study, "nobody", "6_month_arm_2"))
    keep(study, {"record": "no trigger"})
    return 2 * len(places)


def kill_one_of_two(study: LiveStudy, *, point: str, seconds: float) -> bool:
    """Let two workers share the inbox and kill the first, at a point or else after some seconds."""
    asked = {"study": study.name, "batch": 3}
    first = start_flow("ingest_triggers", asked, environment=study.environment, crash_at=point)
    second = start_flow("ingest_triggers", asked, environment=study.environment)
    if not point:
        time.sleep(seconds)
        first.process.kill()
    killed = first.end().exit_code == -9
    second.end()
    return killed


def faults_of(study: LiveStudy, *, good: int) -> list[str]:
    """What was lost, done twice, or left undone."""
    with store_of(study) as store:
        counts = Counter(one.status for one in list_items(store, Choice(), limit=None))
        waiting, runs = list_asked(store), list_runs(store)
    wanted = Counter({ItemStatus.LOADED: good, ItemStatus.SKIPPED: 2})
    found = [] if counts == wanted else [f"items {dict(counts)}"]
    found += ["a run that was asked for did not take place"] if waiting else []
    found += ["a run is still open"] if any(run.is_open for run in runs) else []
    rows = study.call(content="record", format="json", fields="record_id,vt_status").json()
    computed = {row["record_id"] for row in rows if row["vt_status"]}
    found += [] if computed == {record for record, _ in follow_ups(study)} else ["visits are missing"]
    times = Counter((row["action"], row["details"]) for row in study.log() if "API" in row["action"])
    return found + [f"{action} twice" for (action, _), count in times.items() if count > 1]


def random_trial(chance: random.Random, folder: Path, addresses: dict[str, Any], *, point: str) -> Trial:
    """Kill one worker, run again until nothing waits, and look."""
    study = make_trigger_study(folder, addresses, participants=PEOPLE)
    good = prepare(study, addresses)
    killed = kill_one_of_two(study, point=point, seconds=chance.uniform(0.05, 2))
    for _ in range(3):
        ended = start_flow("ingest_triggers", {"study": study.name}, environment=study.environment).end()
        if isinstance(ended.told, dict) and ended.told["outcome"] == "idle":
            break
    return Trial(point or "a moment", killed, tuple(faults_of(study, good=good)))


def main(count: int, seed: int) -> int:
    """Run trials until `count` processes were killed; returns 1 if anything was wrong."""
    chance, killed, wrong = random.Random(seed), 0, 0
    places: Counter[str] = Counter()
    with serving_sandbox() as addresses:
        while killed < count:
            point = chance.choice((*POINTS, *[""] * 5))
            with tempfile.TemporaryDirectory() as folder:
                trial = random_trial(chance, Path(folder), addresses, point=point)
            killed += trial.was_killed
            wrong += bool(trial.faults)
            places.update([trial.point] * trial.was_killed)
            if trial.faults:
                print(f"killed at {trial.point}: {'; '.join(trial.faults)}", flush=True)  # noqa: T201
    counted = ", ".join(f"{place} {times}" for place, times in places.most_common())
    print(f"{killed} workers killed ({counted}), seed {seed}: {wrong} trials wrong")  # noqa: T201
    return int(wrong > 0)


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]), int(sys.argv[2]) if len(sys.argv) > 2 else 1))
