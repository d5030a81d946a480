"""Whether a clean project raises nothing and each fault is found by its own kind of expectation.

`python -m benchmarks.quality_faults FIRST LAST` tries the seeds from FIRST to LAST and prints counts as JSON;
it ends with 1 if anything is amiss. `--shape` is one of `SHAPES`, or `all` to take them in turn; the project
is looked at every `--step` nights; `--named` tries only the five faults that the issue of this part names.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections import defaultdict
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from pathlib import Path
from statistics import median
from typing import NamedTuple

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from tests.spec.history_faults import NAMED, faults_of
from tests.spec.history_trial import Nights, nights_to_find, raised_on
from tests.spec.project_history import FIRST_NIGHT, LAST_NIGHT, Shape, make_history

SHAPES = {
    "usual": Shape(),
    "three sites": Shape(sites=3, pace=5.0),
    "thirty sites": Shape(sites=30, pace=20.0),
    "one event": Shape(events=1, repeats=False),
    "no sites": Shape(sites=0),
    "ids by site": Shape(sites=5, by_site=True),
    "at once": Shape(at_once=True),
    "many fields": Shape(numbers=8, codes=12),
}
_EACH = 3


class Tried(NamedTuple):
    """Of one seed: nights with alarms, and after how many nights each fault was found, if it was."""

    label: str
    alarms: dict[int, list[str]]
    nights: dict[str, int | None]


def try_seed(seed: int, *, shape: str, step: int, named: bool) -> Tried:
    """Look at a project without faults every third night, and then at the same one with each fault."""
    name = list(SHAPES)[seed % len(SHAPES)] if shape == "all" else shape
    clean = Nights(make_history(seed, SHAPES[name]), step=step)
    alarms = raised_on(clean, range(FIRST_NIGHT, LAST_NIGHT, _EACH))
    faults = [one for one in faults_of(clean.history) if not named or one.name in NAMED]
    nights = {fault.name: nights_to_find(clean.befallen(fault), fault) for fault in faults}
    return Tried(f"{seed} {name}", alarms, nights)


def main(options: argparse.Namespace) -> int:
    """Try some seeds, and say whether anything is amiss."""
    found: dict[str, list[int]] = defaultdict(list)
    missed: dict[str, list[str]] = defaultdict(list)
    alarms: dict[str, dict[int, list[str]]] = {}
    seeds = range(options.first, options.last + 1)
    trial = partial(try_seed, shape=options.shape, step=options.step, named=options.named)
    with ProcessPoolExecutor(options.jobs) as pool:
        for tried in pool.map(trial, seeds):
            alarms |= {tried.label: tried.alarms} if tried.alarms else {}
            for name, after in tried.nights.items():
                if after is None:
                    missed[name].append(tried.label)
                else:
                    found[name].append(after)
            late = [name for name, after in tried.nights.items() if after is None]
            sys.stderr.write(f"{tried.label}: alarms {tried.alarms}, missed {late}\n")
    told = {
        "seeds": len(seeds),
        "clean_nights": len(seeds) * len(range(FIRST_NIGHT, LAST_NIGHT, _EACH)),
        "clean_nights_with_alarms": alarms,
        "missed": missed,
        "found": {name: len(own) for name, own in found.items()},
        "nights": {name: {"median": median(own), "most": max(own)} for name, own in found.items()},
    }
    sys.stdout.write(json.dumps(told, indent=1) + "\n")
    return 1 if alarms or missed else 0


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("first", type=int)
    parser.add_argument("last", type=int)
    parser.add_argument("--shape", default="usual", choices=[*SHAPES, "all"])
    parser.add_argument("--step", type=int, default=1)
    parser.add_argument("--named", action="store_true")
    parser.add_argument("--jobs", type=int, default=2)
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main(_options()))
