"""A run can neither signal, trace, slow down nor change any process but its own."""

import ctypes
import os
import resource
import signal
import subprocess
import time
from pathlib import Path

import pytest

from azml_magic.sandbox import kernel, landlock
from azml_magic.sandbox.syscalls import NUMBERS

LIBC = ctypes.CDLL(None, use_errno=True)
BUFFER = ctypes.create_string_buffer(256)


def raw(name, *arguments):
    result = LIBC.syscall(NUMBERS[kernel.machine()][name], *arguments)
    if result < 0:
        raise OSError(ctypes.get_errno(), name)
    return result


@pytest.fixture
def victim(sandbox):
    """A process of the same user, outside."""
    # not ours: sleep
    process = subprocess.Popen(["sleep", "600"], user=sandbox.user, start_new_session=True)
    before = state_of(process.pid)
    yield process.pid
    assert process.poll() is None
    assert state_of(process.pid) == before
    process.kill()
    process.wait()


def state_of(pid):
    with open(f"/proc/{pid}/stat") as file:
        condition = file.read().rpartition(")")[2].split()[0]
    return (
        condition not in "TtZX",
        os.getpriority(os.PRIO_PROCESS, pid),
        os.sched_getaffinity(pid),
        os.sched_getscheduler(pid),
        Path(f"/proc/{pid}/limits").read_text(),
    )


def ioprio_set(pid):
    return raw("ioprio_set", 1, pid, 3 << 13)


ATTEMPTS = {
    "kill": lambda pid: os.kill(pid, signal.SIGKILL),
    "stop": lambda pid: os.kill(pid, signal.SIGSTOP),
    "null signal": lambda pid: os.kill(pid, 0),
    "kill its group": lambda pid: os.killpg(pid, signal.SIGKILL),
    "tgkill": lambda pid: raw("tgkill", pid, pid, 9),
    "tkill": lambda pid: raw("tkill", pid, 9),
    "queued signal": lambda pid: raw("rt_sigqueueinfo", pid, 10, BUFFER),
    "pidfd": lambda pid: signal.pidfd_send_signal(os.pidfd_open(pid), signal.SIGKILL),
    "descriptor by pidfd": lambda pid: raw("pidfd_getfd", os.pidfd_open(pid), 0, 0),
    "ptrace": lambda pid: raw("ptrace", 16, pid, 0, 0),
    "ptrace seize": lambda pid: raw("ptrace", 0x4206, pid, 0, 0),
    "read memory": lambda pid: raw("process_vm_readv", pid, BUFFER, 1, BUFFER, 1, 0),
    "write memory": lambda pid: raw("process_vm_writev", pid, BUFFER, 1, BUFFER, 1, 0),
    "compare": lambda pid: raw("kcmp", pid, os.getpid(), 0, 0, 0),
    "set a limit": lambda pid: resource.prlimit(pid, resource.RLIMIT_NOFILE, (64, 64)),
    "read a limit": lambda pid: resource.prlimit(pid, resource.RLIMIT_NOFILE),
    "priority": lambda pid: os.setpriority(os.PRIO_PROCESS, pid, 19),
    "priority of a group": lambda pid: os.setpriority(os.PRIO_PGRP, pid, 19),
    "priority of the user": lambda pid: os.setpriority(os.PRIO_USER, os.getuid(), 19),
    "affinity": lambda pid: os.sched_setaffinity(pid, {0}),
    "scheduler": lambda pid: os.sched_setscheduler(pid, os.SCHED_IDLE, os.sched_param(0)),
    "priority of its files": ioprio_set,
    "advice on memory": lambda pid: raw("process_madvise", os.pidfd_open(pid), BUFFER, 1, 21, 0),
    "pages": lambda pid: raw("migrate_pages", pid, 8, BUFFER, BUFFER),
}


@pytest.mark.parametrize("attempt", ATTEMPTS.values(), ids=ATTEMPTS)
def test_another_process_is_left_alone(refuses, victim, attempt):
    refuses(lambda: attempt(victim))


