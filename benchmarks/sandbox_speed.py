"""How fast the sandbox takes a project in and gives it out again, over HTTP, and in how much memory.

    python -m benchmarks.sandbox_speed [--records 20000] [--fields 100] [--xml]

The goals, each printed with whether it holds in this run: 10,000 rows of 100 fields go in by one request in
less than 5 s, of new rows and of changed ones, and the tenth such request needs no more than the first; CSV
comes out at 10 MB/s or more; an export takes no more memory than some hundred rows do, however long it is.

The server runs in a process of its own; its peak is the kernel's high-water mark, set back before each step.
Speeds are by what one core needs, however busy the machine is, with the seconds that passed beside them.
Exports are compared with csv.writer in the same run. `--xml` also takes the project out as XML with its data,
and loads that as a new project. Needs Linux.
"""

from __future__ import annotations

import argparse
import csv
import io
import json
import os
import random
import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import cycle, islice
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter, process_time

import requests

ROWS_PER_REQUEST = 10_000
MAX_IMPORT_SECONDS = 5.0
MAX_IMPORT_GROWTH = 1.5
MIN_MEGABYTES_PER_SECOND = 10.0
MAX_GROWN_MEGABYTES = 32.0
VALIDATION = "text_validation_type_or_show_slider_number"
CHOICES = "select_choices_or_calculations"
# What each kind of field is in the dictionary, and what people enter; a blank stands for what they leave out.
KINDS = {
    "name": ({}, ["Nutmeg Nutmouse", "Zoë Ångström", "O'Brien", ""]),
    "date": ({VALIDATION: "date_ymd"}, ["2024-05-01", "1999-12-31", ""]),
    "sex": ({"field_type": "radio", CHOICES: "0, Female | 1, Male"}, ["0", "1"]),
    "weight": ({VALIDATION: "number"}, ["71.5", "8", ""]),
    "seen": ({VALIDATION: "datetime_seconds_ymd"}, ["2024-05-01 13:45:10", ""]),
    "well": ({"field_type": "yesno"}, ["1", "0", ""]),
    "count": ({VALIDATION: "integer"}, ["12", "4096", ""]),
    "likes": ({"field_type": "checkbox", CHOICES: "1, Milk | 2, Tea | 3, Neither"}, ["1", "0"]),
    "site": ({"field_type": "dropdown", CHOICES: "1, North | 2, South | 3, West"}, ["1", "2", "3", ""]),
    "note": (
        {"field_type": "notes"},
        ['Said "no", twice.', "First line\nsecond line of a longer note", "", ""],
    ),
}


@dataclass(frozen=True)
class Server:
    """A sandbox in a process of its own."""

    pid: int
    url: str
    super_token: str

    def post(self, token: str, content: str, **fields: str) -> requests.Response:
        data = {"token": token, "content": content, **fields}
        response = requests.post(self.url, data=data, stream=True, timeout=3600)
        if response.status_code != 200:
            raise SystemExit(f"{content}: {response.status_code} {response.text[:300]}")
        return response

    def reset_peak(self) -> None:
        Path(f"/proc/{self.pid}/clear_refs").write_text("5")

    def cpu_seconds(self) -> float:
        """Return what one core would have needed, however busy the machine is with other things."""
        ticks = Path(f"/proc/{self.pid}/stat").read_text().rpartition(")")[2].split()[11:13]
        return sum(map(int, ticks)) / os.sysconf("SC_CLK_TCK")

    def peak_megabytes(self) -> float:
        status = Path(f"/proc/{self.pid}/status").read_text()
        return int(re.search(r"VmHWM:\s+(\d+)", status)[1]) / 1024


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--records", type=int, default=20_000)
    parser.add_argument("--fields", type=int, default=100)
    parser.add_argument("--xml", action="store_true", help="also take the project out and in as XML")
    options = parser.parse_args()
    with TemporaryDirectory() as folder:
        with running(folder) as server:
            token = new_project(server)
            fields = dictionary(options.fields)
            server.post(token, "metadata", format="json", data=json.dumps(fields))
            load(server, token, rows=records(fields, options.records))
            change(server, token, rows=records(fields, ROWS_PER_REQUEST))
        # A fresh process, for the memory that the import has left would hide what an export needs.
        with running(folder) as server:
            show_exports(server, token, reference=csv_writer_speed(records(fields, 10_000)))
            if options.xml:
                show_xml(server, token)


@contextmanager
def running(folder: str) -> Iterator[Server]:
    command = [sys.executable, "-m", "sandbox", "--state", folder]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        ready = json.loads(process.stdout.readline())
        yield Server(process.pid, ready["redcap_url"], ready["super_token"])
        process.terminate()


def new_project(server: Server, odm: str = "") -> str:
    attributes = json.dumps([{"project_title": "Speed", "purpose": "0"}])
    return server.post(server.super_token, "project", format="json", data=attributes, odm=odm).text[-32:]


def dictionary(size: int) -> list[dict[str, str]]:
    """Return a dictionary of all kinds of fields in turns, twenty to a form, with one calculation."""
    rows = [{"field_name": "record_id", "field_type": "text"}]
    for number, (kind, (about, _)) in enumerate(islice(cycle(KINDS.items()), size - 2), 1):
        rows.append({"field_name": f"{kind}_{number}", "field_type": "text", **about})
    equation = "round([weight_4] / 1.75 ^ 2, 1)"
    rows.append({"field_name": "bmi", "field_type": "calc", CHOICES: equation})
    return [
        {**row, "form_name": f"form_{index // 20}", "field_label": f"Label of {row['field_name']}"}
        for index, row in enumerate(rows)
    ]


