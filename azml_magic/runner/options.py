"""How a module is run, and what follows from it for its monitor; without importing pandas."""

from __future__ import annotations

import math
from dataclasses import dataclass

from azml_magic.monitor.client import STRONGEST, Kind

RESULT_FACTOR = 2
OPEN_FILES = 512
"""With it a run can have at most some 765 descriptors in flight, which the kernel counts for the
person: ordinary programs can pass theirs as long as these are no more than 1,024."""


@dataclass(frozen=True)
class RunOptions:
    """How a module is run.

    Attributes
    ----------
    seconds : float or None
        Wall clock limit; ``None`` for none.
    memory : int
        Limit of memory, in bytes, for all processes of the run together.
    dates : str
        ``"epoch"`` (rule 2.7) or ``"datetime"``: how classic hands dates over.
    text : str
        ``"object"`` (rule 2.17) or ``"native"``: how text columns are handed over.
    network : bool
        Whether the module may use the network.
    tasks : int
        Limit of processes and threads together.
    disk : int
        Limit of what the run folder may hold, in bytes.
    files : int
        Limit of how many files and folders it may hold.
    cpu_seconds : float or None
        Limit of the processor time of all its processes together; ``None`` for none.
    confinement : str
        ``"strongest"``, or ``"files-open"``: files are the person's own.
    """

    seconds: float | None = 600.0
    memory: int = 2 << 30
    dates: str = "epoch"
    text: str = "object"
    network: bool = False
    tasks: int = 128
    disk: int = 4 << 30
    files: int = 100_000
    cpu_seconds: float | None = None
    confinement: str = STRONGEST.confinement


def kind(options: RunOptions) -> Kind:
    """Return which kind of monitor a run needs."""
    return Kind(options.confinement, options.network)


def limits(options: RunOptions) -> dict[str, object]:
    """Return the limits of a run as the monitor takes them."""
    cpu = None if options.cpu_seconds is None else max(1, math.ceil(options.cpu_seconds))
    return {
        "memory": options.memory,
        "seconds": options.seconds,
        "cpu_seconds": cpu,
        "tasks": options.tasks,
        "open_files": OPEN_FILES,
        "file_bytes": options.disk,
        "disk_bytes": options.disk,
        "files": options.files,
    }


def max_bytes(options: RunOptions) -> int:
    """Return how large one frame that comes back may be."""
    return RESULT_FACTOR * options.memory
