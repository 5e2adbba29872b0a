"""Many mixed requests while processes of the service are killed at random.

    python benchmarks/serving_soak.py [--requests 20000] [--kill-every 200]

Good requests carry numbers of their own and are compared with what they must be answered;
bad input and failing modules must get their documented status. An answer of 500 or 503 that a
request did not ask for is counted as lost: a killed process may cost the request that a module had
begun with, and no other. The server's log tells which had begun.
"""

from __future__ import annotations

import argparse
import asyncio
import collections
import contextlib
import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import pandas as pd

from azml_magic import export

SOURCE = """\
import ctypes, os, time

def azureml_main(frame):
    action = frame["action"].iloc[0]
    if action == "raise":
        raise ValueError("as asked")
    if action == "exit":
        os._exit(3)
    if action == "crash":
        ctypes.string_at(0)
    if action == "hang":
        time.sleep(60)
    if action == "eat":
        hoard = []
        while True:
            hoard.append(bytearray(16 << 20))
    frame["double"] = frame["a"] * 2
    return frame,
"""
# Action, weight, expected status.
MIX = (
    ("good", 8600, 200),
    ("bad value", 500, 400),
    ("bad JSON", 300, 400),
    ("missing column", 200, 400),
    ("raise", 300, 400),
    ("exit", 60, 500),
    ("crash", 25, 500),
    ("eat", 10, 413),
    ("hang", 5, 408),
)
CONNECTIONS = 8
VICTIMS = (("worker.server", 8), ("serving.scoring_process", 1), ("monitor.monitor", 1))


def body_of(action: str, number: float, rows: int) -> bytes:
    record = {"action": action, "a": number}
    if action == "bad value":
        record = {"action": "good", "a": "many"}
    if action == "missing column":
        record = {"action": "good"}
    if action == "bad JSON":
        return b'{"Inputs": '
    return json.dumps({"Inputs": {"input1": [record] * rows}}).encode()


class Soak:
    def __init__(self, pid: int, url: str, requests: int, kill_every: int) -> None:
        self.pid = pid
        self.left = requests
        self.kill_every = kill_every
        self.sent = 0
        self.kills = 0
        self.wrong = 0
        self.lost = 0
        self.broken_connections = 0
        self.counts: collections.Counter[str] = collections.Counter()
        self.random = random.Random(6)
        self.port = int(url.rpartition(":")[2])

    async def connection(self) -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port, limit=1 << 24)
        while self.left > 0:
            self.left -= 1
            self.sent += 1
            if self.sent % self.kill_every == 0:
                self.kill()
            action, _, status = self.random.choices(MIX, [weight for _, weight, _ in MIX])[0]
            number = self.random.random()
            rows = self.random.choice((1, 1, 1, 50))
            found, answer = await self.ask(reader, writer, body_of(action, number, rows))
            self.judge(action, status, found, answer, number, rows)
        writer.close()

    async def ask(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, body: bytes
    ) -> tuple[int, dict[str, object]]:
        head = (
            "POST /score HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
            f"Content-Length: {len(body)}\r\n\r\n"
        )
        writer.write(head.encode() + body)
        lines = (await reader.readuntil(b"\r\n\r\n")).decode().lower().split("\r\n")
        length = next(int(line[15:]) for line in lines if line.startswith("content-length:"))
        return int(lines[0].split()[1]), json.loads(await reader.readexactly(length))

    def judge(
        self,
        action: str,
        expected: int,
        status: int,
        answer: dict[str, object],
        number: float,
        rows: int,
    ) -> None:
        self.counts[f"{action}: {status}"] += 1
        if status == 200:
            right = {"action": "good", "a": number, "double": number * 2}
            correct = action == "good" and answer == {"Results": {"output1": [right] * rows}}
            self.wrong += not correct
        elif (action, status) != ("eat", 408) and status != expected:
            # A busy machine may need the whole time limit to fill the memory.
            self.lost += status in (500, 503)
            self.wrong += status not in (500, 503)

    def kill(self) -> None:
        weights = [weight for _, weight in VICTIMS]
        name = self.random.choices([name for name, _ in VICTIMS], weights)[0]
        victims = [pid for pid, line in self.tree() if name in line]
        if victims:
            self.kills += 1
            try:
                os.kill(self.random.choice(victims), signal.SIGKILL)
            except ProcessLookupError:
                self.kills -= 1

    def tree(self) -> list[tuple[int, str]]:
        """Return the server's processes with their command lines."""
        parents: dict[int, list[int]] = collections.defaultdict(list)
        for name in filter(str.isdigit, os.listdir("/proc")):
            try:
                with open(f"/proc/{name}/stat") as file:
                    parents[int(file.read().rpartition(")")[2].split()[1])].append(int(name))
            except OSError:
                continue
        found, waiting = [], [self.pid]
        while waiting:
            pid = waiting.pop()
            waiting += parents[pid]
            try:
                with open(f"/proc/{pid}/cmdline") as file:
                    found.append((pid, file.read()))
            except OSError:
                continue
        return found

    def memory(self) -> float:
        """Return the megabytes that the server's processes hold, shared pages counted once."""
        total = 0
        for pid, _ in self.tree():
            try:
                with open(f"/proc/{pid}/smaps_rollup") as file:
                    total += sum(int(line.split()[1]) for line in file if line.startswith("Pss:"))
            except OSError:
                continue
        return total / 1024


