"""Whether a clean project raises nothing and each fault is found by its own kind of expectation.

`python benchmarks/quality_faults.py FIRST LAST [SHAPE] [STEP]` tries the seeds from FIRST to LAST and prints
counts as JSON; it ends with 1 if anything is amiss. SHAPE is one of `SHAPES`, or `all` to take them in turn;
the project is looked at every STEP nights.
"""

from __future__ import annotations

import json
import sys
from collections import defaultdict
from pathlib import Path
from statistics import median

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from tests.spec.history_faults import faults_of
from tests.spec.history_trial import Nights, nights_to_find, raised_on
from tests.spec.project_history import FAULT_NIGHT, FIRST_NIGHT, LAST_NIGHT, Shape, make_history

SHAPES = {
    "usual": Shape(),
    "three sites": Shape(sites=3, pace=5.0),
    "thirty sites": Shape(sites=30, pace=20.0),
    "one event": Shape(events=1, repeats=False),
    "no sites": Shape(sites=0),
    "ids by site": Shape(sites=5, by_site=True),
    "many fields": Shape(numbers=8, codes=12),
}
_EACH = 12


def main(first: int, last: int, shape: str = "usual", step: int = 1) -> int:
    """Try some seeds, and say whether anything is amiss."""
    found: dict[str, list[int]] = defaultdict(list)
    missed: dict[str, list[str]] = defaultdict(list)
    alarms: dict[str, dict[int, list[str]]] = {}
    for seed in range(first, last + 1):
        name = list(SHAPES)[seed % len(SHAPES)] if shape == "all" else shape
        clean = Nights(make_history(seed, SHAPES[name]), step=step)
        label = f"{seed} {name}"
        raised = raised_on(clean, [*range(FIRST_NIGHT, LAST_NIGHT, _EACH), FAULT_NIGHT - 1])
        alarms |= {label: raised} if raised else {}
        for fault in faults_of(clean.history):
            after = nights_to_find(clean.befallen(fault), fault)
            if after is None:
                missed[fault.name].append(label)
            else:
                found[fault.name].append(after)
        sys.stderr.write(f"{label} {raised} {dict(missed)}\n")
    told = {
        "seeds": last - first + 1,
        "clean_nights_with_alarms": alarms,
        "missed": missed,
        "nights": {name: {"median": median(own), "most": max(own)} for name, own in found.items()},
        "found": {name: len(own) for name, own in found.items()},
    }
    sys.stdout.write(json.dumps(told, indent=1) + "\n")
    return 1 if alarms or missed else 0


if __name__ == "__main__":
    seeds, others = map(int, sys.argv[1:3]), sys.argv[3:]
    sys.exit(main(*seeds, *others[:1], *map(int, others[1:2])))
