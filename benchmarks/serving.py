"""Throughput and latency of the scoring service, against the same module without isolation.

    python benchmarks/serving.py [--seconds 3] [--rounds 3] [--inference-server FOLDER]

Four servers answer the same requests in one run, in turns, so that a busy minute of the
machine falls on all of them: our server with the module called in its own process (nothing
isolated), with warm workers, with a fresh worker for each request, and, where a folder with
``bin/azmlinfsrv`` is given, Microsoft's inference server with the same zip.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import io
import json
import multiprocessing
import os
import socket
import statistics
import subprocess
import sys
import tempfile
import time
import zipfile
from collections.abc import Iterator, Mapping
from pathlib import Path

import numpy as np
import pandas as pd

from azml_magic import ServiceSettings, export, serve
from azml_magic.contract.profile import CLASSIC
from azml_magic.exporting.runtime.loaded import Loaded
from azml_magic.module.bundle import read_bundle
from azml_magic.module.exported import manifest_of
from azml_magic.result import Result
from azml_magic.serving.app import Service, application
from azml_magic.serving.pool import Answered
from azml_magic.serving.scoring import Clock, RequestLimits, answer
from azml_magic.serving.scoring_messages import Score, Scored
from azml_magic.serving.telemetry import Metrics, open_log

SOURCE = """\
def azureml_main(frame):
    frame["sum"] = frame["a"] + frame["b"]
    frame["high"] = frame["a"] > 0.5
    return frame,
"""
ROWS = (1, 1000)
CONNECTIONS = (1, 8)


def sample(rows: int) -> pd.DataFrame:
    random = np.random.default_rng(0)
    names = np.array(["north", "south", "east", "west"])
    return pd.DataFrame(
        {
            "a": random.random(rows),
            "b": random.normal(size=rows),
            "n": random.integers(0, 1000, rows),
            "name": names[random.integers(0, 4, rows)],
        }
    )


LIMITS = RequestLimits(100_000, 5_000_000, 64 << 20, 60.0, 2 << 30)


class InProcess:
    """Calls the module in the server's own process: what isolation is measured against."""

    waiting = 0
    idle = 1
    ready = True

    def __init__(self, zip_path: str) -> None:
        manifest = manifest_of(read_bundle(zip_path, CLASSIC)[0])
        assert manifest is not None
        self.manifest = manifest
        self.loaded = Loaded(zip_path)

    async def score(self, request: Score, body: bytes, gone: object) -> Answered:
        return await asyncio.to_thread(self._score, request, body)

    def _score(self, request: Score, body: bytes) -> Answered:
        def call(datasets: Mapping[str, pd.DataFrame], clock: Clock) -> Result:
            clock.go_on()
            output1, output2 = self.loaded.call(datasets)
            return Result(output1, output2)

        found = answer(
            call,
            self.manifest,
            body,
            request.form,
            details=request.details,
            limits=LIMITS,
        )
        told = Scored(found.status, found.code, found.rows, True, found.reason)
        return Answered(told, found.body, 0.0)


def serve_in_process(zip_path: str, port: int) -> None:
    import uvicorn

    scorer = InProcess(zip_path)
    log = open_log(io.StringIO())
    service = Service(scorer.manifest, scorer, ServiceSettings(), Metrics(), log)
    app = application(service, [])
    uvicorn.run(app, port=port, log_config=None, access_log=False, lifespan="off")


@contextlib.contextmanager
def in_process(zip_path: Path) -> Iterator[str]:
    port = free_port()
    process = multiprocessing.get_context("spawn").Process(
        target=serve_in_process, args=(str(zip_path), port), daemon=True
    )
    process.start()
    try:
        wait_for(port)
        yield f"http://127.0.0.1:{port}/score"
    finally:
        process.terminate()
        process.join()


@contextlib.contextmanager
def ours(zip_path: Path, isolate: str) -> Iterator[str]:
    with serve(zip_path, settings=ServiceSettings(port=0, isolate=isolate)) as service:
        yield service.score_url


