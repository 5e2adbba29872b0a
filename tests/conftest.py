"""What all tests share."""

import os
import sys
import time
import uuid
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from support import ordinary_user, programs

from azml_magic.monitor import client

MARK = "AZML_MAGIC_TESTS"
# Tests that wait for browsers, kernels, servers and processes, on a machine that may be busy with
# other work. One that fails is tried once more, and the summary names it; no other test is.
TRIED_TWICE = {"browser", "kernel", "notebooks", "places", "runs", "serving"}


def pytest_collection_modifyitems(items):
    """Mark the tests that may be tried twice."""
    for item in items:
        if item.path.parent.name in TRIED_TWICE:
            item.add_marker(pytest.mark.flaky(reruns=1, reruns_delay=1))


@pytest.fixture(scope="session")
def as_ordinary_user():
    """Return a function that runs Python source as a user without any privilege."""
    with ordinary_user.prepared() as run:
        yield run


@pytest.fixture(scope="session")
def monitors():
    """What the monitors say on standard error that the tests' own process starts."""
    said = programs.Beneath(client)
    yield said
    said.close()


@pytest.fixture(autouse=True)
def silent_monitors(monitors):
    """After each test: no monitor has said anything on standard error."""
    yield
    assert monitors.take() == ""


@pytest.fixture(scope="session", autouse=True)
def nothing_left_behind(tmp_path_factory, monitors):
    """After all tests: no process that they started, and no run folder."""
    # Run folders go to a place of their own, and processes inherit a mark to be known by.
    folder = tmp_path_factory.mktemp("temporary")
    before = {name: os.environ.get(name) for name in ("TMPDIR", MARK)}
    os.environ.update({"TMPDIR": str(folder), MARK: uuid.uuid4().hex})
    yield
    from azml_magic import api

    api.shut_down()
    assert monitors.take() == ""
    mark = f"{MARK}={os.environ[MARK]}".encode()
    for name, value in before.items():
        os.environ.pop(name)
        if value is not None:
            os.environ[name] = value
    assert [_command(process) for process in _left_over(mark)] == []
    assert [path.name for path in folder.glob("azml_magic-*")] == []


def _left_over(mark):
    # What ends with a process that was killed a moment ago takes a moment itself.
    for _ in range(100):
        left = [process for process in _others() if mark in _environment(process)]
        if not left:
            break
        time.sleep(0.1)
    return left


def _others():
    return [
        int(name) for name in os.listdir("/proc") if name.isdigit() and int(name) != os.getpid()
    ]


def _command(process):
    try:
        return Path(f"/proc/{process}/cmdline").read_bytes()[:500]
    except OSError:
        return b"gone"


def _environment(process):
    try:
        return Path(f"/proc/{process}/environ").read_bytes()
    except OSError:
        return b""
