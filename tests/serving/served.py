"""A served module that does what a request tells it to, good and bad."""

import contextlib
import json
import socket
import sys
import textwrap
import types
from pathlib import Path
from typing import Any

import pandas as pd
import requests
from support import programs
from support.waiting import Held

from azml_magic.sandbox import processes as tasks

COMMAND = [sys.executable, "-m", "azml_magic"]
PRIMARY, SECONDARY = "p" * 40, "s" * 40

SOURCE = Held.HOLD + textwrap.dedent(
    """
    import ctypes
    import os
    import sys
    import time

    calls = 0


    def fail(action):
        if action == "raise":
            raise ValueError("as asked")
        if action == "exit":
            os._exit(3)
        if action == "quit":
            sys.exit(0)
        if action == "crash":
            ctypes.string_at(0)
        if action == "hang":
            time.sleep(600)
        if str(action).startswith("held-"):
            hold(action)
        if action == "eat":
            hoard = []
            while True:
                hoard.append(bytearray(16 << 20))
        if action == "flood":
            for _ in range(200):
                print("x" * 100_000)
        if action == "write":
            open("left.txt", "w").write("from another request")


    def azureml_main(frame):
        global calls
        calls += 1
        action = frame["action"].iloc[0] if len(frame) else ""
        fail(action)
        if action == "number":
            return 5
        frame["calls"] = calls
        frame["files"] = len(os.listdir("."))
        frame["doubled"] = frame["amount"] * 2
        if action == "slow":
            time.sleep(0.5)
        return frame,
    """
)


def sample():
    return pd.DataFrame(
        {
            "action": ["none", None],
            "amount": [1.5, float("nan")],
            "count": [1, 2],
            "seen": [True, False],
        }
    )


def row(action="none", **changes):
    return {"action": action, "amount": 1.5, "count": 3, "seen": True, **changes}


class Client:
    """Sends requests to a service as any program would."""

    def __init__(self, service):
        self.service = service
        self.session = requests.Session()

    def score(self, *rows, **options):
        return self.post("/score", {"Inputs": {"input1": list(rows)}}, **options)

    def post(self, path, value, **options):
        data = value if isinstance(value, bytes) else json.dumps(value).encode()
        headers = {"Content-Type": "application/json", **options.pop("headers", {})}
        return self.session.post(self.service.url + path, data, headers=headers, **options)

    def classic(self, value, query="api-version=2.0&details=true"):
        return self.post(f"{self.base}/execute?{query}", value)

    def get(self, path, **options):
        return self.session.get(self.service.url + path, **options)

    def connect(self):
        """Return a connection over which nothing has been said."""
        host, _, port = self.service.url.removeprefix("http://").rpartition(":")
        return socket.create_connection((host, int(port)), timeout=60)

    def is_refused(self):
        """Return whether the service takes no more connections."""
        try:
            self.connect().close()
        except ConnectionRefusedError:
            return True
        return False

    @property
    def base(self):
        return f"/workspaces/local/services/{self.service.name}"

    def assert_serves(self):
        response = self.score(row())
        assert response.status_code == 200, response.text
        assert response.json()["Results"]["output1"][0]["doubled"] == 3.0


LIMITS: dict[str, Any] = {
    "port": 0,
    "workers": 1,
    "timeout": 3.0,
    "memory": 300 << 20,
    "max_body": 2 << 20,
}


def fault(response):
    """Return status, code and detail's code of an answer that is an error."""
    error = response.json()["error"]
    (detail,) = error["details"]
    assert detail["message"]
    return response.status_code, error["code"], detail["code"]


@contextlib.contextmanager
def server(path, *options):
    """Start a server by the command line; give its process and a client."""
    command = [*COMMAND, "serve", str(path), "--workers", "1", *options]
    with programs.Started(command, stdout=programs.PIPE, errors=programs.log_lines) as process:
        url = process.stdout.readline().split()[-1]
        yield process, Client(types.SimpleNamespace(url=url, name="obedient"))
        process.terminate()
        process.wait(60)


def processes(service, pattern):
    """Return the process numbers below the server that match."""
    parents, lines = {}, {}
    for folder in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            parent = int((folder / "stat").read_text().rpartition(")")[2].split()[1])
            parents.setdefault(parent, []).append(int(folder.name))
            lines[int(folder.name)] = (folder / "cmdline").read_bytes().decode()
    found, waiting = [], [service._process.pid]
    while waiting:
        children = parents.get(waiting.pop(), [])
        found += children
        waiting += children
    return [pid for pid in found if pattern in lines.get(pid, "")]


def living(pids):
    """Return those that have not ended; the test's own process need not have waited for them."""
    found = map(tasks.read, pids)
    return [process for process in found if process is not None and not process.ended]
