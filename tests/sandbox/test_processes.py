"""The monitor's eyes and hands: finding, measuring and killing processes."""

import fcntl
import mmap
import os
import signal
import socket
import sys
import tempfile
import threading
import time
from pathlib import Path

import pytest
from support import programs
from support.waiting import until

from azml_magic import api
from azml_magic.sandbox import folders, kernel, measure, processes


@pytest.fixture(autouse=True)
def adopting():
    # These tests kill all that is below this process: a monitor that waits ends itself first.
    api.shut_down()
    processes.become_subreaper()


def fork(action):
    child = os.fork()
    if child == 0:
        try:
            action()
        finally:
            os._exit(0)
    return child


def family():
    """Fork a child with a child of its own; the latter in a session of its own."""

    def parent():
        def grandchild():
            os.setsid()
            time.sleep(600)

        fork(grandchild)
        time.sleep(600)

    return fork(parent)


def dead_leader(work):
    """Fork a child whose first thread ends while another goes on with some work."""

    def action():
        def go_on():
            until(lambda: processes.read(os.getpid()).state == "Z")
            work()
            time.sleep(600)

        threading.Thread(target=go_on).start()
        kernel.syscall("exit", 0)

    child = fork(action)
    until(lambda: processes.read(child).state == "Z")
    return child


def test_a_process_lives_as_long_as_one_of_its_threads():
    child = dead_leader(lambda: None)
    process = processes.read(child)
    assert process is not None
    assert process.threads == 2
    assert not process.ended
    assert not processes.reap(process)
    assert measure.count_tasks([child]) == 2
    assert processes.live_task(child) not in {child, os.getpid()}
    assert processes.kill_tree([os.getpid()])
    assert processes.read(child) is None


