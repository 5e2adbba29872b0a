"""What a run may use up, and what it may reach."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Optional


@dataclass(frozen=True)
class Limits:
    """What a run may use up.

    Attributes
    ----------
    memory : int
        Bytes, above what the fork server holds.
    timeout : float or None
        Wall clock, in seconds; None for no limit. The monitor's to enforce.
    cpu_seconds : int or None
        Processor time of all processes together; None for no limit. Each process is ended
        by the kernel at it, and their sum is the monitor's to enforce.
    tasks : int
        Processes and threads at a time. The monitor's to enforce.
    open_files : int
        Open descriptors of each process.
    file_bytes : int
        Size of one file.
    disk : int
        Size of the run folder, in bytes. The monitor's to enforce.
    files : int
        Files, folders and links in the run folder. The monitor's to enforce.
    """

    memory: int
    timeout: Optional[float]
    cpu_seconds: Optional[int] = None
    tasks: int = 128
    open_files: int = 512
    file_bytes: int = 2 << 30
    disk: int = 2 << 30
    files: int = 100_000


@dataclass(frozen=True)
class Access:
    """What a monitor's runs are given and may reach, for as long as it lives.

    Attributes
    ----------
    confinement : str
        ``"strongest"``, or the weaker ``"files-open"`` that a person asked for.
    network : bool
        Whether runs may use the network.
    python : str
        Path of the interpreter that runs modules; empty for the notebook's own.
    """

    confinement: str = "strongest"
    network: bool = False
    python: str = ""
