"""What came back from a run, before it is turned into a result or an error."""

from __future__ import annotations

from dataclasses import dataclass, field
from types import TracebackType

import pandas as pd

from azml_magic.executors.images import NO_IMAGES, Images
from azml_magic.executors.worker_report import Obstacle, Report
from azml_magic.protocol.limits import Limits
from azml_magic.protocol.messages import Broken, RunEnded
from azml_magic.result import Finding
from azml_magic.sentences import OUTPUTS
from azml_magic.wire import FrameTooLarge


@dataclass
class Received:
    """What a worker sent back, and how it ended.

    Attributes
    ----------
    report : Report or None
        What it reported about the module.
    frames : list of DataFrame or None
        The two output ports.
    refusal : str
        What was wrong with the data received; empty if nothing was.
    too_large : bool
        Whether only their size was wrong.
    begun : bool
        Whether a line of the module may have run: the worker announces it just before.
    obstacle : Obstacle or None
        Why none could run, if the worker was able to report it.
    ended : RunEnded, Broken or None
        How it ended, as reported by the monitor; None while it is running.
    interrupted : bool
        Whether the user ended it.
    """

    report: Report | None = None
    frames: list[pd.DataFrame | None] = field(default_factory=lambda: [None] * len(OUTPUTS))
    refusal: str = ""
    too_large: bool = False
    begun: bool = False
    obstacle: Obstacle | None = None
    ended: RunEnded | Broken | None = None
    interrupted: bool = False

    def refuse(self, error: Exception) -> None:
        """Record why the data received are rejected."""
        self.refusal = str(error) or "it needs more memory than is available"
        self.too_large = isinstance(error, FrameTooLarge)

    @property
    def is_worth_another_attempt(self) -> bool:
        """Whether nothing of the module has run, for a reason that may no longer apply."""
        stopped = isinstance(self.ended, RunEnded) and self.ended.reason
        obstacle = self.obstacle is not None and self.obstacle.kind.endswith("MemoryError")
        return not (self.begun or self.interrupted or self.refusal or obstacle or stopped)


@dataclass(frozen=True)
class Account:
    """Everything that is known about a run that is over.

    Attributes
    ----------
    received : Received
        What came back.
    stdout, stderr : str
        What was printed.
    images : Images
        Figures.
    findings : tuple of Finding
        What the rules changed in the inputs.
    seconds : float
        How long it took.
    confinement : str
        How it was confined.
    limits : Limits or None
        Those that applied; None if none did.
    trace : traceback or None
        Where the module failed, if it ran in this process.
    """

    received: Received
    stdout: str
    stderr: str
    images: Images = NO_IMAGES
    findings: tuple[Finding, ...] = ()
    seconds: float = 0.0
    confinement: str = ""
    limits: Limits | None = None
    trace: TracebackType | None = None