@contextlib.contextmanager
def inference_server(zip_path: Path, environment: Path) -> Iterator[str]:
    port = free_port()
    with tempfile.TemporaryDirectory() as folder:
        with zipfile.ZipFile(zip_path) as archive:
            archive.extractall(folder)
        process = subprocess.Popen(
            [environment / "bin/azmlinfsrv", "--entry_script", "score.py", "--port", str(port)],
            cwd=folder,
            env={**os.environ, "WORKER_COUNT": "2"},
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        try:
            wait_for(port)
            time.sleep(3)
            yield f"http://127.0.0.1:{port}/score"
        finally:
            os.killpg(process.pid, 15)
            process.wait()


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])


def wait_for(port: int) -> None:
    deadline = time.monotonic() + 60
    while True:
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
            return
        assert time.monotonic() < deadline
        time.sleep(0.1)


async def ask(url: str, request: bytes, until: float, times: list[float]) -> None:
    """Send one request after the other over one connection, and note how long each took."""
    port = int(url.split(":")[2].split("/")[0])
    reader, writer = await asyncio.open_connection("127.0.0.1", port, limit=1 << 24)
    while time.perf_counter() < until:
        started = time.perf_counter()
        writer.write(request)
        head = await reader.readuntil(b"\r\n\r\n")
        assert head.startswith(b"HTTP/1.1 200"), head
        length = next(
            int(line.split(b":")[1])
            for line in head.split(b"\r\n")
            if line.lower().startswith(b"content-length")
        )
        await reader.readexactly(length)
        times.append(time.perf_counter() - started)
        if b"connection: close" in head.lower():
            writer.close()
            reader, writer = await asyncio.open_connection("127.0.0.1", port, limit=1 << 24)
    writer.close()


def request_of(rows: int) -> bytes:
    records = json.loads(sample(rows).to_json(orient="records"))
    body = json.dumps({"Inputs": {"input1": records}}).encode()
    head = (
        "POST /score HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n"
        f"Content-Length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body


def measure(url: str, rows: int, connections: int, seconds: float) -> list[float]:
    async def load() -> list[float]:
        times: list[float] = []
        until = time.perf_counter() + seconds
        request = request_of(rows)
        await asyncio.gather(*(ask(url, request, until, times) for _ in range(connections)))
        return times

    return asyncio.run(load())


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seconds", type=float, default=3.0, help="of each measurement")
    parser.add_argument("--rounds", type=int, default=3, help="turns; the median counts")
    parser.add_argument("--inference-server", type=Path, help="environment with azmlinfsrv")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder, contextlib.ExitStack() as stack:
        zip_path = Path(folder) / "bench.zip"
        export(SOURCE, zip_path, sample(10), name="bench")
        servers = {
            "in-process": stack.enter_context(in_process(zip_path)),
            "warm": stack.enter_context(ours(zip_path, "worker")),
            "request": stack.enter_context(ours(zip_path, "request")),
        }
        if options.inference_server:
            place = options.inference_server
            servers["azmlinfsrv"] = stack.enter_context(inference_server(zip_path, place))
        report(servers, options.seconds, options.rounds)
    return 0


def report(servers: dict[str, str], seconds: float, rounds: int) -> None:
    print(f"{os.cpu_count()} cores, Python {sys.version.split()[0]}, pandas {pd.__version__}")
    print("| rows | connections | server | requests/s | ratio | p50 ms | p99 ms |")
    print("|---|---|---|---|---|---|---|")
    for rows in ROWS:
        for connections in CONNECTIONS:
            rates: dict[str, list[float]] = {name: [] for name in servers}
            times: dict[str, list[float]] = {name: [] for name in servers}
            for url in servers.values():
                measure(url, rows, connections, 0.5)
            for _ in range(rounds):
                for name, url in servers.items():
                    found = measure(url, rows, connections, seconds)
                    rates[name].append(len(found) / seconds)
                    times[name] += found
            base = statistics.median(rates["in-process"])
            for name in servers:
                rate = statistics.median(rates[name])
                p50, p99 = np.percentile(times[name], [50, 99]) * 1000
                print(
                    f"| {rows} | {connections} | {name} | {rate:.0f} | {rate / base:.2f} "
                    f"| {p50:.1f} | {p99:.1f} |",
                    flush=True,
                )


if __name__ == "__main__":
    sys.exit(main())
