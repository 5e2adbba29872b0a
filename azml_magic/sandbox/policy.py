"""What a run may read, write and use up: plain values that travel as JSON."""

from __future__ import annotations

import enum
import json
from dataclasses import asdict, dataclass

from azml_magic.sandbox.paths import readable_paths

__all__ = ["Level", "Limits", "Policy", "readable_paths"]


class Level(enum.IntEnum):
    """By which means a run is confined; the system call filter and the monitor come with all.

    ``LANDLOCK`` alone, ``BOTH`` Landlock and namespaces (preferred), ``NAMESPACES`` alone,
    ``REFUSED``: nothing that would confine files. ``FILES_OPEN`` leaves files open to the run
    and is only ever taken when the person asks for it by name.
    """

    LANDLOCK = 1
    BOTH = 2
    NAMESPACES = 3
    REFUSED = 4
    FILES_OPEN = 5

    @property
    def landlock(self) -> bool:
        """Whether Landlock confines files."""
        return self in {Level.LANDLOCK, Level.BOTH}

    @property
    def namespaces(self) -> bool:
        """Whether the run lives in namespaces of its own."""
        return self in {Level.BOTH, Level.NAMESPACES}


@dataclass(frozen=True)
class Limits:
    """What a run may use up.

    Attributes
    ----------
    memory : int
        Bytes, above what the fork server holds.
    seconds : float or None
        Wall clock; None for no limit. The monitor's to enforce.
    cpu_seconds : int or None
        Processor time of all processes together; None for no limit. Each process is ended
        by the kernel at it, and their sum is the monitor's to enforce.
    tasks : int
        Processes and threads at a time. The monitor's to enforce.
    open_files : int
        Open descriptors of each process.
    file_bytes : int
        Size of one file.
    disk_bytes : int
        Size of the run folder. The monitor's to enforce.
    files : int
        Files, folders and links in the run folder. The monitor's to enforce.
    """

    memory: int
    seconds: float | None
    cpu_seconds: int | None = None
    tasks: int = 128
    open_files: int = 512
    file_bytes: int = 2 << 30
    disk_bytes: int = 2 << 30
    files: int = 100_000


@dataclass(frozen=True)
class Policy:
    """What one run may do.

    Attributes
    ----------
    readable : tuple of str
        Absolute paths of files and folders, with all below them, to read and to execute.
    writable : tuple of str
        Absolute paths of folders to read and to write; nothing in them can be executed.
    network : bool
        Whether TCP and UDP over IP may be used.
    limits : Limits
        What it may use up.
    level : Level
        By which means it is confined; a process that cannot be so must end.
    """

    readable: tuple[str, ...]
    writable: tuple[str, ...]
    network: bool
    limits: Limits
    level: Level = Level.LANDLOCK

    def to_json(self) -> str:
        """Return the policy as text, for :meth:`from_json`."""
        return json.dumps(asdict(self))

    @classmethod
    def from_json(cls, text: str) -> Policy:
        """Return the policy of a text that :meth:`to_json` made."""
        found = json.loads(text)
        return cls(
            readable=tuple(found["readable"]),
            writable=tuple(found["writable"]),
            network=found["network"],
            limits=Limits(**found["limits"]),
            level=Level(found["level"]),
        )
