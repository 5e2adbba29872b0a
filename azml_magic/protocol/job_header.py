"""The job that a worker receives, and the events with which it reports its start."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Dict, Optional, Tuple

from azml_magic.protocol.codec import learn
from azml_magic.protocol.options import DEFAULTS, Options

MODULE_FILE = "azureml_module.py"
"""The name of a module in its tracebacks."""
RUN_FOLDERS = ("work", "start", "uploads", "previews")
"""The subfolders of a run folder, described in docs/architecture.md."""
BEGUN: Dict[str, Any] = {"event": "begun"}
"""Sent just before a module's first line runs; earlier failures are not the module's."""
READY: Dict[str, Any] = {"event": "ready"}
"""Sent when a worker that answers many calls has loaded its module."""


@dataclass(frozen=True)
class JobHeader:
    """A module and how to run it; datasets and the bundle's files follow.

    Attributes
    ----------
    source : str
        The module's source.
    filename : str
        Its name in tracebacks.
    options : Options
        The options of the run, including the profile.
    datasets : tuple of str
        The connected ports, in the order in which their frames follow.
    bundle : tuple of str or None
        Names of the files of its script bundle, which follow; None without a bundle.
    calls : int
        How many calls the worker answers; 0 for a run that ends with the module.
    language : str
        The language of the source, by its name in ``LANGUAGES``.
    """

    source: str
    filename: str
    options: Options = DEFAULTS
    datasets: Tuple[str, ...] = ()
    bundle: Optional[Tuple[str, ...]] = None
    calls: int = 0
    language: str = "python"


@dataclass(frozen=True)
class Call:
    """A call of a loaded module; the frames of these ports follow."""

    datasets: Tuple[str, ...]


learn(JobHeader, Call)
