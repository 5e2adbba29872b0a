"""What goes to a worker, and what comes back before it is judged."""

from __future__ import annotations

from dataclasses import dataclass, field

import pandas as pd

from azml_magic.protocol.job import JobHeader
from azml_magic.protocol.messages import Broken, RunEnded
from azml_magic.runner.outcome import Obstacle, Report
from azml_magic.wire import EncodedFrame, FrameTooLarge


@dataclass(frozen=True)
class Job:
    """All that a worker needs for a run.

    Attributes
    ----------
    header : JobHeader
        Source and options; travels as one event.
    datasets : dict of str to EncodedFrame
        The prepared frames of the connected ports.
    files : tuple of (str, bytes)
        The script bundle.
    """

    header: JobHeader
    datasets: dict[str, EncodedFrame]
    files: tuple[tuple[str, bytes], ...] = ()


@dataclass
class Received:
    """What came back, before it is judged.

    Attributes
    ----------
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
    """

    report: Report | None = None
    frames: list[pd.DataFrame | None] = field(default_factory=lambda: [None, None])
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
