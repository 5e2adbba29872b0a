"""The options of a run, each defined once."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, Dict, Optional

from azml_magic.protocol.limits import Access, Limits
from azml_magic.protocol.settings import Settings, choice, count, seconds, size, switch

PROFILES = ("classic", "designer")
DATA = ("dates", "text")
"""The options that change what a module receives; a module zip stores them."""

# The kernel counts descriptors in flight per user. With a higher limit, a run could keep the
# user's other programs from passing descriptors: those can while at most 1,024 are in flight.
_OPEN_FILES = 512
_FRAME_FACTOR = 2


@dataclass(frozen=True)
class Options(Settings):
    """How a module is run.

    Attributes
    ----------
    profile : {"classic", "designer"}
        The rules to apply.
    timeout : float or None
        Time limit, in seconds; None for no limit.
    memory : int
        Memory limit for all processes of the run together, in bytes.
    dates : {"epoch", "datetime"}
        How classic passes dates (rule 2.7).
    text : {"object", "str"}
        How text columns are passed (rule 2.17).
    cpu_seconds : float or None
        CPU time limit for all processes of the run together, in seconds; None for no limit.
    tasks : int
        Maximum number of processes and threads at a time.
    disk : int
        Size limit of the run folder, in bytes.
    files : int
        Maximum number of files and folders in the run folder.
    strict : bool
        Whether findings of level warning or error raise an exception.
    allow_network : bool
        Whether the module may use the network.
    confinement : {"strongest", "files-open"}
        ``"files-open"`` leaves files open to the module.

    Raises
    ------
    OptionError
        When the value of an option is invalid.
    """

    profile: str = choice("classic", PROFILES, "rules to apply: classic or designer", letter="p")
    timeout: Optional[float] = seconds(600.0, "time limit in seconds; 0 for none", letter="t")
    memory: int = size(
        "2GB",
        "memory limit for all processes of the run together",
        least="32MB",
        advice="no run fits into that: give 32MB or more, for example 64MB",
        letter="m",
    )
    strict: bool = switch("fail on findings of level warning or error", letter="s")
    dates: str = choice(
        "epoch",
        ("epoch", "datetime"),
        "how classic passes dates: epoch (seconds since 1970) or datetime",
        metavar="FORM",
    )
    text: str = choice(
        "object",
        ("object", "str"),
        "how text is passed: object (Python objects, as in the cloud) or str (pandas' native type)",
        metavar="FORM",
    )
    cpu_seconds: Optional[float] = seconds(
        None, "CPU time limit for all processes of the run together, in seconds"
    )
    tasks: int = count(128, "maximum number of processes and threads at a time")
    disk: int = size("4GB", "size limit of the run folder", least="1MB")
    files: int = count(100_000, "maximum number of files and folders in the run folder")
    allow_network: bool = switch("allow the module to use the network", configurable=False)
    confinement: str = choice(
        "strongest",
        ("strongest", "files-open"),
        "strongest, or files-open for machines that cannot confine files; the result says so",
        metavar="HOW",
        configurable=False,
    )

    def limits(self) -> Limits:
        """Return the limits of the run."""
        cpu = None if self.cpu_seconds is None else max(1, math.ceil(self.cpu_seconds))
        return Limits(
            memory=self.memory,
            timeout=self.timeout,
            cpu_seconds=cpu,
            tasks=self.tasks,
            open_files=_OPEN_FILES,
            file_bytes=self.disk,
            disk=self.disk,
            files=self.files,
        )

    def access(self) -> Access:
        """Return what the run may reach."""
        return Access(self.confinement, self.allow_network)

    @property
    def frame_bytes(self) -> int:
        """Size limit of one frame as it is sent back, where text can take more than in memory."""
        return _FRAME_FACTOR * self.memory

    def data(self) -> Dict[str, Any]:
        """Return the options that change what a module receives."""
        return {name: getattr(self, name) for name in DATA}


DEFAULTS = Options()
