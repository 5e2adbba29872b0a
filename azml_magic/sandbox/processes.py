"""The processes of a run as the monitor sees them in /proc: finding, measuring, killing.

A run cannot hide a process: the monitor is the subreaper of all that its fork server and the
workers start, so an orphan becomes its own child.
"""

from __future__ import annotations

import contextlib
import os
import select
import signal
import time
from collections.abc import Collection, Iterable
from typing import NamedTuple

from azml_magic.sandbox import kernel
from azml_magic.sandbox.folders import folder_bytes, remove_tree, unlinked_bytes

__all__ = [
    "Process",
    "become_subreaper",
    "count_tasks",
    "cpu_seconds",
    "descendants",
    "folder_bytes",
    "is_busy",
    "kill_tree",
    "memory_of",
    "pid_of",
    "remove_tree",
    "tree_memory",
    "unlinked_bytes",
    "waited_seconds",
    "written",
]

_ENDED = {"Z", "X"}
_BUSY = {"R", "D"}
_KILL_SECONDS = 10.0
_WAIT_MILLISECONDS = 5
_TICKS = os.sysconf("SC_CLK_TCK")


class Process(NamedTuple):
    """What ``/proc/<pid>/stat`` says of a process."""

    pid: int
    parent: int
    state: str
    started: int
    ticks: int
    waited: int


def become_subreaper() -> None:
    """Make this process the parent of every orphan among its descendants."""
    kernel.prctl(kernel.PR_SET_CHILD_SUBREAPER, 1)


def pid_of(pidfd: int) -> int:
    """Return the process number behind a pidfd, -1 when the process is gone.

    Raises
    ------
    ValueError
        When the descriptor is not a pidfd.
    """
    with open(f"/proc/self/fdinfo/{pidfd}", encoding="ascii") as file:
        for line in file:
            if line.startswith("Pid:"):
                return int(line.split()[1])
    raise ValueError(f"descriptor {pidfd} is not a pidfd")


def descendants(roots: Iterable[int], spare: Collection[int] = ()) -> list[int]:
    """Return the process numbers of all descendants of some processes.

    Parameters
    ----------
    roots : iterable of int
        Their ancestors, not returned themselves.
    spare : collection of int
        Not returned either, though their descendants are.

    Returns
    -------
    list of int
        Parents before children; zombies are among them.
    """
    return [process.pid for process in _descendants(roots) if process.pid not in spare]


def kill_tree(
    roots: Iterable[int], spare: Collection[int] = (), seconds: float = _KILL_SECONDS
) -> bool:
    """Kill all descendants, again and again, until none is left.

    Parameters
    ----------
    roots : iterable of int
        Their ancestors, which are not killed themselves.
    spare : collection of int
        Not killed either, though their descendants are.
    seconds : float
        How long to try; a process that waits for a device ends only after that.

    Returns
    -------
    bool
        Whether none is left.
    """
    roots = list(roots)
    deadline = time.monotonic() + seconds
    clean = 0
    # One look may miss a process whose parent ended just then, so two must find nothing.
    while clean < 2:
        found = [process for process in _descendants(roots) if process.pid not in spare]
        alive = [process for process in found if process.state not in _ENDED]
        reaped = [process for process in found if _reaped(process)]
        clean = 0 if alive or reaped else clean + 1
        if alive and time.monotonic() > deadline:
            return False
        _kill(alive)
    return True


def count_tasks(pids: Iterable[int]) -> int:
    """Count the threads of some processes; a zombie of this process is reaped instead."""
    return sum(map(_thread_count, pids))


def is_busy(task: int) -> bool:
    """Return whether a process or thread is running, or waits where no signal reaches it."""
    found = _read(task)
    return found is not None and found.state in _BUSY


def tree_memory(pids: Collection[int], limit: int, baseline: int = 0) -> int:
    """Return how much memory some processes hold together.

    Pages that processes share are counted once. As that is dear to find out, it is done only
    when the plain sum passes the limit.

    Parameters
    ----------
    pids : collection of int
        The processes.
    limit : int
        Bytes above which shared pages matter.
    baseline : int
        Bytes that the fork server holds and that its children share; they do not count.

    Returns
    -------
    int
        Bytes of anonymous and shared memory, above the baseline. It may be too low by the
        baseline, once, when some processes share nothing with the fork server.
    """
    held = [size for pid in pids if (size := memory_of(pid))]
    plain = max(0, sum(held) - baseline)
    if plain <= limit:
        return plain
    # Each of n processes and the fork server bears an equal part of what all of them share.
    shared = baseline * len(held) // (len(held) + 1)
    return min(plain, max(0, sum(map(_proportional_memory, pids)) - shared))


