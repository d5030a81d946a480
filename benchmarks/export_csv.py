"""Compares Capstan's streamed export with PyCap's, in time and peak memory, against one local server.

Run it as `python -m benchmarks.export_csv`, with `--rows` and `--columns` for another size. Each reader
runs in a process of its own, in turns, so that its peak is its own; look at the ratios. Needs Linux.
"""

from __future__ import annotations

import argparse
import csv
import io
import json
import random
import re
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from urllib.parse import parse_qs

TOKEN = "0" * 32
READERS = ("capstan", "pycap csv", "pycap df", "pycap json")
WORDS = ["", "", "", "0", "1", "2", "2026-03-01", "007", "12.50", 'said "no", twice', "two\nlines", "naïve"]


def main() -> None:
    arguments = _arguments()
    if arguments.reader:
        print(json.dumps(_measured(arguments.reader, arguments.url)))  # noqa: T201
        return
    answers = _answers(arguments.rows, arguments.columns)
    server = _server(answers)
    url = f"http://127.0.0.1:{server.server_address[1]}/api/"
    print(f"{arguments.rows} rows, {arguments.columns} columns, CSV of {len(answers['csv']) / 1e6:.1f} MB")  # noqa: T201
    results: dict[str, list[dict[str, float]]] = {reader: [] for reader in READERS}
    for _ in range(arguments.rounds):
        for reader in READERS:
            results[reader].append(_in_own_process(reader, url))
    server.shutdown()
    server.server_close()
    _report(results)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=20_000)
    parser.add_argument("--columns", type=int, default=100)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--reader", choices=READERS, help=argparse.SUPPRESS)
    parser.add_argument("--url", default="", help=argparse.SUPPRESS)
    return parser.parse_args()


def _measured(reader: str, url: str) -> dict[str, float]:
    """Return seconds and megabytes of one export; imports and the connection are made before both."""
    read = _reader(reader, url)
    # A child's ru_maxrss starts at its parent's, so the kernel's own high-water mark is reset and read.
    Path("/proc/self/clear_refs").write_text("5")
    before = _peak_kilobytes()
    start = time.perf_counter()
    result = read()
    seconds = time.perf_counter() - start
    megabytes = (_peak_kilobytes() - before) / 1024
    return {"seconds": seconds, "megabytes": megabytes, "size": len(result)}


def _peak_kilobytes() -> int:
    status = Path("/proc/self/status").read_text()
    return int(re.search(r"VmHWM:\s+(\d+)", status)[1])


def _reader(reader: str, url: str) -> Callable[[], list[object]]:
    if reader == "capstan":
        from capstan.redcap import Redcap

        connection = Redcap(url, TOKEN)
        return lambda: connection.records()
    import pandas  # noqa: F401 - loaded beforehand, as PyCap loads it only when it is needed
    import redcap

    project = redcap.Project(url, TOKEN)
    form = reader.removeprefix("pycap ")
    return lambda: project.export_records(format_type=form)


def _in_own_process(reader: str, url: str) -> dict[str, float]:
    command = [sys.executable, "-m", "benchmarks.export_csv", "--reader", reader, "--url", url]
    return json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)


def _report(results: dict[str, list[dict[str, float]]]) -> None:
    seconds = {reader: statistics.median(run["seconds"] for run in runs) for reader, runs in results.items()}
    memory = {reader: statistics.median(run["megabytes"] for run in runs) for reader, runs in results.items()}
    print(f"{'reader':<12}{'seconds':>10}{'times ours':>12}{'peak MB':>10}{'times ours':>12}")  # noqa: T201
    for reader in results:
        time_ratio, memory_ratio = seconds[reader] / seconds["capstan"], memory[reader] / memory["capstan"]
        print(  # noqa: T201
            f"{reader:<12}{seconds[reader]:>10.2f}{time_ratio:>12.1f}{memory[reader]:>10.0f}{memory_ratio:>12.1f}"
        )


def _answers(rows: int, columns: int) -> dict[str, bytes]:
    """Return one export as CSV and JSON, and what PyCap asks for besides."""
    chance = random.Random(7)
    names = ["record_id", *(f"field_{i}" for i in range(1, columns))]
    cells = [[str(i), *chance.choices(WORDS, k=columns - 1)] for i in range(1, rows + 1)]
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows([names, *cells])
    records = [dict(zip(names, row, strict=True)) for row in cells]
    metadata = [{"field_name": name, "form_name": "form", "field_type": "text"} for name in names]
    return {
        "csv": text.getvalue().encode(),
        "json": json.dumps(records).encode(),
        "metadata": json.dumps(metadata).encode(),
        "formEventMapping": b'{"error":"You cannot export form/event mappings for classic projects"}',
    }


def _server(answers: dict[str, bytes]) -> ThreadingHTTPServer:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            form = parse_qs(self.rfile.read(int(self.headers["Content-Length"])).decode())
            content = form["content"][0]
            body = answers[form["format"][0] if content == "record" else content]
            # PyCap learns from this refusal that the project is classic.
            self.send_response(400 if content == "formEventMapping" else 200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            return

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    Thread(target=server.serve_forever, daemon=True).start()
    return server


if __name__ == "__main__":
    main()
