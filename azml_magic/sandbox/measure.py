"""What the processes of a run hold and have used, as the monitor sees them in /proc."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Collection, Iterable

from azml_magic.sandbox.processes import live_task, read, reap

_TICKS = os.sysconf("SC_CLK_TCK")
_READ_BYTES = 1 << 18


def count_tasks(pids: Iterable[int]) -> int:
    """Count the threads of some processes; a zombie of this process is reaped instead."""
    return sum(map(_thread_count, pids))


def count_sockets(pids: Iterable[int]) -> int:
    """Count the sockets that some processes hold; one that several hold counts once."""
    return _count_open(pids, "socket:")


def count_pipes(pids: Iterable[int]) -> int:
    """Count the pipes that some processes hold; one that several hold counts once."""
    return _count_open(pids, "pipe:")


def count_watches(pids: Iterable[int]) -> int:
    """Count what the epoll instances of some processes watch; one held twice counts twice."""
    total = 0
    for task in map(live_task, pids):
        with contextlib.suppress(OSError):
            for name in os.listdir(f"/proc/{task}/fd"):
                with contextlib.suppress(OSError):
                    if os.readlink(f"/proc/{task}/fd/{name}") == "anon_inode:[eventpoll]":
                        with open(f"/proc/{task}/fdinfo/{name}", "rb") as file:
                            total += file.read().count(b"tfd:")
    return total


def tree_memory(pids: Collection[int], limit: int, baseline: int = 0) -> int:
    """Return how much memory some processes hold together.

    Pages that processes share are counted once. As that is expensive to find out, it is done only
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
    """Return the bytes of anonymous and shared memory that one process holds.

    What was swapped out is part of it, and so are the tables by which the processor finds pages:
    a process can have many of these and hardly a page.
    """
    names = (b"RssAnon:", b"RssShmem:", b"VmSwap:", b"VmPTE:")
    return _sum_of_lines(f"/proc/{live_task(pid)}/status", names)


def count_mappings(pid: int, most: int) -> int:
    """Count the pieces that the address space of a process is in, up to about a number."""
    count = 0
    with contextlib.suppress(OSError):
        with open(f"/proc/{live_task(pid)}/maps", "rb", buffering=0) as file:
            while count < most and (text := file.read(_READ_BYTES)):
                count += text.count(b"\n")
    return count


def count_locks(pids: Collection[int], most: int) -> int:
    """Count the locks that some processes hold among the first of all on this machine.

    Parameters
    ----------
    pids : collection of int
        The processes.
    most : int
        How many locks are looked at: the kernel goes through them anew for each few that it
        lists, and holds all others up meanwhile.
    """
    owners = {str(pid).encode() for pid in pids}
    count = seen = 0
    with contextlib.suppress(OSError):
        with open("/proc/locks", "rb") as file:
            # 1: POSIX  ADVISORY  WRITE 1234 fe:00:5678 0 EOF; of one that waits, "->" follows 1:
            for line in file:
                fields = line.split()
                seen += 1
                count += len(fields) > 5 and not owners.isdisjoint(fields[4:6])
                if seen >= most:
                    break
    return count


def cpu_seconds(pids: Iterable[int]) -> float:
    """Return the processor time that some processes have used, their dead children included."""
    found = (read(pid) for pid in pids)
    return sum(process.ticks for process in found if process is not None) / _TICKS


def waited_seconds(pids: Iterable[int]) -> float:
    """Return the processor time of the dead children of some processes."""
    found = (read(pid) for pid in pids)
    return sum(process.waited for process in found if process is not None) / _TICKS


def written(pids: Iterable[int]) -> int:
    """Return the bytes that some processes have written, to whatever it was."""
    return sum(
        max(_sum_of_lines(f"/proc/{pid}/io", (name,), 1) for name in (b"wchar:", b"write_bytes:"))
        for pid in pids
    )


def _count_open(pids: Iterable[int], kind: str) -> int:
    found = set()
    for pid in pids:
        folder = f"/proc/{live_task(pid)}/fd"
        with contextlib.suppress(OSError):
            for name in os.listdir(folder):
                with contextlib.suppress(OSError):
                    found.add(os.readlink(f"{folder}/{name}"))
    return sum(name.startswith(kind) for name in found)


def _thread_count(pid: int) -> int:
    process = read(pid)
    if process is None or reap(process):
        return 0
    try:
        return len(os.listdir(f"/proc/{pid}/task"))
    except OSError:
        return 0


def _proportional_memory(pid: int) -> int:
    """Return the bytes of a process, each page divided by how many processes share it."""
    task = live_task(pid)
    path = f"/proc/{task}/smaps_rollup"
    pages = _sum_of_lines(path, (b"Pss_Anon:", b"Pss_Shmem:", b"SwapPss:"))
    if not pages:
        return memory_of(pid)
    return pages + _sum_of_lines(f"/proc/{task}/status", (b"VmPTE:",))


def _sum_of_lines(path: str, names: tuple[bytes, ...], unit: int = 1024) -> int:
    try:
        with open(path, "rb", buffering=0) as file:
            lines = file.read(1 << 16).splitlines()
    except OSError:
        return 0
    return unit * sum(int(line.split()[1]) for line in lines if line.startswith(names))
