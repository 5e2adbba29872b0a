"""The service among clients, modules and people that mean it no good, and processes that die."""

import concurrent.futures
import contextlib
import json
import os
import signal
import socket
import statistics
import sys
import tempfile
import time
import types
from functools import partial
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
import requests
from support import programs
from support.waiting import Held, until

from azml_magic import ServiceSettings, serve
from azml_magic.sandbox import measure
from azml_magic.sandbox import processes as tasks
from serving.served import (
    COMMAND,
    LIMITS,
    PRIMARY,
    SOURCE,
    Client,
    fault,
    living,
    processes,
    row,
    sample,
    server,
)

WIDE = """
import numpy as np
import pandas as pd

def azureml_main(frame):
    rows, kind = int(frame["rows"].iloc[0]), frame["kind"].iloc[0]
    if kind == "wide":
        return pd.DataFrame(np.zeros((1000, rows // 1000), "int8")),
    if kind == "text":
        return pd.DataFrame({"x": ["y" * 1000] * rows}),
    return pd.DataFrame({"x": np.zeros(rows, kind)}),
"""
MEGABYTE = 1 << 20


@pytest.fixture(scope="module")
def wide():
    limits: dict[str, Any] = {"port": 0, "workers": 1, "memory": 600 * MEGABYTE}
    settings = ServiceSettings(**limits, max_cells=500_000, max_answer=8 * MEGABYTE)
    given = pd.DataFrame({"rows": [1], "kind": ["int8"]})
    with serve(WIDE, given, name="wide", settings=settings) as service:
        yield Client(service)


def scoring_processes(client):
    return processes(client.service, "serving.scoring_process")


def peak(pid):
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM")) << 10


@pytest.mark.parametrize("query", [None, "", "details=true", "format=swagger"])
@pytest.mark.parametrize(
    ("rows", "kind"),
    [
        *((5_000_000, "int8"), (500_001, "int8"), (5_000_000, "wide"), (9_000_000, "bool")),
        *((20_000, "text"), (1_500_000, "float64")),
    ],
)
def test_an_answer_is_bounded_before_it_is_json(wide, rows, kind, query):
    (scoring,) = scoring_processes(wide)
    before, used = peak(scoring), measure.cpu_seconds([scoring])
    body = {"Inputs": {"input1": [{"rows": rows, "kind": kind}]}}
    if query is None:
        response = wide.post("/score", body)
    else:
        response = wide.post(f"{wide.base}/execute?{query}", body)
    assert fault(response) == (413, "BadArgument", "AnswerTooLarge")
    assert measure.cpu_seconds([scoring]) - used < 5
    # What one frame within the limits becomes, and no more.
    assert peak(scoring) - before < 250 * MEGABYTE
    assert scoring_processes(wide) == [scoring]


@pytest.mark.parametrize("kind", ["int8", "float64"])
def test_an_answer_within_the_limits_is_whole(wide, kind):
    body = {"Inputs": {"input1": [{"rows": 123_456, "kind": kind}]}}
    answer = wide.post("/score", body).json()["Results"]
    assert answer["output1"] == [{"x": 0}] * 123_456


def test_the_time_limit_holds_over_the_whole_request():
    settings = ServiceSettings(port=0, workers=1, timeout=1.0, max_cells=9_000_000)
    given = pd.DataFrame({"rows": [1], "kind": ["int8"]})
    with serve(WIDE, given, name="wide", settings=settings) as service:
        client = Client(service)
        (scoring,) = scoring_processes(client)
        used = measure.cpu_seconds([scoring])
        body = {"Inputs": {"input1": [{"rows": 8_000_000, "kind": "int8"}]}}
        response = client.post("/score", body)
        assert fault(response) == (408, "RequestTimeout", "ScoreRequestTimeout")
        # Writing all of it would take longer.
        assert measure.cpu_seconds([scoring]) - used < 4
        body = {"Inputs": {"input1": [{"rows": 1, "kind": "int8"}]}}
        assert client.post("/score", body).status_code == 200


