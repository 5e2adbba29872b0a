"""What a run may read, write and use up: plain values that travel as JSON."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass

from azml_magic.sandbox.paths import readable_paths

__all__ = ["Limits", "Policy", "readable_paths"]


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
        Processor time of each process; None for no limit.
    tasks : int
        Processes and threads at a time. The monitor's to enforce.
    open_files : int
        Open descriptors of each process.
    file_bytes : int
        Size of one file.
    disk_bytes : int
        Size of the run folder. The monitor's to enforce.
    """

    memory: int
    seconds: float | None
    cpu_seconds: int | None = None
    tasks: int = 128
    open_files: int = 512
    file_bytes: int = 2 << 30
    disk_bytes: int = 2 << 30


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
    """

    readable: tuple[str, ...]
    writable: tuple[str, ...]
    network: bool
    limits: Limits

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
        )