def test_what_a_process_without_its_first_thread_holds_is_measured(tmp_path):
    size = 64 << 20
    kept: list[object] = []

    def work():
        kept.append(b"x" * size)
        kept.append(socket.socketpair())
        with open(tmp_path / "file", "w+b") as file:
            file.write(bytes(size))
        kept.append(open(tmp_path / "file", "rb"))  # noqa: SIM115 -- it must stay open
        os.unlink(tmp_path / "file")
        ready.touch()

    ready = tmp_path / "ready"
    child = dead_leader(work)
    until(ready.exists)
    assert measure.memory_of(child) > size
    assert measure.tree_memory([child], limit=size // 2) > size // 2
    assert measure.count_sockets([child]) >= 2
    assert size <= folders.unlinked_bytes([child]) < 2 * size
    assert processes.kill_tree([os.getpid()])


def test_a_zombie_has_ended():
    child = fork(lambda: None)
    until(lambda: processes.read(child).state == "Z")
    assert processes.read(child).ended
    assert processes.live_task(child) == child
    assert measure.memory_of(child) == 0
    os.waitpid(child, 0)


def test_descendants_are_found_and_killed():
    child = family()
    until(lambda: len(processes.descendants([child])) == 1)
    (grandchild,) = processes.descendants([child])
    assert {child, grandchild} <= set(processes.descendants([os.getpid()]))
    assert child not in processes.descendants([os.getpid()], spare=[child])
    assert grandchild in processes.descendants([os.getpid()], spare=[child])
    assert processes.kill_tree([os.getpid()])
    assert processes.descendants([os.getpid()]) == []


def test_the_spared_one_lives():
    server = family()
    until(lambda: len(processes.descendants([server])) == 1)
    assert processes.kill_tree([os.getpid()], spare=[server])
    os.kill(server, 0)
    assert os.waitpid(server, os.WNOHANG) == (0, 0)
    processes.kill_tree([os.getpid()])


def test_orphans_are_found():
    def parent():
        for _ in range(3):
            fork(lambda: time.sleep(600))

    os.waitpid(fork(parent), 0)
    assert len(processes.descendants([os.getpid()])) == 3
    assert processes.kill_tree([os.getpid()])
    assert processes.descendants([os.getpid()]) == []


def test_processes_that_fork_while_they_are_killed():
    def flee():
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        end = time.monotonic() + 2
        while time.monotonic() < end:
            if os.fork() == 0:
                os.setsid()
            else:
                os._exit(0)

    for _ in range(3):
        fork(flee)
    time.sleep(0.05)
    assert processes.kill_tree([os.getpid()], seconds=20)
    assert processes.descendants([os.getpid()]) == []


def test_a_stopped_process_is_killed():
    child = fork(lambda: time.sleep(600))
    os.kill(child, signal.SIGSTOP)
    assert processes.kill_tree([os.getpid()])


def test_tasks_are_counted_and_adopted_zombies_reaped():
    child = family()
    until(lambda: len(processes.descendants([child])) == 1)
    assert measure.count_tasks([child, *processes.descendants([child])]) == 2
    os.kill(child, signal.SIGKILL)
    until(lambda: measure.count_tasks([child]) == 0)
    with pytest.raises(ChildProcessError):
        os.waitpid(child, 0)
    processes.kill_tree([os.getpid()])


def test_a_process_descriptor_tells_its_number():
    child = fork(lambda: time.sleep(600))
    pidfd = os.pidfd_open(child)
    assert processes.pid_of(pidfd) == child
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    assert processes.pid_of(pidfd) == -1
    os.close(pidfd)
    with open(os.devnull) as file, pytest.raises(ValueError, match="pidfd"):
        processes.pid_of(file.fileno())


def hold(size, shared):
    def action():
        memory = mmap.mmap(-1, size) if shared else bytearray(size)
        for offset in range(0, size, 4096):
            memory[offset] = 1
        time.sleep(600)

    return fork(action)


@pytest.mark.parametrize("shared", [False, True])
def test_memory_is_measured(shared):
    size = 64 << 20
    child = hold(size, shared)
    base = measure.memory_of(os.getpid())
    for limit in (size // 2, size * 100):
        until(lambda limit=limit: measure.tree_memory([child], limit) > size)
        time.sleep(0.1)
        assert measure.tree_memory([child], limit, base) < size * 1.2
    processes.kill_tree([os.getpid()])


def test_tables_of_pages_are_memory():
    size = 1 << 30
    flags = mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS

    def read():
        memory = mmap.mmap(-1, size, flags=flags, prot=mmap.PROT_READ)
        for offset in range(0, size, 2 << 20):
            memory[offset]
        ready.touch()
        time.sleep(600)

    with tempfile.TemporaryDirectory() as folder:
        ready = Path(folder, "ready")
        child = fork(read)
        until(ready.exists)
    # A table of 4 KiB for each 2 MiB of addresses, and not one page of the process's own.
    assert measure.memory_of(child) - measure.memory_of(os.getpid()) > (size >> 21) * 4096 // 2
    assert measure.tree_memory([child], limit=1) > (size >> 21) * 4096 // 2
    processes.kill_tree([os.getpid()])


def test_pieces_of_an_address_space_are_counted():
    before = measure.count_mappings(os.getpid(), 1 << 20)
    with open("/proc/self/maps") as file:
        assert abs(before - len(file.readlines())) < 20
    kept = [mmap.mmap(-1, 4096) for _ in range(300)]
    assert 250 < measure.count_mappings(os.getpid(), 1 << 20) - before < 400
    del kept
    assert measure.count_mappings(os.getpid(), 1) > 0
    assert measure.count_mappings(1 << 22, 100) == 0


def test_locks_on_parts_of_files_are_counted(tmp_path):
    with open(tmp_path / "file", "w+b") as file:
        for number in range(100):
            fcntl.lockf(file, fcntl.LOCK_EX, 1, 2 * number)
        assert measure.count_locks([os.getpid()], 10_000) >= 100
        assert measure.count_locks([1 << 22], 10_000) == 0
        assert measure.count_locks([os.getpid()], 10) <= 10


SHARING = """
import os, time
memory = bytearray({size})
for offset in range(0, {size}, 4096):
    memory[offset] = 1
for _ in range(4):
    if os.fork() == 0:
        break
time.sleep(600)
"""


def test_memory_that_processes_share_counts_once():
    size = 64 << 20
    # An interpreter of its own, which shares nothing with the process of the tests.
    command = [sys.executable, "-I", "-S", "-c", SHARING.format(size=size)]
    with programs.Started(command) as child:
        until(lambda: len(processes.descendants([child.pid])) == 4)
        pids = [child.pid, *processes.descendants([child.pid])]
        assert measure.tree_memory(pids, limit=size * 100) > size * 4
        assert measure.tree_memory(pids, limit=size * 2) < size * 3
        processes.kill_tree([os.getpid()])
        # It may have been waited for already, as a child of this process.
        child.returncode = -signal.SIGKILL


def test_processor_time_is_measured():
    def burn():
        while True:
            pass

    child = fork(burn)
    until(lambda: measure.cpu_seconds([child]) > 0.05)
    processes.kill_tree([os.getpid()])


def test_what_is_gone_measures_nothing():
    gone = fork(lambda: None)
    os.waitpid(gone, 0)
    assert measure.tree_memory([gone], 0) == 0
    assert measure.cpu_seconds([gone]) == 0
    assert measure.count_tasks([gone]) == 0


@pytest.mark.parametrize("mapped", [False, True])
def test_files_without_a_name_are_measured(tmp_path, mapped):
    size = 8 << 20

    def hide():
        with open(tmp_path / "file", "w+b") as file:
            file.write(bytes(size))
            file.flush()
            memory = mmap.mmap(file.fileno(), size) if mapped else None
            os.unlink(tmp_path / "file")
            if memory is None:
                time.sleep(600)
        # mmap keeps a copy of the descriptor, which hostile code would close.
        os.closerange(3, 100)
        time.sleep(600)

    child = fork(hide)
    until(lambda: size <= folders.unlinked_bytes([child]) < 2 * size)
    assert folders.unlinked_bytes([os.getpid()]) < size
    processes.kill_tree([os.getpid()])
