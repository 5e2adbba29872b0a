"""The processes of a run as the monitor sees them in /proc: finding, signalling, killing.

A run cannot hide a process: the monitor is the subreaper of all that its fork server and the
workers start, so an orphan becomes its own child.

A process has ended when its last thread has. One whose first thread has ended while others go
on looks like a zombie in most files of ``/proc/<pid>``: it seems to hold no memory and no
descriptors. What it holds is found in the files of a thread that still lives.
"""

from __future__ import annotations

import contextlib
import errno
import os
import select
import signal
import time
from collections.abc import Collection, Iterable
from typing import NamedTuple

from azml_magic.sandbox import kernel

_ENDED = {"Z", "X"}
_BUSY = {"R", "D"}
_KILL_SECONDS = 10.0
_WAIT_MILLISECONDS = 5


class Process(NamedTuple):
    """What ``/proc/<pid>/stat`` says of a process."""

    pid: int
    parent: int
    group: int
    state: str
    threads: int
    started: int
    ticks: int
    waited: int

    @property
    def ended(self) -> bool:
        """Whether every thread has ended: its state alone is that of the first one."""
        return self.state in _ENDED and self.threads <= 1


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
        alive = [process for process in found if not process.ended]
        reaped = [process for process in found if reap(process)]
        clean = 0 if alive or reaped else clean + 1
        if alive and time.monotonic() > deadline:
            return False
        _kill(alive)
    return True


def is_busy(task: int) -> bool:
    """Return whether a process or thread is running, or waits where no signal reaches it."""
    found = read(task)
    return found is not None and found.state in _BUSY


def signal_within(pids: Collection[int], target: int, number: int) -> int:
    """Send a signal to one of some processes, or to those of them in one process group.

    Parameters
    ----------
    pids : collection of int
        The processes that may be reached.
    target : int
        A process number, or a negative process group.
    number : int
        The signal; 0 sends none.

    Returns
    -------
    int
        0, or an error number: EPERM for a target that is none of them, ESRCH for none at all.
    """
    chosen = [
        process
        for process in map(read, pids)
        if process is not None and target in (process.pid, -process.group)
    ]
    if target in {-1, 0}:
        return errno.EPERM
    if not chosen:
        return errno.EPERM if os.path.exists(f"/proc/{abs(target)}") else errno.ESRCH
    for process in chosen:
        try:
            pidfd = os.pidfd_open(process.pid)
        except OSError as error:
            return error.errno or errno.ESRCH
        try:
            now = read(process.pid)
            if now is not None and now.started == process.started:
                signal.pidfd_send_signal(pidfd, number)
        except OSError as error:
            return error.errno or errno.EPERM
        finally:
            os.close(pidfd)
    return 0


def _descendants(roots: Iterable[int]) -> list[Process]:
    children: dict[int, list[Process]] = {}
    for name in os.listdir("/proc"):
        if name.isdigit() and (process := read(int(name))) is not None:
            children.setdefault(process.parent, []).append(process)
    found: list[Process] = []
    waiting = list(roots)
    while waiting:
        born = children.pop(waiting.pop(), [])
        found += born
        waiting += [process.pid for process in born]
    return found


def read(pid: int) -> Process | None:
    """Return what /proc says of a process, or of a thread; None when it is gone."""
    try:
        with open(f"/proc/{pid}/stat", "rb", buffering=0) as file:
            text = file.read(1024)
    except OSError:
        return None
    # The name stands in parentheses and may hold anything, parentheses too.
    fields = text[text.rindex(b")") + 2 :].split()
    ticks = sum(map(int, fields[11:15]))
    waited = sum(map(int, fields[13:15]))
    parent, group, threads, started = (int(fields[place]) for place in (1, 2, 17, 19))
    return Process(pid, parent, group, fields[0].decode(), threads, started, ticks, waited)


def live_task(pid: int) -> int:
    """Return the thread of a process whose files in /proc show what the process holds.

    Parameters
    ----------
    pid : int
        The process.

    Returns
    -------
    int
        The process number itself as long as its first thread lives, else the number of another
        thread. Below ``/proc`` a thread has all files that a process has.
    """
    process = read(pid)
    if process is None or process.state not in _ENDED or process.ended:
        return pid
    with contextlib.suppress(OSError):
        for name in os.listdir(f"/proc/{pid}/task"):
            thread = read(int(name))
            if thread is not None and thread.state not in _ENDED:
                return thread.pid
    return pid


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
        now = read(process.pid)
        if now is not None and now.started == process.started:
            ending.register(pidfd, select.POLLIN)
            with contextlib.suppress(OSError):
                signal.pidfd_send_signal(pidfd, signal.SIGKILL)
    if opened:
        ending.poll(_WAIT_MILLISECONDS)
    for pidfd in opened:
        os.close(pidfd)


def reap(process: Process) -> bool:
    """Reap a zombie of this process; return whether it was one."""
    if not process.ended or process.parent != os.getpid():
        return False
    with contextlib.suppress(OSError):
        os.waitpid(process.pid, os.WNOHANG)
    return True
