"""What a worker is told to do, and when it says that it begins."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Dict, Optional, Tuple

from azml_magic.protocol.codec import learn
from azml_magic.protocol.options import DEFAULTS, Options

MODULE_FILE = "azureml_module.py"
"""The name of a module in its tracebacks."""
RUN_FOLDERS = ("work", "start", "uploads", "previews")
"""The parts of a run folder: docs/architecture.md says what each is for."""
BEGUN: Dict[str, Any] = {"event": "begun"}
"""Said just before the first line of a module runs: what fails earlier is not the module's."""
READY: Dict[str, Any] = {"event": "ready"}
"""Said when a worker that answers many calls has loaded its module."""


@dataclass(frozen=True)
class JobHeader:
    """A module and how it is run; datasets and the bundle's files follow.

    Attributes
    ----------
    source : str
        The module's text.
    filename : str
        Its name in tracebacks.
    options : Options
        How it is run, with the profile in force.
    datasets : tuple of str
        The connected ports, in the order in which their frames follow.
    bundle : tuple of str or None
        Names of the files of its script bundle, which follow; None without one.
    calls : int
        How many calls the worker answers; 0 for a run that ends with the module.
    """

    source: str
    filename: str
    options: Options = DEFAULTS
    datasets: Tuple[str, ...] = ()
    bundle: Optional[Tuple[str, ...]] = None
    calls: int = 0


@dataclass(frozen=True)
class Call:
    """One call of a module that is loaded; the frames of these ports follow."""

    datasets: Tuple[str, ...]


learn(JobHeader, Call)
