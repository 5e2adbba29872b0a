"""The options of a run: the one list."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, Dict, Optional

from azml_magic.protocol.limits import Access, Limits
from azml_magic.protocol.settings import Settings, choice, count, seconds, size, switch

PROFILES = ("classic", "designer")
DATA = ("dates", "text")
"""The options that change what a module gets; a module zip keeps them."""

# With more, the descriptors that a run has in flight, which the kernel counts for the person,
# could keep ordinary programs from passing theirs: those can as long as it is 1,024 at most.
_OPEN_FILES = 512
_FRAME_FACTOR = 2


@dataclass(frozen=True)
class Options(Settings):
    """How a module is run.

    Attributes
    ----------
    profile : {"classic", "designer"}
        Whose rules apply.
    timeout : float or None
        Time limit, in seconds; None for none.
    memory : int
        Limit of memory of all processes of the run together, in bytes.
    dates : {"epoch", "datetime"}
        How classic hands dates over (rule 2.7).
    text : {"object", "str"}
        How text columns are handed over (rule 2.17).
    cpu_seconds : float or None
        Limit of the processor time of all processes of the run together; None for none.
    tasks : int
        Limit of processes and threads at a time.
    disk : int
        Limit of what the run folder may hold, in bytes.
    files : int
        Limit of how many files and folders it may hold.
    strict : bool
        Whether findings are errors.
    allow_network : bool
        Whether the module may use the network.
    confinement : {"strongest", "files-open"}
        ``"files-open"`` leaves files open to the module.

    Raises
    ------
    OptionError
        When an option does not take its value.
    """

    profile: str = choice("classic", PROFILES, "rules of the run: classic or designer", letter="p")
    timeout: Optional[float] = seconds(600.0, "time limit in seconds; 0 for none", letter="t")
    memory: int = size(
        "2GB",
        "memory limit of all processes of the run together",
        least="32MB",
        advice="nothing can run in that: give 32MB or more, for example 64MB",
        letter="m",
    )
    strict: bool = switch("findings of level warning or error raise", letter="s")
    dates: str = choice(
        "epoch",
        ("epoch", "datetime"),
        "how classic hands dates over: epoch (seconds since 1970) or datetime",
        metavar="FORM",
    )
    text: str = choice(
        "object",
        ("object", "str"),
        "how text is handed over: object (Python objects, as in the cloud) or str (pandas' own)",
        metavar="FORM",
    )
    cpu_seconds: Optional[float] = seconds(
        None, "limit of processor time of all its processes together, in seconds"
    )
    tasks: int = count(128, "limit of processes and threads at a time")
    disk: int = size("4GB", "limit of what the run folder may hold", least="1MB")
    files: int = count(100_000, "limit of files and folders in the run folder")
    allow_network: bool = switch("let the module use the network", configurable=False)
    confinement: str = choice(
        "strongest",
        ("strongest", "files-open"),
        "strongest, or files-open where nothing can confine files; the result says so",
        metavar="HOW",
        configurable=False,
    )

    def limits(self) -> Limits:
        """Return what the run may use up."""
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
        """How large one frame that comes back may be; text takes more on the way than it may."""
        return _FRAME_FACTOR * self.memory

    def data(self) -> Dict[str, Any]:
        """Return those that change what a module gets."""
        return {name: getattr(self, name) for name in DATA}


DEFAULTS = Options()
