"""Resource usage of the processes of a run, as the monitor sees it in /proc."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Collection, Iterable

from azml_magic.sandbox.processes import live_task, read, reap

_TICKS = os.sysconf("SC_CLK_TCK")
_READ_BYTES = 1 << 18


def count_tasks(pids: Iterable[int]) -> int:
    """Count the threads of some processes; zombie children of this process are reaped instead."""
    return sum(map(_thread_count, pids))


def count_sockets(pids: Iterable[int]) -> int:
    """Count the sockets that some processes hold open; a shared one counts once."""
    return _count_open(pids, "socket:")


def count_pipes(pids: Iterable[int]) -> int:
    """Count the pipes that some processes hold open; a shared one counts once."""
    return _count_open(pids, "pipe:")


def count_watches(pids: Iterable[int]) -> int:
    """Count the epoll watches of some processes; those of an instance held twice count twice."""
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
    """Return the total memory of some processes.

    Shared pages are counted once. As that is expensive, it is only done when the plain sum exceeds
    the limit.

    Parameters
    ----------
    pids : collection of int
        The processes.
    limit : int
        Bytes above which shared pages are taken into account.
    baseline : int
        Bytes of the fork server that its children share; not counted.

    Returns
    -------
    int
        Bytes of anonymous and shared memory above the baseline. The result may be too low by one
        baseline if some processes share nothing with the fork server.
    """
    held = [size for pid in pids if (size := memory_of(pid))]
    plain = max(0, sum(held) - baseline)
    if plain <= limit:
        return plain
    # Shared pages are divided equally among the n processes and the fork server.
    shared = baseline * len(held) // (len(held) + 1)
    return min(plain, max(0, sum(map(_proportional_memory, pids)) - shared))


def memory_of(pid: int) -> int:
    """Return the bytes of anonymous and shared memory of one process.

    That includes swapped-out memory and page tables: a process can have large page tables with
    hardly any pages.
    """
    names = (b"RssAnon:", b"RssShmem:", b"VmSwap:", b"VmPTE:")
    return _sum_of_lines(f"/proc/{live_task(pid)}/status", names)


def count_mappings(pid: int, most: int) -> int:
    """Count the memory mappings of a process, up to about `most`."""
    count = 0
    with contextlib.suppress(OSError):
        with open(f"/proc/{live_task(pid)}/maps", "rb", buffering=0) as file:
            while count < most and (text := file.read(_READ_BYTES)):
                count += text.count(b"\n")
    return count


def count_locks(pids: Collection[int], most: int) -> int:
    """Count the file locks of some processes among the first locks on this machine.

    Parameters
    ----------
    pids : collection of int
        The processes.
    most : int
        How many locks are examined: the kernel iterates over them again for every few that it
        lists, and blocks all others meanwhile.
    """
    owners = {str(pid).encode() for pid in pids}
    count = seen = 0
    with contextlib.suppress(OSError):
        with open("/proc/locks", "rb") as file:
            # 1: POSIX  ADVISORY  WRITE 1234 fe:00:5678 0 EOF; a waiting one has "->" after 1:
            for line in file:
                fields = line.split()
                seen += 1
                count += len(fields) > 5 and not owners.isdisjoint(fields[4:6])
                if seen >= most:
                    break
    return count


def cpu_seconds(pids: Iterable[int]) -> float:
    """Return the processor time of some processes, including their dead children, in seconds."""
    found = (read(pid) for pid in pids)
    return sum(process.ticks for process in found if process is not None) / _TICKS


def waited_seconds(pids: Iterable[int]) -> float:
    """Return the processor time of the dead children of some processes, in seconds."""
    found = (read(pid) for pid in pids)
    return sum(process.waited for process in found if process is not None) / _TICKS


def written(pids: Iterable[int]) -> int:
    """Return the bytes that some processes have written, to any kind of file."""
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
    """Return the bytes of a process, each page divided by the number of processes sharing it."""
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
