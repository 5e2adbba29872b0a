"""The columns of a module's ports, recorded in a run for its export."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import pandas as pd

from azml_magic.exporting.schema import describe
from azml_magic.module.manifest import Schema
from azml_magic.result import Result


@dataclass(frozen=True)
class Recorded:
    """The ports of a run.

    Attributes
    ----------
    inputs, outputs : mapping of str to Schema
        The columns of each connected port.
    """

    inputs: Mapping[str, Schema] = field(default_factory=dict)
    outputs: Mapping[str, Schema] = field(default_factory=dict)


def record(datasets: Mapping[str, pd.DataFrame | None], result: Result) -> Recorded:
    """Record the columns of the inputs and outputs of a run."""
    outputs = {"output1": result.output1, "output2": result.output2}
    return Recorded(_described(datasets), _described(outputs))


def _described(frames: Mapping[str, pd.DataFrame | None]) -> dict[str, Schema]:
    return {port: describe(frame) for port, frame in frames.items() if frame is not None}
