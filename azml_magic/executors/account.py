"""What came back of a run, before anybody says what it comes to."""

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
    """What a worker gave back, and how it ended.

    Attributes
    ----------
    report : Report or None
        What it says of the module.
    frames : list of DataFrame or None
        The two output ports.
    refusal : str
        What was wrong with what came; empty when nothing was.
    too_large : bool
        Whether that was its size alone.
    begun : bool
        Whether a line of the module may have run: the worker says so just before.
    obstacle : Obstacle or None
        Why none could, as far as the worker could say.
    ended : RunEnded, Broken or None
        How it ended, by the monitor's account; None while it goes on.
    interrupted : bool
        Whether the person ended it.
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
        """Note why what came is not taken."""
        self.refusal = str(error) or "it needs more memory than there is"
        self.too_large = isinstance(error, FrameTooLarge)

    @property
    def is_worth_another_attempt(self) -> bool:
        """Whether nothing of the module has run, for a reason that may be gone."""
        stopped = isinstance(self.ended, RunEnded) and self.ended.reason
        obstacle = self.obstacle is not None and self.obstacle.kind.endswith("MemoryError")
        return not (self.begun or self.interrupted or self.refusal or obstacle or stopped)


@dataclass(frozen=True)
class Account:
    """All that is known of a run that is over.

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
        Those that held; None where none did.
    trace : traceback or None
        Where a module failed that ran in this process.
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