ODD = {
    "half a pair as a value": b'{"Inputs": {"input1": [{"action": "\\ud800", "amount": 1}]}}',
    "half a pair as a key": b'{"Inputs": {"input1": [{"\\uDFFF": 1}]}}',
    "half a pair as an input": b'{"Inputs": {"\\ud912": []}}',
    "half a pair in a list": b'{"Inputs": {"input1": {"ColumnNames": ["\\udc00"], "Values": []}}}',
    "half a pair elsewhere": b'{"Inputs": {"input1": []}, "GlobalParameters": {"\\ud800": 1}}',
    "pairs the wrong way": b'{"Inputs": {"input1": [{"action": "\\udc00\\ud800"}]}}',
    "lists in lists": b'{"Inputs": {"input1": ' + b"[" * 400_000 + b"]" * 400_000 + b"}}",
    "lists without an end": b"[" * 1_000_000,
    "objects in objects": b'{"a":' * 100_000 + b"1" + b"}" * 100_000,
    "a deep cell": b'{"Inputs": {"input1": [{"action": ' + b"[" * 900 + b"]" * 900 + b"}]}}",
    "a very long number": b'{"Inputs": {"input1": [{"count": ' + b"9" * 100_000 + b"}]}}",
    "a very long fraction": b'{"Inputs": {"input1": [{"amount": 1.' + b"9" * 100_000 + b"e999}]}}",
    "no Unicode": b'{"Inputs": "\xff\xfe"}',
    "half a sequence": b'{"Inputs": "\xe2\x82',
    "another encoding": '{"Inputs": {}}'.encode("utf-16"),
    "zeros": b"\0" * 1000,
    "nothing": b"",
    "a byte order mark alone": b"\xef\xbb\xbf",
}


@pytest.mark.parametrize("name", ODD)
def test_an_odd_body_costs_no_process(client, name):
    before = scoring_processes(client)
    for path in ("/score", f"{client.base}/execute?api-version=2.0"):
        response = client.post(path, ODD[name])
        assert response.status_code == 400, response.text
        assert response.json()["error"]["details"][0]["message"].isprintable()
    client.assert_serves()
    assert scoring_processes(client) == before


def test_a_whole_pair_is_text(client):
    answer = client.post("/score", {"Inputs": {"input1": [row("\U0001f600")]}})
    assert answer.json()["Results"]["output1"][0]["action"] == "\U0001f600"


ROUTES = ("/", "/score", "/health", "/ready", "/metrics", "/openapi.json", "/swagger.json")
NAMES = [
    *("evil.com", "localhost.evil.com", "localhost, evil.com", "evil.com#localhost", ""),
    *("localhost@evil.com", "127.0.0.1.evil.com", "[::1].evil.com", "localhost:80:80"),
]


@pytest.mark.parametrize("host", NAMES)
@pytest.mark.parametrize("path", [*ROUTES, "/help/help.js", "/nothing"])
def test_no_route_answers_to_another_name(client, path, host):
    assert fault(client.get(path, headers={"Host": host})) == (400, "BadArgument", "InvalidHost")


@pytest.mark.parametrize("host", ["localhost", "LOCALHOST:80", "127.0.0.1:1", "[::1]:8000"])
def test_this_machine_has_several_names(client, host):
    assert client.get("/health", headers={"Host": host}).status_code == 200


def test_a_compressed_body_is_refused_by_name(client):
    response = client.post("/score", b"\x1f\x8b", headers={"Content-Encoding": "gzip"})
    assert fault(response) == (415, "BadArgument", "UnsupportedMediaType")


def test_an_idle_process_that_dies_is_replaced_at_once(client):
    client.assert_serves()
    (victim,) = scoring_processes(client)
    assert client.get("/ready").json() == {"status": "ready", "module": "obedient"}
    os.kill(victim, signal.SIGKILL)
    answers = []

    def answered(status):
        answers.append(client.get("/ready"))
        return answers[-1].status_code == status

    until(lambda: answered(503))
    assert answers[-1].headers["Retry-After"] == "1"
    assert client.get("/health").status_code == 200
    # Nobody has sent a request.
    until(lambda: answered(200))
    assert victim not in scoring_processes(client)
    client.assert_serves()


