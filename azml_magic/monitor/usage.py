"""The resources that a run has used so far, compared with its limits."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from pathlib import Path

from azml_magic.protocol.limits import Limits
from azml_magic.sandbox import folders, measure

DISK_SECONDS = 0.2
KERNEL_SECONDS = 0.2
# Expensive measurements are spaced out, but not so far that a limit is exceeded by much.
PAUSE_FACTOR = 10
LONGEST_PAUSE_SECONDS = 0.5
# Kernel memory: for mappings in address spaces, and for locks on parts of files.
MAPPING_BYTES = 256
USUAL_MAPPINGS = 4096
MOST_MAPPINGS = 70_000
MAPPINGS_SECONDS = 0.005
MOST_LOCKS = 10_000

Passed = tuple[str, float]


class Usage:
    """Measures the resources used by one run.

    Parameters
    ----------
    folder : Path
        Its run folder.
    limits : Limits
        Its limits.
    baseline : int
        Memory that each of its processes initially shares with the fork server, in bytes.
    reapers : callable
        Returns the processes that wait for orphans of the run.

    Attributes
    ----------
    memory_peak : int
        The most memory measured, in bytes.
    """

    def __init__(
        self, folder: Path, limits: Limits, baseline: int, reapers: Callable[[], list[int]]
    ) -> None:
        self.limits = limits
        self.memory_peak = 0
        self._folder = folder
        self._baseline = baseline
        self._reapers = reapers
        self._started = time.monotonic()
        self._due = dict.fromkeys(("memory", "disk", "kernel"), self._started)
        self._mappings: dict[int, int] = {}
        self._kernel_bytes = 0
        self._disk_part = self._started, 0.0
        self._disk_pause = LONGEST_PAUSE_SECONDS
        self._free = _free_bytes(folder)
        self._waited = self._waited_seconds()

    def passed(self, pids: list[int]) -> Passed | None:
        """Return which limit the processes have exceeded, and the value reached; None if none."""
        seconds = time.monotonic() - self._started
        if self.limits.timeout is not None and seconds > self.limits.timeout:
            return "time", seconds
        return (
            self._if_due("kernel", KERNEL_SECONDS, lambda: self._kernel(pids))
            or self._if_due("memory", 0, lambda: self._memory(pids))
            or self._cpu(pids)
            or self._if_due("disk", DISK_SECONDS, lambda: self._disk(pids))
        )

    def _if_due(
        self, what: str, interval: float, look: Callable[[], Passed | None]
    ) -> Passed | None:
        """Measure if it is due; the longer that takes, the later it is due again."""
        begun = time.monotonic()
        if begun < self._due[what]:
            return None
        found = look()
        now = time.monotonic()
        pause = max(interval, min(PAUSE_FACTOR * (now - begun), LONGEST_PAUSE_SECONDS))
        self._due[what] = now + (min(pause, self._disk_pause) if what == "disk" else pause)
        return found

    def _kernel(self, pids: list[int]) -> Passed | None:
        """Check what the kernel itself holds for the run, which no process's usage includes."""
        self._kernel_bytes = self._mapping_bytes(pids)
        locks = measure.count_locks(pids, 2 * MOST_LOCKS)
        return ("locks", MOST_LOCKS) if locks > MOST_LOCKS else None

    def _mapping_bytes(self, pids: list[int]) -> int:
        """Return the kernel memory of mappings beyond the usual number of them, in bytes.

        Counting is expensive, so only a few processes are counted each time, beginning with those
        not counted yet, and the others are assumed to be similar. All are counted only when the
        sum matters.
        """
        known = {pid: self._mappings[pid] for pid in pids if pid in self._mappings}
        ends = time.monotonic() + MAPPINGS_SECONDS
        for pid in [pid for pid in pids if pid not in known] + list(known):
            # Having been counted again, it moves to the end of the queue.
            known.pop(pid, None)
            known[pid] = _unusual_mappings(pid)
            if time.monotonic() > ends:
                break
        total = MAPPING_BYTES * sum(known.values()) * len(pids) // max(1, len(known))
        if total > self.limits.memory // 2 and len(known) < len(pids):
            known = {pid: _unusual_mappings(pid) for pid in pids}
            total = MAPPING_BYTES * sum(known.values())
        self._mappings = known
        return total

    def _memory(self, pids: list[int]) -> Passed | None:
        used = measure.tree_memory(pids, self.limits.memory, self._baseline) + self._kernel_bytes
        self.memory_peak = max(self.memory_peak, used)
        return ("memory", used) if used > self.limits.memory else None

    def _cpu(self, pids: list[int]) -> Passed | None:
        if self.limits.cpu_seconds is None:
            return None
        # Orphans that ended were reaped by processes other than their parents.
        used = measure.cpu_seconds(pids) + self._waited_seconds() - self._waited
        return ("cpu", used) if used > self.limits.cpu_seconds else None

    def _disk(self, pids: list[int]) -> Passed | None:
        limit = self.limits.disk
        begun = time.monotonic()
        used, files = folders.contents(str(self._folder), limit, self.limits.files)
        if files > self.limits.files:
            return "files", files
        used += folders.unlinked_bytes(pids)
        if used > limit:
            return "disk", used
        self._schedule_disk(begun, max(used / limit, files / self.limits.files))
        # A file held only by a message in transit cannot be found, but its space is missing.
        gone = self._free - _free_bytes(self._folder)
        return ("disk", gone) if gone > limit and measure.written(pids) > limit else None

    def _schedule_disk(self, now: float, part: float) -> None:
        """Make the disk due again before the rest of its limit can be used up."""
        last, before = self._disk_part
        self._disk_part = now, part
        growth = (part - before) / max(now - last, 1e-3)
        self._disk_pause = (1 - part) / growth / 2 if growth > 0 else LONGEST_PAUSE_SECONDS

    def _waited_seconds(self) -> float:
        return measure.waited_seconds(self._reapers())


def _unusual_mappings(pid: int) -> int:
    return max(0, measure.count_mappings(pid, MOST_MAPPINGS) - USUAL_MAPPINGS)


def _free_bytes(folder: Path) -> int:
    found = os.statvfs(folder)
    return found.f_bavail * found.f_frsize
