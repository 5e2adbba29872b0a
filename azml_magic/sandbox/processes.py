"""The processes of a run as the monitor sees them in /proc: finding, signalling, killing.

A run cannot hide a process: the monitor is the subreaper of all processes that its fork server and
the workers start, so orphans become its children.

A process has ended when its last thread has ended. One whose first thread has ended while others
are running looks like a zombie in most files of ``/proc/<pid>``: it seems to hold no memory and no
descriptors. These are visible in the files of a thread that is still alive.
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
    """The contents of ``/proc/<pid>/stat``."""

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
        """Whether all threads have ended; the state is only that of the first thread."""
        return self.state in _ENDED and self.threads <= 1


def become_subreaper() -> None:
    """Make this process the parent of every orphan among its descendants."""
    kernel.prctl(kernel.PR_SET_CHILD_SUBREAPER, 1)


def pid_of(pidfd: int) -> int:
    """Return the process id of a pidfd; -1 if the process has ended.

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
    """Return the process ids of all descendants of some processes.

    Parameters
    ----------
    roots : iterable of int
        The ancestors, which are not returned.
    spare : collection of int
        Processes that are not returned either, though their descendants are.

    Returns
    -------
    list of int
        Parents before children, including zombies.
    """
    return [process.pid for process in _descendants(roots) if process.pid not in spare]


def kill_tree(
    roots: Iterable[int], spare: Collection[int] = (), seconds: float = _KILL_SECONDS
) -> bool:
    """Kill all descendants of some processes repeatedly, until none is left.

    Parameters
    ----------
    roots : iterable of int
        The ancestors, which are not killed.
    spare : collection of int
        Processes that are not killed either, though their descendants are.
    seconds : float
        How long to try; a process that is waiting for a device ends only after that.

    Returns
    -------
    bool
        Whether none is left.
    """
    roots = list(roots)
    deadline = time.monotonic() + seconds
    clean = 0
    # A single pass may miss a process whose parent has just ended, so two must find nothing.
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
    """Return whether a process or thread is running, or in an uninterruptible wait."""
    found = read(task)
    return found is not None and found.state in _BUSY


def signal_within(pids: Collection[int], target: int, number: int) -> int:
    """Send a signal to one of some processes, or to those of them in a process group.

    Parameters
    ----------
    pids : collection of int
        The processes that may be signalled.
    target : int
        A process id, or a negative process group id.
    number : int
        The signal; 0 sends none.

    Returns
    -------
    int
        0, or an error number: EPERM for a target outside `pids`, ESRCH if it does not exist.
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
    """Read the state of a process or thread from /proc; return ``None`` if it has ended."""
    try:
        with open(f"/proc/{pid}/stat", "rb", buffering=0) as file:
            text = file.read(1024)
    except OSError:
        return None
    # The name is in parentheses and may contain anything, including parentheses.
    fields = text[text.rindex(b")") + 2 :].split()
    ticks = sum(map(int, fields[11:15]))
    waited = sum(map(int, fields[13:15]))
    parent, group, threads, started = (int(fields[place]) for place in (1, 2, 17, 19))
    return Process(pid, parent, group, fields[0].decode(), threads, started, ticks, waited)


def live_task(pid: int) -> int:
    """Return a thread of a process whose files in /proc show the resources of the process.

    Parameters
    ----------
    pid : int
        The process.

    Returns
    -------
    int
        The process id itself while its first thread is alive, else the id of another thread. A
        thread has the same files below ``/proc`` as a process.
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
    """Kill exactly these processes, and wait briefly for their end."""
    ending = select.poll()
    opened = []
    for process in alive:
        try:
            pidfd = os.pidfd_open(process.pid)
        except OSError:
            continue
        opened.append(pidfd)
        # The process id may have been reused since it was listed.
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
    """Reap a child if it is a zombie; return whether it was one."""
    if not process.ended or process.parent != os.getpid():
        return False
    with contextlib.suppress(OSError):
        os.waitpid(process.pid, os.WNOHANG)
    return True