SIGNALS = [name for name in ATTEMPTS if "kill" in name or name in {"stop", "pidfd", "ptrace"}]


@pytest.mark.parametrize("version", [1, 4, 5])
@pytest.mark.parametrize("name", [*SIGNALS, "queued signal", "null signal"])
def test_another_process_is_left_alone_with_an_older_landlock(
    refuses, victim, monkeypatch, version, name
):
    monkeypatch.setattr(landlock, "abi", lambda: version)
    refuses(lambda: ATTEMPTS[name](victim))


@pytest.mark.parametrize("version", [5, None])
def test_a_signal_to_everybody_reaches_nobody(sandbox, victim, monkeypatch, version):
    if version:
        monkeypatch.setattr(landlock, "abi", lambda: version)

    def attempt():
        try:
            os.kill(-1, signal.SIGSTOP)
        except OSError:
            return "refused"
        return "sent"

    sandbox.run(attempt)
    # `victim` compares what it was and is.


def test_the_parent_is_left_alone(refuses):
    refuses(lambda: os.kill(os.getppid(), signal.SIGTERM))


@pytest.mark.parametrize("version", [5, None])
def test_own_process_can_be_changed(sandbox, monkeypatch, version):
    if version:
        monkeypatch.setattr(landlock, "abi", lambda: version)

    def work():
        got = []
        signal.signal(signal.SIGUSR1, lambda *_: got.append("signal"))
        os.kill(os.getpid(), signal.SIGUSR1)
        signal.raise_signal(signal.SIGUSR1)
        os.nice(1)
        os.sched_setaffinity(0, os.sched_getaffinity(os.getpid()))
        resource.setrlimit(resource.RLIMIT_CPU, resource.getrlimit(resource.RLIMIT_CPU))
        resource.prlimit(os.getpid(), resource.RLIMIT_NOFILE)
        return got

    outcome = sandbox.run(work)
    assert outcome.value == ["signal", "signal"], outcome.text


@pytest.mark.parametrize("version", [1, 5, None])
@pytest.mark.parametrize("group", [False, True])
def test_own_children_can_be_ended(sandbox, monkeypatch, version, group):
    if version:
        monkeypatch.setattr(landlock, "abi", lambda: version)

    def work():
        reading, writing = os.pipe()
        child = os.fork()
        if child == 0:
            os.setpgid(0, 0)
            signal.raise_signal(signal.SIGCONT)
            os.write(writing, b"x")
            time.sleep(600)
        os.read(reading, 1)
        (os.killpg if group else os.kill)(child, signal.SIGTERM)
        ended = os.waitpid(child, 0)[1]
        with pytest.raises(ProcessLookupError):
            os.kill(child, 0)
        return ended

    outcome = sandbox.run(work)
    assert outcome.value == signal.SIGTERM, outcome.text


def test_two_runs_do_not_reach_each_other(sandbox):
    # A worker of another run is confined by itself, and just as far away as the notebook.
    other = os.fork()
    if other == 0:
        sandbox.run(lambda: time.sleep(600))
        os._exit(0)
    try:
        time.sleep(0.3)
        assert sandbox.run(lambda: os.kill(other, 0)).symbol == "EPERM"
    finally:
        os.kill(other, signal.SIGKILL)
        os.waitpid(other, 0)


def test_it_ends_with_its_parent(sandbox):
    reading, writing = os.pipe()
    parent = os.fork()
    if parent == 0:
        sandbox.run(
            lambda: (os.write(writing, b"x"), time.sleep(600)),
            keep=[writing],
        )
        os._exit(0)
    os.close(writing)
    with open(reading, "rb", buffering=0) as report:
        assert report.read(1) == b"x"
        os.kill(parent, signal.SIGKILL)
        os.waitpid(parent, 0)
        # The pipe ends when the last process that holds it does.
        assert report.read() == b""
