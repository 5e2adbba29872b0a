"""What a run has used up so far, compared with its limits."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from pathlib import Path

from azml_magic.sandbox import folders, measure
from azml_magic.sandbox.policy import Limits

DISK_SECONDS = 0.2
# A look that took long is followed by a pause, so that looking stays a small part of the time.
PAUSE_FACTOR = 10

Passed = tuple[str, float]


class Usage:
    """Measures one run.

    Parameters
    ----------
    folder : Path
        Its run folder.
    limits : Limits
        What it may use up.
    baseline : int
        Bytes of memory that each of its processes shares with the fork server at first.
    reapers : callable
        Returns the processes that wait for orphans of the run.

    Attributes
    ----------
    memory_peak : int
        The most that was seen, in bytes.
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
        self._due = {"memory": 0.0, "disk": self._started + DISK_SECONDS}
        self._free = _free_bytes(folder)
        self._waited = self._waited_seconds()

    def passed(self, pids: list[int]) -> Passed | None:
        """Return which limit some processes have passed, and the figure that was reached."""
        seconds = time.monotonic() - self._started
        if self.limits.seconds is not None and seconds > self.limits.seconds:
            return "time", seconds
        return (
            self._now_and_then("memory", 0, lambda: self._memory(pids))
            or self._cpu(pids)
            or self._now_and_then("disk", DISK_SECONDS, lambda: self._disk(pids))
        )

    def _now_and_then(
        self, what: str, interval: float, look: Callable[[], Passed | None]
    ) -> Passed | None:
        begun = time.monotonic()
        if begun < self._due[what]:
            return None
        found = look()
        now = time.monotonic()
        self._due[what] = now + max(interval, PAUSE_FACTOR * (now - begun))
        return found

    def _memory(self, pids: list[int]) -> Passed | None:
        used = measure.tree_memory(pids, self.limits.memory, self._baseline)
        self.memory_peak = max(self.memory_peak, used)
        return ("memory", used) if used > self.limits.memory else None

    def _cpu(self, pids: list[int]) -> Passed | None:
        if self.limits.cpu_seconds is None:
            return None
        # Orphans that ended were waited for by others than their parents.
        used = measure.cpu_seconds(pids) + self._waited_seconds() - self._waited
        return ("cpu", used) if used > self.limits.cpu_seconds else None

    def _disk(self, pids: list[int]) -> Passed | None:
        limit = self.limits.disk_bytes
        used = folders.folder_bytes(str(self._folder), stop_above=limit)
        used += folders.unlinked_bytes(pids)
        if used > limit:
            return "disk", used
        # A file that only a message under way holds is found nowhere, but the space is gone.
        gone = self._free - _free_bytes(self._folder)
        return ("disk", gone) if gone > limit and measure.written(pids) > limit else None

    def _waited_seconds(self) -> float:
        return measure.waited_seconds(self._reapers())


def _free_bytes(folder: Path) -> int:
    found = os.statvfs(folder)
    return found.f_bavail * found.f_frsize
