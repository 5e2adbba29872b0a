"""Doing things in a process that has confined itself, and learning what came of them."""

import errno
import json
import os
import select
import shutil
import signal
import socket
import sys
import tempfile
import time
import traceback
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from azml_magic.protocol.policy import Policy
from azml_magic.sandbox import folders, processes
from azml_magic.sandbox.confine import confine
from azml_magic.sandbox.probe import probe
from azml_magic.sandbox.python_paths import readable_paths
from azml_magic.sandbox.supervise import TaskGate
from sandbox.roomy import ROOMY

NOBODY = 65534
SECONDS = 120

if sys.platform != "linux":
    collect_ignore_glob = ["test_*.py"]


@dataclass(frozen=True)
class Outcome:
    """What a confined function returned, or how it ended."""

    value: object
    error: str
    number: int
    text: str
    status: int
    refused_tasks: int

    @property
    def symbol(self):
        return errno.errorcode.get(self.number, "")


class Sandbox:
    """Runs functions in confined children, as one user."""

    def __init__(self, user):
        self.user = user
        self.folder = Path(tempfile.mkdtemp(prefix="sandbox-run-"))
        self.outside = Path(tempfile.mkdtemp(prefix="sandbox-outside-"))
        self.secret = self.outside / "secret.txt"
        self.secret.write_text("the secret")
        self.secret.chmod(0o600)
        for path in (self.folder, self.outside, self.secret):
            if user is not None:
                os.chown(path, user, user)

    def run(self, function, *, limits=ROOMY, network=False, keep=(), readable=()):
        """Fork, become the user, confine, call `function`, and report what it returned."""
        policy = Policy(
            (*readable_paths(), *readable), (str(self.folder),), network=network, limits=limits
        )
        ours, theirs = socket.socketpair()
        reading, writing = os.pipe()
        others = processes.descendants([os.getpid()])
        child = os.fork()
        if child == 0:
            self._live(function, policy, theirs.fileno(), writing, keep)
        theirs.close()
        os.close(writing)
        try:
            refused = _serve(ours, child, limits.tasks)
            # What the function left running may hold the pipe open.
            processes.kill_tree([os.getpid()], spare=[child, *others])
            with open(reading, encoding="utf-8") as report:
                text = report.read()
        finally:
            ours.close()
            status = _end(child)
        value, error, number, trace = json.loads(text or '[null, "", 0, ""]')
        return Outcome(value, error, number, trace, status, refused)

    def close(self):
        folders.remove_tree(str(self.folder))
        shutil.rmtree(self.outside, ignore_errors=True)

    def _live(self, function, policy, listener_socket, report, keep):
        found = [None, "", 0, ""]
        try:
            with open(os.devnull) as null:
                os.dup2(null.fileno(), 0)
            os.chdir(self.folder)
            if self.user is not None:
                os.setgroups([])
                os.setgid(self.user)
                os.setuid(self.user)
            os.environ.update(HOME=str(self.folder), TMPDIR=str(self.folder), USER="somebody")
            tempfile.tempdir = None
            confine(policy, listener_socket, [report, *keep])
            found[0] = function()
        except BaseException as error:
            found = [None, type(error).__name__, getattr(error, "errno", 0) or 0]
            found.append("".join(traceback.format_exception(error)))
        finally:
            os.write(report, json.dumps(found).encode())
            os._exit(0)


def _end(child):
    """Kill the child and return its status; 0 when counting tasks has reaped it already."""
    try:
        os.kill(child, signal.SIGKILL)
        return os.waitpid(child, 0)[1]
    except (ProcessLookupError, ChildProcessError):
        return 0


def _serve(road, child, tasks):
    """Be the monitor of the child until it has ended; return how many tasks were refused."""
    road.settimeout(SECONDS)
    _, descriptors, _, _ = socket.recv_fds(road, 16, 1)
    if not descriptors:
        return 0
    gate = TaskGate(descriptors[0], tasks, lambda: [child, *processes.descendants([child])])
    ending = os.pidfd_open(child)
    deadline = time.monotonic() + SECONDS
    asking = True
    waiting: list[Any]
    while time.monotonic() < deadline:
        waiting = [gate, ending] if asking else [ending]
        ready, _, _ = select.select(waiting, [], [], 1)
        if gate in ready:
            asking = gate.answer()
        if ending in ready:
            break
    gate.refuse_all()
    gate.close()
    os.close(ending)
    return gate.refused


def _users():
    return ["this user", "ordinary user"] if os.getuid() == 0 else ["this user"]


@pytest.fixture(params=_users())
def sandbox(request):
    """A sandbox whose processes run as this user, and once more as one without privileges.

    A test that starts an interpreter asks for "this user" alone: it may lie below a home that is
    closed to others.
    """
    assert not probe().refusal
    made = Sandbox(NOBODY if request.param == "ordinary user" else None)
    processes.become_subreaper()
    yield made
    made.close()


@pytest.fixture
def refuses(sandbox):
    """Assert that a call in the sandbox fails with one of these errors; return the outcome."""

    def check(function, *symbols, **options):
        outcome = sandbox.run(function, **options)
        assert outcome.error, f"it was let through and returned {outcome.value!r}"
        assert outcome.symbol in (symbols or ("EPERM", "EACCES", "ENOSYS")), outcome.text
        return outcome

    return check
