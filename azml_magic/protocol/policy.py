"""How a run is confined, as plain values."""

from __future__ import annotations

import enum
from dataclasses import dataclass
from typing import Tuple

from azml_magic.protocol.limits import Limits


class Level(enum.IntEnum):
    """The level of confinement; the system call filter and the monitor are part of all levels.

    ``LANDLOCK`` alone, ``BOTH`` Landlock and namespaces (preferred), ``NAMESPACES`` alone,
    ``REFUSED``: nothing can confine files. ``FILES_OPEN`` leaves files open to the run, and is only
    used when the user requests it explicitly.
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
        """Whether the run is in separate namespaces."""
        return self in {Level.BOTH, Level.NAMESPACES}


@dataclass(frozen=True)
class Policy:
    """The permissions of a run.

    Attributes
    ----------
    readable : tuple of str
        Absolute paths of files and folders to read and execute, with everything below them.
    writable : tuple of str
        Absolute paths of folders to read and write; nothing in them can be executed.
    network : bool
        Whether TCP and UDP over IP may be used.
    limits : Limits
        Its resource limits.
    level : Level
        How it is confined; a process that cannot be confined this way must end.
    """

    readable: Tuple[str, ...]
    writable: Tuple[str, ...]
    network: bool
    limits: Limits
    level: Level = Level.LANDLOCK
