"""What a run with ``-n NAME`` stores for an export: module, bundle, rules, columns."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from azml_magic.module.module import Module
from azml_magic.result import Result

if TYPE_CHECKING:
    from azml_magic.exporting.recorded import Recorded


@dataclass(frozen=True)
class NamedRun:
    """A module that has been run with a name.

    Attributes
    ----------
    module : Module
        The module.
    options : mapping of str to Any
        Bundle, profile, dates and text, as for ``azml_magic.export``.
    recorded : Recorded or None
        The columns of its ports; ``None`` if it has not run.
    """

    module: Module
    options: Mapping[str, Any]
    recorded: Recorded | None = None


def named_run(
    module: Module, options: Mapping[str, Any], frames: Mapping[str, Any], result: Result
) -> NamedRun:
    """Return what to remember of a successful run."""
    from azml_magic.exporting.recorded import record

    return NamedRun(module, options, record(frames, result))
