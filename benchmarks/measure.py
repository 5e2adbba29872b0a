"""Repeating, timing and summing up."""

from __future__ import annotations

import gc
import os
import random
import statistics
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Sample:
    """Repeated measurements of one thing."""

    values: tuple[float, ...]

    @property
    def median(self) -> float:
        return statistics.median(self.values)

    @property
    def least(self) -> float:
        return min(self.values)

    def quantile(self, share: float) -> float:
        ordered = sorted(self.values)
        return ordered[min(len(ordered) - 1, int(share * len(ordered)))]

    def text(self, digits: int = 1) -> str:
        """Median, and the range that half of the measurements lie in."""
        low, high = self.quantile(0.25), self.quantile(0.75)
        return f"{self.median:.{digits}f} [{low:.{digits}f}..{high:.{digits}f}]"


def rounds(
    things: Mapping[str, Callable[[], float]], most: int, seconds: float
) -> dict[str, Sample]:
    """Measure things in turns, in random order, so that a busy minute falls on all of them.

    Each is measured at least once and at most `most` times, until the time is over.
    """
    found: dict[str, list[float]] = {name: [] for name in things}
    end = time.monotonic() + seconds
    for _ in range(most):
        names = list(things)
        random.shuffle(names)
        for name in names:
            found[name].append(things[name]())
        if time.monotonic() > end:
            break
    return {name: Sample(tuple(values)) for name, values in found.items()}


def milliseconds(action: Callable[[], object]) -> float:
    started = time.perf_counter()
    action()
    return 1e3 * (time.perf_counter() - started)


def prime(size: int) -> None:
    """Touch and free memory: a virtual machine takes long to give back what lay free."""
    gc.collect()
    np.ones(size // 8, np.float64)


def copy_seconds(size: int) -> float:
    """Return how long one copy of so many bytes takes, from warm memory to warm memory."""
    source, target = np.ones(size // 8), np.empty(size // 8)
    np.copyto(target, source)
    best = float("inf")
    for _ in range(3):
        started = time.perf_counter()
        np.copyto(target, source)
        best = min(best, time.perf_counter() - started)
    return best


def machine() -> str:
    """Return the shape of this machine in one line."""
    import platform

    import pandas as pd
    import pyarrow as pa

    with open("/proc/cpuinfo") as file:
        models = [line.split(":", 1)[1].strip() for line in file if line.startswith("model name")]
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    load = os.getloadavg()[0]
    return (
        f"{len(os.sched_getaffinity(0))} cores ({models[0] if models else platform.machine()}), "
        f"{memory:.0f} GiB, Linux {platform.release().split('-')[0]}, "
        f"Python {platform.python_version()}, pandas {pd.__version__}, pyarrow {pa.__version__}, "
        f"load {load:.1f}"
    )
