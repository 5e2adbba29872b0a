"""What confines a run: plain values."""

from __future__ import annotations

import enum
from dataclasses import dataclass
from typing import Tuple

from azml_magic.protocol.limits import Limits


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

    readable: Tuple[str, ...]
    writable: Tuple[str, ...]
    network: bool
    limits: Limits
    level: Level = Level.LANDLOCK
