"""The kernel's limits on a process, set once and inherited by its children."""

from __future__ import annotations

import contextlib
import os
import resource

from azml_magic.protocol.limits import Limits

# Reserved but hardly touched: arenas of allocators and stacks of threads.
_RESERVED = 2 << 30
_QUEUED_SIGNALS = 1024


def set_limits(limits: Limits) -> None:
    """Lower the limits of this process.

    Memory is counted beyond what the process holds now. The monitor enforces what these limits
    cannot express: sums over processes, tasks, a whole folder. The limit of open files is set
    last, see :func:`confine.confine`.

    Parameters
    ----------
    limits : Limits
        The limits of the run.
    """
    total, data = _memory_now()
    lower(resource.RLIMIT_DATA, data + limits.memory)
    lower(resource.RLIMIT_AS, total + 2 * limits.memory + _RESERVED)
    lower(resource.RLIMIT_FSIZE, limits.file_bytes)
    if limits.cpu_seconds is not None:
        # The monitor checks the sum, and usually acts first.
        lower(resource.RLIMIT_CPU, limits.cpu_seconds + 1)
    # 1 rather than 0: with 0, the kernel would still start a handler that core dumps are piped to.
    lower(resource.RLIMIT_CORE, 1)
    lower(resource.RLIMIT_SIGPENDING, _QUEUED_SIGNALS)
    for which in (resource.RLIMIT_MEMLOCK, resource.RLIMIT_MSGQUEUE):
        lower(which, 0)
    for which in (resource.RLIMIT_NICE, resource.RLIMIT_RTPRIO):
        lower(which, 0)
    _offer_to_out_of_memory_killer()


def raise_open_files() -> None:
    """Raise the limit of open files of this process as far as possible."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    with contextlib.suppress(OSError, ValueError):
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


def lower(which: int, value: int) -> None:
    """Set the soft and the hard limit to `value`, unless they are already lower."""
    _, hard = resource.getrlimit(which)
    if hard != resource.RLIM_INFINITY:
        value = min(value, hard)
    resource.setrlimit(which, (value, value))


def _memory_now() -> tuple[int, int]:
    """Return the address space and the private writable memory of this process, in bytes."""
    with open("/proc/self/statm", "rb") as file:
        fields = file.read().split()
    page = resource.getpagesize()
    return int(fields[0]) * page, int(fields[5]) * page


def _offer_to_out_of_memory_killer() -> None:
    """Let the kernel kill this process rather than the notebook when memory runs out."""
    # Some containers mount /proc read-only; the monitor's own limit still applies there.
    with contextlib.suppress(OSError):
        descriptor = os.open("/proc/self/oom_score_adj", os.O_WRONLY | os.O_CLOEXEC)
        try:
            os.write(descriptor, b"1000")
        finally:
            os.close(descriptor)