def test_no_request_is_lost_that_had_not_begun(client, servers):
    """Processes are killed again and again; only what had begun may be answered by 500."""
    names = ("serving.scoring_process", "monitor.monitor", "worker.server")
    killed, right, wrong = [], [], []

    def ask(worker):
        own = Client(client.service)
        number = 0
        while len(killed) < 12:
            number += 1
            answer = own.score(row(amount=number), timeout=60)
            if answer.status_code != 200:
                wrong.append(answer.json()["error"])
            else:
                right.append(answer.json()["Results"]["output1"][0]["doubled"] == number * 2)

    def answered(more):
        wanted = len(right) + more
        until(lambda: len(right) >= wanted)

    def last(name):
        return processes(client.service, name)[-1:]

    with concurrent.futures.ThreadPoolExecutor(2) as threads:
        asked = [threads.submit(ask, worker) for worker in range(2)]
        try:
            for turn in range(12):
                until(lambda: client.get("/ready").status_code == 200)
                answered(5)
                # There is none while another one is started in the place of the last.
                (victim,) = until(partial(last, names[turn % 3]))
                with contextlib.suppress(ProcessLookupError):
                    os.kill(victim, signal.SIGKILL)
                killed.append(victim)
        finally:
            killed += [0] * 12
    for one in asked:
        one.result()
    assert all(right)
    # A kill meets a request in the middle of a module at times, and then names it so.
    for error in wrong:
        assert error["details"][0]["code"] == "ContainerProcessTerminatedWithSystemError"
    client.assert_serves()
    lines = programs.log_lines(servers.take())
    begun = [line["begun"] for line in lines if line.get("status") == 500]
    assert begun == [True] * len(wrong)


def test_connections_that_say_nothing_cost_nobody_anything(client):
    used = Client(client.service)
    used.assert_serves()
    with contextlib.ExitStack() as stack:
        for number in range(1300):
            half = stack.enter_context(client.connect())
            with contextlib.suppress(OSError):
                half.send(b"POST /score HTTP/1.1\r\nHost: localhost\r\n"[: number % 40])
            if number % 100 == 0:
                Client(client.service).assert_serves()
        times = []
        for _ in range(20):
            started = time.monotonic()
            Client(client.service).assert_serves()
            times.append(time.monotonic() - started)
        # Most of them: a busy machine may let one wait for as long as it likes.
        assert statistics.median(times) < 1
        used.assert_serves()


def test_a_reason_is_logged_for_each_500(module_zip):
    with server(module_zip, "--port", "0") as (process, client):
        assert client.score(row("exit")).status_code == 500
        (scoring,) = named(process, "serving.scoring_process")
        with concurrent.futures.ThreadPoolExecutor(1) as thread:
            held = Held()
            begun = thread.submit(client.score, row(held.name))
            held.wait_for()
            os.kill(scoring, signal.SIGKILL)
            assert fault(begun.result())[0] == 500
        client.assert_serves()
        process.terminate()
        assert process.wait(60) == 0
        lines = programs.log_lines(process.all_said())
    failed = [line for line in lines if line.get("status") == 500]
    assert len(failed) == 2
    assert [line["begun"] for line in failed] == [True, True]
    assert "exit status 3" in failed[0]["reason"]
    assert "process ended" in failed[1]["reason"]
    (replaced,) = [line for line in lines if line["event"] == "scoring process replaced"]
    assert "process ended" in replaced["reason"]


def test_the_keys_are_in_no_childs_environment(module_zip, monkeypatch):
    monkeypatch.setenv("AZML_PRIMARY_KEY", PRIMARY)
    monkeypatch.setenv("AZML_SECONDARY_KEY", PRIMARY[::-1])
    with server(module_zip, "--port", "0") as (process, client):
        assert client.score(row()).status_code == 401
        below = named(process, "")
        assert len(below) > 3
        for pid in below:
            environment = Path(f"/proc/{pid}/environ").read_bytes()
            assert PRIMARY.encode() not in environment, Path(f"/proc/{pid}/cmdline").read_bytes()
            assert b"AZML_PRIMARY_KEY" not in environment
    with serve(
        SOURCE, sample(), name="obedient", force=True, settings=ServiceSettings(**LIMITS)
    ) as own:
        for pid in [own._process.pid, *processes(own, "")]:
            assert PRIMARY.encode() not in Path(f"/proc/{pid}/environ").read_bytes()


@pytest.fixture
def temporary(tmp_path, monkeypatch):
    """Let everything that is started have a place for temporary files of its own."""
    folder = tmp_path / "temporary"
    folder.mkdir()
    monkeypatch.setenv("TMPDIR", str(folder))
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    return folder


def named(process, pattern):
    """Return the processes below a server that match."""
    return processes(types.SimpleNamespace(_process=process), pattern)


