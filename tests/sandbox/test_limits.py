"""Limits: tasks by the listener, the rest by the kernel."""

import contextlib
import ctypes
import errno
import mmap
import os
import resource
import select
import signal
import socket
import subprocess
import sys
import threading
import time
from dataclasses import replace

import pytest
from support.waiting import until

from azml_magic.sandbox import kernel, landlock, supervise
from azml_magic.sandbox.syscalls import NUMBERS
from sandbox.roomy import ROOMY

LIBC = ctypes.CDLL(None, use_errno=True)
FEW = replace(ROOMY, tasks=8)


def start_processes(wanted, start):
    """Start processes that wait until they are killed; return how many could be started."""
    started = 0
    for _ in range(wanted):
        try:
            child = start()
        except BlockingIOError:  # EAGAIN, and no other error
            continue
        if child == 0:
            signal.pause()
        started += 1
    return started


def raw_clone():
    result = LIBC.syscall(NUMBERS[kernel.machine()]["clone"], signal.SIGCHLD, 0, 0, 0, 0)
    if result < 0:
        raise OSError(ctypes.get_errno(), "clone")
    return result


@pytest.mark.parametrize("start", [os.fork, raw_clone], ids=["fork", "clone"])
def test_processes_are_limited(sandbox, start):
    outcome = sandbox.run(lambda: start_processes(20, start), limits=FEW)
    assert outcome.value == 7, outcome.text
    assert outcome.refused_tasks == 13


@pytest.mark.skipif("vfork" not in NUMBERS[kernel.machine()], reason="no such call here")
def test_vfork_is_asked_about(sandbox):
    # A child of vfork runs on its parent's stack, so it is only tried where it is refused.
    def attempt():
        result = LIBC.syscall(NUMBERS[kernel.machine()]["vfork"])
        return result, ctypes.get_errno()

    outcome = sandbox.run(attempt, limits=replace(ROOMY, tasks=1))
    assert outcome.value == [-1, errno.EAGAIN]
    assert outcome.refused_tasks == 1


def test_threads_are_limited(sandbox):
    def attempt():
        done = threading.Event()
        started = 0
        for _ in range(20):
            try:
                threading.Thread(target=done.wait).start()
                started += 1
            except RuntimeError:
                continue
        done.set()
        return started

    outcome = sandbox.run(attempt, limits=FEW)
    assert outcome.value == 7
    assert outcome.refused_tasks == 13


def test_tasks_that_have_ended_do_not_count(sandbox):
    def work():
        for _ in range(200):
            thread = threading.Thread(target=int)
            thread.start()
            thread.join()
        for _ in range(30):
            child = os.fork()
            if child == 0:
                os._exit(0)
            os.waitpid(child, 0)
        return "done"

    outcome = sandbox.run(work, limits=FEW)
    assert outcome.value == "done", outcome.text
    assert outcome.refused_tasks == 0


def test_many_at_once_do_not_slip_through(sandbox):
    def attempt():
        first = os.getpid()
        for _ in range(6):
            with contextlib.suppress(OSError):
                os.fork()
        with open("born", "ab") as file:
            file.write(b"x")
        if os.getpid() != first:
            signal.pause()
        until(lambda: os.path.getsize("born") >= 2)
        time.sleep(0.5)  # for those that there should not be
        return os.path.getsize("born")

    outcome = sandbox.run(attempt, limits=FEW)
    assert 2 <= outcome.value <= 8, outcome.text


def test_a_fork_bomb_leaves_nothing(sandbox):
    def bomb():
        end = time.monotonic() + 1
        while time.monotonic() < end:
            with contextlib.suppress(OSError):
                if os.fork() == 0:
                    os.setsid()
        os._exit(0)

    assert sandbox.run(bomb, limits=FEW).refused_tasks > 0


def test_memory_is_limited(sandbox):
    def attempt():
        sizes: list[int | None] = []
        for size in (64 << 20, 1 << 30):
            try:
                sizes.append(len(bytearray(size)))
            except MemoryError:
                sizes.append(None)
        return sizes

    outcome = sandbox.run(attempt, limits=replace(ROOMY, memory=256 << 20))
    assert outcome.value == [64 << 20, None]


def test_address_space_is_limited(refuses):
    flags = mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS
    refuses(lambda: mmap.mmap(-1, 1 << 42, flags=flags), "ENOMEM", "EINVAL")


def test_shared_memory_without_a_file_is_one_page_at_most(sandbox, refuses):
    # What of it is unmapped stays while a page of it is mapped, and no figure shows it.
    assert sandbox.run(lambda: len(mmap.mmap(-1, mmap.PAGESIZE))).value == mmap.PAGESIZE
    refuses(lambda: mmap.mmap(-1, mmap.PAGESIZE + 1), "EPERM")
    refuses(lambda: mmap.mmap(os.open("/dev/zero", os.O_RDWR), 1 << 20), "EACCES")


