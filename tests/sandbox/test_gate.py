"""What the gate learns of new tasks: processes are told from threads by the kernel's word."""

import ctypes
import os
import subprocess
import threading

import pytest

from azml_magic.sandbox.supervise import TaskGate


@pytest.fixture
def gates(sandbox, monkeypatch):
    made = []

    class Recorded(TaskGate):
        def __init__(self, *arguments):
            super().__init__(*arguments)
            made.append(self)

    monkeypatch.setitem(sandbox.run.__func__.__globals__, "TaskGate", Recorded)
    return made


def threads():
    for _ in range(3):
        thread = threading.Thread(target=int)
        thread.start()
        thread.join()


def one_fork():
    child = os.fork()
    if child == 0:
        os._exit(0)
    os.waitpid(child, 0)


def one_program():
    with pytest.raises((FileNotFoundError, PermissionError)):
        # not ours: no program at all
        subprocess.run(["/there-is-no-such-program"], check=True)


def fork_that_looks_like_a_thread():
    """Make the call of fork with a first argument that would be a thread's flags in clone."""
    libc = ctypes.CDLL(None, use_errno=True)
    if os.uname().machine != "x86_64":
        return one_fork()
    child = libc.syscall(57, 0x00010000)
    if child == 0:
        libc._exit(0)
    return os.waitpid(child, 0) and None


@pytest.mark.parametrize(
    ("action", "count"),
    [(threads, 0), (one_fork, 1), (one_program, 1), (fork_that_looks_like_a_thread, 1)],
)
def test_processes_are_counted_and_threads_are_not(sandbox, gates, action, count):
    outcome = sandbox.run(action)
    assert not outcome.error, outcome.text
    (gate,) = gates
    assert gate.processes == count
