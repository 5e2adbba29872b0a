"""The resource limits of a run, and its access rights."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Optional


@dataclass(frozen=True)
class Limits:
    """The resource limits of a run.

    Attributes
    ----------
    memory : int
        Bytes beyond those of the fork server.
    timeout : float or None
        Wall-clock seconds; None for no limit. Enforced by the monitor.
    cpu_seconds : int or None
        Total processor time of all processes, in seconds; None for no limit. Enforced by the
        kernel for each process, and by the monitor for the sum.
    tasks : int
        Simultaneous processes and threads. Enforced by the monitor.
    open_files : int
        Open descriptors of each process.
    file_bytes : int
        Size of one file, in bytes.
    disk : int
        Size of the run folder, in bytes. Enforced by the monitor.
    files : int
        Number of files, folders and links in the run folder. Enforced by the monitor.
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
    """The interpreter and the access rights of all runs of a monitor.

    Attributes
    ----------
    confinement : str
        ``"strongest"``, or the weaker ``"files-open"`` if the user requested it.
    network : bool
        Whether runs may use the network.
    python : str
        Path of the interpreter that runs modules; empty for the notebook's own.
    """

    confinement: str = "strongest"
    network: bool = False
    python: str = ""