def records(fields: list[dict[str, str]], count: int) -> Iterator[dict[str, str]]:
    chance = random.Random(7)
    columns = []
    for name in (row["field_name"] for row in fields[1:-1]):
        values = KINDS[name.split("_")[0]][1]
        names = [f"{name}___{code}" for code in "123"] if name.startswith("likes") else [name]
        columns += [(one, values) for one in names]
    for number in range(1, count + 1):
        yield {"record_id": str(number)} | {name: chance.choice(values) for name, values in columns}


def load(server: Server, token: str, *, rows: Iterator[dict[str, str]]) -> None:
    busy = []
    while batch := list(islice(rows, ROWS_PER_REQUEST)):
        busy.append(send(server, token, batch, what="new"))
    # The first request also loads what all of them need.
    growth = busy[-1] / busy[min(1, len(busy) - 1)]
    judge(f"the last import needed {growth:.2f} of an early one", growth < MAX_IMPORT_GROWTH)


def change(server: Server, token: str, *, rows: Iterator[dict[str, str]]) -> None:
    """Send rows that are there, as they are, and then with the values of their neighbours."""
    batch = list(rows)
    send(server, token, batch, what="unchanged")
    moved = batch[1:] + batch[:1]
    changed = [{**one, "record_id": row["record_id"]} for row, one in zip(batch, moved, strict=True)]
    send(server, token, changed, what="changed")


def send(server: Server, token: str, batch: list[dict[str, str]], *, what: str) -> float:
    data = json.dumps(batch)
    started, busy = perf_counter(), server.cpu_seconds()
    server.post(token, "record", format="json", data=data)
    seconds, busy = perf_counter() - started, server.cpu_seconds() - busy
    text = f"import of {len(batch):,} {what} rows: {seconds:.1f} s, {busy:.1f} CPU s"
    judge(text, busy * ROWS_PER_REQUEST / len(batch) < MAX_IMPORT_SECONDS)
    return busy


def csv_writer_speed(rows: Iterator[dict[str, str]]) -> float:
    """Return megabytes per second, of the processor, of Python's own writer of CSV."""
    table = [list(row.values()) for row in rows]
    text = io.StringIO()
    started = process_time()
    csv.writer(text, lineterminator="\n").writerows(table)
    return len(text.getvalue()) / (process_time() - started) / 1e6


def show_exports(server: Server, token: str, *, reference: float) -> None:
    # What is loaded only once is not to be taken for the export's.
    server.post(token, "record", format="csv", records="1").close()
    say(f"csv.writer alone, on rows like these: {reference:.0f} MB/CPU s")
    head = f"{'export':<20}{'MB':>7}{'seconds':>9}{'MB/s':>7}{'MB/CPU s':>10}"
    say(f"{head}{'of csv.writer':>15}{'peak grew':>11}{'of body':>9}")
    for packing in ("gzip", "identity"):
        show_export(server, token, packing=packing, reference=reference, format="csv")
    for fields in (
        {"format": "csv", "type": "eav"},
        {"format": "json"},
        {"format": "xml"},
        {"format": "odm"},
    ):
        show_export(server, token, packing="gzip", reference=reference, **fields)


def show_export(server: Server, token: str, *, packing: str, reference: float, **fields: str) -> None:
    server.reset_peak()
    before = server.peak_megabytes()
    data = {"token": token, "content": "record", **fields}
    started, busy = perf_counter(), server.cpu_seconds()
    headers = {"Accept-Encoding": packing}
    with requests.post(server.url, data=data, headers=headers, stream=True, timeout=3600) as answer:
        size = sum(len(part) for part in answer.iter_content(1 << 18)) / 1e6
    seconds, busy = perf_counter() - started, server.cpu_seconds() - busy
    grown = server.peak_megabytes() - before
    rates = f"{seconds:>9.2f}{size / seconds:>7.1f}{size / busy:>10.1f}{size / busy / reference:>15.2f}"
    name = f"{' '.join(fields.values())} {packing}"
    is_fast = fields["format"] != "csv" or size / busy >= MIN_MEGABYTES_PER_SECOND
    line = f"{name:<20}{size:>7.1f}{rates}{grown:>8.1f} MB{grown / size:>9.3f}"
    judge(line, is_fast and grown < MAX_GROWN_MEGABYTES)


def show_xml(server: Server, token: str) -> None:
    started = perf_counter()
    odm = server.post(token, "project_xml").text
    taken = perf_counter()
    server.reset_peak()
    before = server.peak_megabytes()
    new_project(server, odm)
    loaded = perf_counter()
    say(
        f"project XML of {len(odm) / 1e6:.0f} MB: {taken - started:.1f} s out, {loaded - taken:.1f} s in, "
        f"peak grew {server.peak_megabytes() - before:.0f} MB"
    )


def judge(text: str, holds: bool) -> None:
    say(f"{text}  {'ok' if holds else 'GOAL MISSED'}")


def say(text: str) -> None:
    print(text, flush=True)  # noqa: T201


if __name__ == "__main__":
    main()
