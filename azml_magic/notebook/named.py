"""What a run under ``-n NAME`` leaves for an export: module, bundle, rules, columns."""

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
    """A module that has run under a name.

    Attributes
    ----------
    module : Module
        The module.
    options : mapping of str to Any
        Bundle, profile, dates and text, as ``azml_magic.export`` takes them.
    recorded : Recorded or None
        The columns of its ports; ``None`` when it has not run.
    """

    module: Module
    options: Mapping[str, Any]
    recorded: Recorded | None = None


def named_run(
    module: Module, options: Mapping[str, Any], frames: Mapping[str, Any], result: Result
) -> NamedRun:
    """Return what is to be remembered of a run that succeeded."""
    from azml_magic.exporting.recorded import record

    return NamedRun(module, options, record(frames, result))