def test_sockets_are_limited(sandbox, refuses):
    limits = replace(ROOMY, open_files=1024)
    refuses(lambda: len([socket.socketpair() for _ in range(300)]), "ENFILE", limits=limits)

    def work():
        for _ in range(1000):
            for end in socket.socketpair():
                end.close()
        return "done"

    assert sandbox.run(work, limits=limits).value == "done"


def test_pipes_are_limited(sandbox, refuses):
    refuses(lambda: len([os.pipe() for _ in range(200)]), "ENFILE")

    def work():
        for _ in range(600):
            for end in os.pipe():
                os.close(end)
        # in a run: a plain interpreter
        return subprocess.run([sys.executable, "-S", "-c", "print(1)"], capture_output=True).stdout

    if sandbox.user is None:
        assert sandbox.run(lambda: work().decode()).value == "1\n"


def watches(number, instances):
    """Have a number of epoll instances watch a number of descriptors each."""
    reading, writing = os.pipe()
    copies = [os.dup(reading) for _ in range(number)]
    made = [select.epoll() for _ in range(instances)]
    for one in made:
        for copy in copies:
            one.register(copy, select.EPOLLIN)
    for one in made:
        one.modify(copies[0], select.EPOLLOUT)
        one.unregister(copies[0])
        one.close()
    for descriptor in (reading, writing, *copies):
        os.close(descriptor)
    return "done"


def test_watches_are_limited(sandbox, refuses):
    refuses(lambda: watches(300, 100), "ENOSPC")
    # What is watched no more does not count.
    assert sandbox.run(lambda: [watches(100, 10) for _ in range(20)][-1]).value == "done"


def test_watches_that_cannot_be_counted_come_to_an_end(sandbox, refuses, monkeypatch):
    monkeypatch.setattr(supervise, "WATCHES_EVER", 500)
    refuses(lambda: [watches(100, 1) for _ in range(20)], "ENOSPC")


def test_timers_are_limited(sandbox, refuses):
    def timers(number):
        for _ in range(number):
            kernel.syscall("timer_create", 0, None, ctypes.create_string_buffer(8))
        return "made"

    assert sandbox.run(lambda: timers(100)).value == "made"
    refuses(lambda: timers(200), "EAGAIN")


@pytest.mark.parametrize("version", [5, None])
def test_signals_that_queue_are_limited(sandbox, refuses, monkeypatch, version):
    if version:
        monkeypatch.setattr(landlock, "abi", lambda: version)

    def send(number):
        got = []
        signal.signal(signal.SIGRTMIN, lambda *_: got.append(1))
        for _ in range(number):
            os.kill(os.getpid(), signal.SIGRTMIN)
            os.kill(os.getpid(), signal.SIGWINCH)
        return len(got)

    assert sandbox.run(lambda: send(50)).value == 50
    refuses(lambda: send(1000), "EAGAIN")


def test_files_are_limited(sandbox):
    def attempt():
        with open("file", "wb") as file:
            file.seek(ROOMY.file_bytes)
            file.write(b"x")

    assert sandbox.run(attempt).symbol == "EFBIG"


def test_sparse_files_are_limited(refuses):
    def attempt():
        with open("file", "wb") as file:
            file.truncate(1 << 40)

    refuses(attempt, "EFBIG")


def test_open_files_are_limited(sandbox, refuses):
    limits = replace(ROOMY, open_files=64)
    refuses(lambda: len([os.open(".", os.O_RDONLY) for _ in range(100)]), "EMFILE", limits=limits)


def test_processor_time_is_limited(sandbox):
    def attempt():
        while True:
            pass

    outcome = sandbox.run(attempt, limits=replace(ROOMY, cpu_seconds=1))
    assert outcome.status & 0x7F in {signal.SIGXCPU, signal.SIGKILL}


@pytest.mark.parametrize("name", ["NOFILE", "DATA", "AS", "FSIZE", "CORE", "MEMLOCK"])
def test_limits_cannot_be_raised(sandbox, name):
    which = getattr(resource, f"RLIMIT_{name}")

    def attempt():
        _, hard = resource.getrlimit(which)
        resource.setrlimit(which, (hard + 1, hard + 1))

    assert sandbox.run(attempt).error in {"ValueError", "PermissionError"}


def test_no_core_is_dumped(sandbox):
    assert sandbox.run(lambda: resource.getrlimit(resource.RLIMIT_CORE)).value in ([1, 1], [0, 0])


def test_the_kernel_would_end_it_first(sandbox):
    ours, theirs = socket.socketpair()

    def wait():
        with theirs:
            theirs.sendall(f"{os.getpid()}\n".encode())
            theirs.recv(1)  # closed when the score has been read

    def look():
        with ours, ours.makefile() as told:
            pid = int(told.readline())
            with open(f"/proc/{pid}/oom_score_adj") as file:
                found.append(file.read().strip())

    found = []
    watcher = threading.Thread(target=look)
    watcher.start()
    sandbox.run(wait, keep=[theirs.fileno()])
    watcher.join()
    theirs.close()
    assert found == ["1000"]