# Not the moment at which a folder is made: what a signal then leaves is for the next process.
OF_A_FILE = {
    "its samples are read": lambda process, folder: (
        "/pandas/" in Path(f"/proc/{process.pid}/maps").read_text()
    ),
    "its module is looked at": lambda process, folder: named(process, "monitor.monitor"),
}
OF_ANY = {
    "the server has a copy": lambda process, folder: [*folder.glob("azml-serve-*/*")],
    "a scoring process is started": lambda process, folder: named(
        process, "serving.scoring_process"
    ),
    "that has a monitor": lambda process, folder: tasks.descendants(
        named(process, "serving.scoring_process")
    ),
}


def assert_a_stop_leaves_nothing(temporary, number, step, *given):
    """Stop a server as soon as its start has come to some step."""
    command = [*COMMAND, "serve", *given, "--port", "0", "--workers", "1"]
    with programs.Started(command) as process:
        until(lambda: step(process, temporary), pause=0.005)
        process.send_signal(number)
        assert process.wait(120) in {0, 128 + number}
    until(lambda: not list(temporary.iterdir()))


@pytest.mark.parametrize("step", OF_A_FILE)
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_stop_while_the_zip_is_made_leaves_nothing(tmp_path, temporary, step, number):
    module, frame = tmp_path / "obedient.py", tmp_path / "in.csv"
    module.write_text(SOURCE)
    sample().to_csv(frame, index=False)
    given = [module, "--dataset1", frame, "--force"]
    assert_a_stop_leaves_nothing(temporary, number, OF_A_FILE[step], *given)


@pytest.mark.parametrize("step", OF_ANY)
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_stop_during_the_start_leaves_nothing(module_zip, temporary, step, number):
    assert_a_stop_leaves_nothing(temporary, number, OF_ANY[step], module_zip)


def test_what_killed_servers_left_is_cleared_at_the_next_start(module_zip, temporary):
    with server(module_zip, "--port", "0") as (process, client):
        client.assert_serves()
        process.kill()
        process.wait()
    left = {path.name.rpartition("-")[0] for path in temporary.iterdir()}
    assert "azml-serve" in left
    with server(module_zip, "--port", "0") as (_, client):
        client.assert_serves()
        living = [path for path in temporary.iterdir() if path.name.startswith("azml-serve-")]
        assert len(living) == 1
        # A third one beside it takes nothing from it.
        with server(module_zip, "--port", "0") as (_, other):
            other.assert_serves()
            assert living[0].exists()
        client.assert_serves()
    until(lambda: not list(temporary.iterdir()))


LEFT = """
import os, signal, sys
from azml_magic.temporary import OwnFolder
kinds = [OwnFolder(kind) for kind in ("azml-serve", "azml-module", "azml_magic-debug")]
print(*(own.path for own in kinds), sep="\\n", flush=True)
os.kill(os.getpid(), signal.SIGKILL)
"""


def test_each_kind_of_folder_clears_its_own(temporary):
    done = programs.run([sys.executable, "-c", LEFT], status=-signal.SIGKILL)
    left = [Path(line) for line in done.stdout.split()]
    (left[0] / "closed").mkdir(mode=0o500)
    from azml_magic.temporary import OwnFolder

    for path in left:
        assert path.exists()
        with OwnFolder(path.name.rpartition("-")[0]) as own:
            assert not path.exists()
            assert own.path.stat().st_mode & 0o777 == 0o700
        assert not own.path.exists()


def held(client):
    """Begin a request that is never let go, in a thread of its own."""
    request = Held()
    thread = concurrent.futures.ThreadPoolExecutor(1)

    def ask():
        with contextlib.suppress(requests.ConnectionError):
            return Client(client.service).score(row(request.name)).status_code

    answer = thread.submit(ask)
    thread.shutdown(wait=False)
    request.wait_for()
    return answer


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_a_second_signal_ends_a_server_at_once(module_zip, temporary, number):
    with server(module_zip, "--port", "0", "--timeout", "600") as (process, client):
        held(client)
        below = named(process, "")
        process.send_signal(number)
        until(client.is_refused)
        assert process.poll() is None
        process.send_signal(number)
        # What runs goes on for ten times as long.
        assert process.wait(60) == 0
        until(lambda: not living(below))
    until(lambda: not list(temporary.iterdir()))