def memory_of(pid: int) -> int:
    """Return the bytes of anonymous and shared memory that one process holds."""
    return _sum_of_lines(f"/proc/{pid}/status", (b"RssAnon:", b"RssShmem:"))


def cpu_seconds(pids: Iterable[int]) -> float:
    """Return the processor time that some processes have used, their dead children included."""
    found = (_read(pid) for pid in pids)
    return sum(process.ticks for process in found if process is not None) / _TICKS


def waited_seconds(pids: Iterable[int]) -> float:
    """Return the processor time of the dead children of some processes."""
    found = (_read(pid) for pid in pids)
    return sum(process.waited for process in found if process is not None) / _TICKS


def written(pids: Iterable[int]) -> int:
    """Return the bytes that some processes have written, to whatever it was."""
    return sum(
        max(_sum_of_lines(f"/proc/{pid}/io", (name,), 1) for name in (b"wchar:", b"write_bytes:"))
        for pid in pids
    )


def _descendants(roots: Iterable[int]) -> list[Process]:
    children: dict[int, list[Process]] = {}
    for name in os.listdir("/proc"):
        if name.isdigit() and (process := _read(int(name))) is not None:
            children.setdefault(process.parent, []).append(process)
    found: list[Process] = []
    waiting = list(roots)
    while waiting:
        born = children.pop(waiting.pop(), [])
        found += born
        waiting += [process.pid for process in born]
    return found


def _read(pid: int) -> Process | None:
    try:
        with open(f"/proc/{pid}/stat", "rb", buffering=0) as file:
            text = file.read(1024)
    except OSError:
        return None
    # The name stands in parentheses and may hold anything, parentheses too.
    fields = text[text.rindex(b")") + 2 :].split()
    ticks = sum(map(int, fields[11:15]))
    waited = sum(map(int, fields[13:15]))
    return Process(pid, int(fields[1]), fields[0].decode(), int(fields[19]), ticks, waited)


def _kill(alive: list[Process]) -> None:
    """Kill these very processes, and wait a moment for their end."""
    ending = select.poll()
    opened = []
    for process in alive:
        try:
            pidfd = os.pidfd_open(process.pid)
        except OSError:
            continue
        opened.append(pidfd)
        # The number may have gone to another process since it was listed.
        now = _read(process.pid)
        if now is not None and now.started == process.started:
            ending.register(pidfd, select.POLLIN)
            with contextlib.suppress(OSError):
                signal.pidfd_send_signal(pidfd, signal.SIGKILL)
    if opened:
        ending.poll(_WAIT_MILLISECONDS)
    for pidfd in opened:
        os.close(pidfd)


def _reaped(process: Process) -> bool:
    """Reap a zombie of this process; return whether it was one."""
    if process.state not in _ENDED or process.parent != os.getpid():
        return False
    with contextlib.suppress(OSError):
        os.waitpid(process.pid, os.WNOHANG)
    return True


def _thread_count(pid: int) -> int:
    process = _read(pid)
    if process is None or _reaped(process):
        return 0
    try:
        return len(os.listdir(f"/proc/{pid}/task"))
    except OSError:
        return 0


def _proportional_memory(pid: int) -> int:
    """Return the bytes of a process, each page divided by how many processes share it."""
    path = f"/proc/{pid}/smaps_rollup"
    return _sum_of_lines(path, (b"Pss_Anon:", b"Pss_Shmem:")) or memory_of(pid)


def _sum_of_lines(path: str, names: tuple[bytes, ...], unit: int = 1024) -> int:
    try:
        with open(path, "rb", buffering=0) as file:
            lines = file.read(1 << 16).splitlines()
    except OSError:
        return 0
    return unit * sum(int(line.split()[1]) for line in lines if line.startswith(names))
