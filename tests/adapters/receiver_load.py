"""Tells a receiver many things at once, as a light client that costs little beside it."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlencode, urlsplit

HOST, PROJECT = "redcap.test", 14
STUDY_FILE = f"""
study: demo
title: Demo
redcap:
  url: https://{HOST}/api/
  token: {{env: UNUSED_TOKEN}}
  project: {{id: {PROJECT}, title: Demo, status: development}}
"""


def trigger(number: int, **fields: str) -> dict[str, str]:
    """The form of a data entry trigger; each number is another record."""
    return {
        "redcap_url": f"https://{HOST}/",
        "project_url": f"https://{HOST}/redcap_v15.2.1/index.php?pid={PROJECT}",
        "project_id": str(PROJECT),
        "username": "zoe",
        "record": f"R-{number}",
        "redcap_event_name": "baseline_arm_1",
        "instrument": "exam",
        "exam_complete": "2",
        **fields,
    }


@dataclass
class Load:
    """What became of many requests: the numbers that were answered 2xx, and how long each took."""

    kept: set[int] = field(default_factory=set)
    seconds: list[float] = field(default_factory=list)
    refused: int = 0
    took: float = 0

    def quantile(self, share: float) -> float:
        """The milliseconds within which a share of the requests was answered."""
        return sorted(self.seconds)[int(share * (len(self.seconds) - 1))] * 1000


def tell_all(url: str, numbers: Sequence[int], *, connections: int = 32) -> Load:
    """Post a trigger for each number as fast as it is answered; a connection that breaks ends."""
    return asyncio.run(_tell_all(url, numbers, connections))


async def _tell_all(url: str, numbers: Sequence[int], connections: int) -> Load:
    address, load = urlsplit(url), Load()
    posts = iter([(number, _request(address.path, trigger(number))) for number in numbers])
    began = time.perf_counter()
    talks = (_talk(address.hostname or "", address.port or 80, posts, load) for _ in range(connections))
    await asyncio.gather(*talks)
    load.took = time.perf_counter() - began
    return load


def _request(path: str, form: Mapping[str, str]) -> bytes:
    body = urlencode(form).encode()
    head = (
        f"POST {path} HTTP/1.1\r\nHost: capstan.test\r\nContent-Type: application/x-www-form-urlencoded\r\n"
    )
    return f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body


async def _talk(host: str, port: int, posts: Iterator[tuple[int, bytes]], load: Load) -> None:
    reader, writer = await asyncio.open_connection(host, port)
    with suppress(OSError, asyncio.IncompleteReadError):
        for number, post in posts:
            began = time.perf_counter()
            writer.write(post)
            # All answers to triggers are without a body.
            head = await reader.readuntil(b"\r\n\r\n")
            load.seconds.append(time.perf_counter() - began)
            if head.startswith(b"HTTP/1.1 204"):
                load.kept.add(number)
            else:
                load.refused += 1
    with suppress(OSError):
        writer.close()
        await writer.wait_closed()


@contextmanager
def serving(environment: Mapping[str, str], *, workers: int) -> Iterator[tuple[str, subprocess.Popen[str]]]:
    """Start `capstan receiver serve` as an own process; yields its address and the process."""
    program = str(Path(sys.executable).with_name("capstan"))
    command = [program, "receiver", "serve", "--port", "0", "--workers", str(workers)]
    process = subprocess.Popen(
        command, env=dict(environment), stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    )
    try:
        assert process.stdout is not None
        yield json.loads(process.stdout.readline())["url"], process
    finally:
        process.terminate()
        process.communicate(timeout=60)
