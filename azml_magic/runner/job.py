"""What goes to a worker, and what comes back before it is judged."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import pandas as pd

from azml_magic.runner.outcome import FailureReport, SuccessReport
from azml_magic.worker.wire import EncodedFrame


@dataclass(frozen=True)
class Job:
    """All that a worker needs for a run.

    Attributes
    ----------
    header : dict
        Source, profile and options; travels as one event.
    datasets : dict of str to EncodedFrame
        The prepared frames of the connected ports.
    files : tuple of (str, bytes)
        The script bundle.
    """

    header: dict[str, Any]
    datasets: dict[str, EncodedFrame]
    files: tuple[tuple[str, bytes], ...] = ()


@dataclass
class Received:
    """What came back, before it is judged."""

    report: SuccessReport | FailureReport | None = None
    frames: list[pd.DataFrame | None] = field(default_factory=lambda: [None, None])
    refusal: str = ""
    ended: dict[str, Any] = field(default_factory=dict)
    interrupted: bool = False