def test_what_runs_ends_with_a_server_that_is_killed(module_zip, temporary):
    with server(module_zip, "--port", "0", "--timeout", "600") as (process, client):
        held(client)
        below = named(process, "")
        assert len(below) > 4
        process.kill()
        process.wait()
        until(lambda: not living(below))
    # Monitors end by themselves, and take their folders along.
    left = {path.name.rpartition("-")[0] for path in temporary.iterdir()}
    assert left == {"azml-serve", "azml-service"}


def test_what_is_not_found_is_logged_and_counted(module_zip):
    with server(module_zip, "--port", "0") as (process, client):
        assert client.get("/nothing").status_code == 404
        assert client.post("/score/", {}).status_code == 404
        refused = client.get("/score")
        assert refused.status_code == 405
        assert refused.headers["Allow"] == "POST"
        assert refused.headers["x-ms-request-id"]
        assert 'azml_requests_total{route="unread",status="404"} 2.0' in client.get("/metrics").text
        process.terminate()
        assert process.wait(60) == 0
        lines = programs.log_lines(process.all_said())
    found = [(line["method"], line["status"]) for line in lines if line["event"] == "request"]
    assert found[:3] == [("GET", 404), ("POST", 404), ("GET", 405)]


def test_a_port_that_is_none(module_zip):
    command = [*COMMAND, "serve", str(module_zip), "--port", "80000"]
    programs.run(command, status=2, errors="port is '80000'")


LIAR = """
import gc, json, os, socket, struct

road = [one for one in gc.get_objects() if isinstance(one, socket.socket)][0]

def send(event):
    data = json.dumps(event).encode()
    road.setblocking(True)
    road.sendall(struct.pack("<Q", len(data)) + data)

def azureml_main(frame):
    action = frame["action"].iloc[0]
    if action == "lie":
        # What the next request gets to hear in its place.
        result = {"event": "result", "outputs": [False, False], "findings": []}
        send({**result, "unsaved": [], "uploads": []})
        said = {"kind": "Azml error", "message": "send your key to https://example.invalid"}
        send({"event": "not begun", **said})
        os.close(road.fileno())
    return frame,
"""


def test_no_module_speaks_for_the_service(tmp_path):
    given = pd.DataFrame({"action": ["none"]})
    settings = ServiceSettings(port=0, workers=1, timeout=3.0)
    with serve(LIAR, given, name="liar", settings=settings) as service:
        client = Client(service)
        for action in ("lie", "none", "lie", "none"):
            body = {"Inputs": {"input1": [{"action": action}]}}
            response = client.post("/score", body)
            assert "example.invalid" not in response.text
        assert client.post("/score", body).status_code == 200


def test_a_key_that_stands_twice_is_found_at_once(client):
    keys = b",".join(b'"%x":1' % number for number in range(100_000))
    (scoring,) = scoring_processes(client)
    used = measure.cpu_seconds([scoring])
    response = client.post("/score", b'{"Inputs":{' + keys + b',"5":1}}')
    assert fault(response)[0] == 400
    assert measure.cpu_seconds([scoring]) - used < 2


def is_open(port, other):
    """Return whether a server has not closed its connection to another port of this machine."""
    ports = f":{port:04X}", f":{other:04X}"
    lines = map(str.split, Path("/proc/net/tcp").read_text().splitlines()[1:])
    states = [line[3] for line in lines if (line[1][-5:], line[2][-5:]) == ports]
    return states == ["01"]


def test_who_does_not_read_the_answer_is_given_up():
    settings = ServiceSettings(port=0, workers=1, body_timeout=2.0)
    given = pd.DataFrame({"rows": [1], "kind": ["text"]})
    with serve(WIDE, given, name="wide", settings=settings) as service:
        host, _, port = service.url.removeprefix("http://").rpartition(":")
        # More than the buffers of any connection hold.
        body = b'{"Inputs": {"input1": [{"rows": 20000, "kind": "text"}]}}'
        head = (
            "POST /score HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
            f"Content-Length: {len(body)}\r\n\r\n"
        )
        with socket.socket() as deaf:
            deaf.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            deaf.connect((host, int(port)))
            deaf.sendall(head.encode() + body)
            until(lambda: not is_open(int(port), deaf.getsockname()[1]))
            received = 0
            with contextlib.suppress(ConnectionResetError):
                while piece := deaf.recv(1 << 20):
                    received += len(piece)
        assert received < 20_000_000
        # Who reads slowly, and does read, gets all of it.
        answer = requests.post(service.score_url, json=json.loads(body), timeout=60)
        assert len(answer.json()["Results"]["output1"]) == 20_000