async def run(soak: Soak) -> None:
    started = time.monotonic()

    async def tell() -> None:
        while True:
            await asyncio.sleep(20)
            print(
                f"{time.monotonic() - started:5.0f} s {soak.sent:6} sent, {soak.kills} kills, "
                f"{soak.memory():.0f} MB",
                flush=True,
            )

    telling = asyncio.ensure_future(tell())
    await asyncio.gather(*(soak.connection() for _ in range(CONNECTIONS)))
    telling.cancel()


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--requests", type=int, default=20_000)
    parser.add_argument("--kill-every", type=int, default=200)
    options = parser.parse_args()
    samples = pd.DataFrame({"action": ["good"], "a": [0.5]})
    with tempfile.TemporaryDirectory() as folder, serving(Path(folder), samples) as (process, log):
        assert process.stdout is not None
        url = process.stdout.readline().split()[-1].decode()
        soak = Soak(process.pid, url, options.requests, options.kill_every)
        print(f"at the start {soak.memory():.0f} MB", flush=True)
        started = time.monotonic()
        asyncio.run(run(soak))
        seconds = time.monotonic() - started
        print(f"{soak.sent} requests in {seconds:.0f} s, {soak.kills} processes killed")
        for name, count in sorted(soak.counts.items()):
            print(f"  {name}: {count}")
        time.sleep(3)
        not_begun = lost_before_they_began(log)
        print(f"wrong answers {soak.wrong}, lost to kills {soak.lost}")
        print(f"of them had not begun: {not_begun}")
        print(f"at the end {soak.memory():.0f} MB, {len(soak.tree())} processes")
    return 1 if soak.wrong or not_begun or soak.lost > soak.kills else 0


@contextlib.contextmanager
def serving(folder: Path, samples: pd.DataFrame) -> Iterator[tuple[subprocess.Popen[bytes], Path]]:
    """Start a server; give its process and the file of its log."""
    export(SOURCE, folder / "soak.zip", samples, name="soak", force=True)
    program = [sys.executable, "-m", "azml_magic"]
    limits = ("--port", "0", "--timeout", "2", "--memory", "256MB")
    log = folder / "log"
    with (
        log.open("wb") as errors,
        subprocess.Popen(
            [*program, "serve", str(folder / "soak.zip"), *limits],
            stdout=subprocess.PIPE,
            stderr=errors,
        ) as process,
    ):
        try:
            yield process, log
        finally:
            process.terminate()


def lost_before_they_began(log: Path) -> int:
    """Count the requests that got 500 although no line of the module had run for them."""
    lost = 0
    for line in log.read_text().splitlines():
        told = json.loads(line) if line.startswith("{") else {"status": 500}
        if told.get("status") == 500 and not told.get("begun"):
            print(line)
            lost += 1
    return lost


if __name__ == "__main__":
    sys.exit(main())
