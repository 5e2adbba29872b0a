"""What all tests share."""

import os
import signal
import sys
import uuid
from pathlib import Path

import pytest
from hypothesis import settings

sys.path.insert(0, str(Path(__file__).parent))

from support import ordinary_user, programs
from support.waiting import until

from azml_magic.monitor import client

MARK = "AZML_MAGIC_TESTS"

# A shell starts what is to run in the background with interrupts ignored, and so would be all
# programs that the tests start and interrupt.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

# How long an example takes says how busy the machine is.
settings.register_profile("any machine", deadline=None)
settings.load_profile("any machine")


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
    # What ends with a process that was killed a moment ago takes a moment itself.
    until(lambda: not _left_over(mark), told=lambda: list(map(_command, _left_over(mark))))
    assert [path.name for path in folder.glob("azml_magic-*")] == []


def _left_over(mark):
    return [process for process in _others() if mark in _environment(process)]


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
