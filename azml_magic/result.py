"""The result of a run: frozen values that are safe to keep, show and compare.

Nothing here runs, reads or renders anything; room ``display`` renders a :class:`Result` as HTML,
text and terminal output.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Optional, Tuple

if TYPE_CHECKING:
    import pandas as pd

LEVELS = ("note", "warning", "error")


@dataclass(frozen=True)
class Finding:
    """Something that differs in the cloud, or would fail there.

    Attributes
    ----------
    code : str
        Stable code such as ``"AZ201"``, grouped by hundreds: 1 source, 2 inputs, 3 outputs,
        4 figures, 5 the run.
    level : str
        ``"note"``, ``"warning"`` or ``"error"``.
    message : str
        The problem, in one line.
    fix : str
        The remedy, in one line; empty when there is none.
    rule : str
        Rule id in ``docs/contract.md``; empty when no single rule applies.
    line : int or None
        Line in the module's source, counted from 1.
    port : str
        ``"dataset1"``, ``"dataset2"``, ``"output1"``, ``"output2"``, or empty.
    """

    code: str
    level: str
    message: str
    fix: str = ""
    rule: str = ""
    line: Optional[int] = None
    port: str = ""


@dataclass(frozen=True)
class Figure:
    """A PNG image produced by a run.

    Attributes
    ----------
    name : str
        File name under which the module saved it, for example ``"scatter.png"``.
    png : bytes
        The content of the file, validated as PNG.
    width, height : int
        Size in pixels.
    """

    name: str
    png: bytes = field(repr=False)
    width: int
    height: int

    def save(self, path: Any) -> None:
        """Write the PNG to `path`."""
        with open(path, "wb") as file:
            file.write(self.png)

    def _repr_png_(self) -> bytes:
        """Return the image for display in a notebook."""
        return self.png


@dataclass(frozen=True)
class TracebackEntry:
    """A traceback frame in the user's own code.

    Attributes
    ----------
    place : str
        The location, as shown to the user: ``"Cell In[5]"``, ``"module.py"``,
        ``"Script Bundle/Hello.py"``.
    line : int
        The line there, counted from 1.
    function : str
        Name of the function, or ``"<module>"``.
    source : tuple of (int, str)
        The surrounding lines with their numbers; empty when not known.
    """

    place: str
    line: int
    function: str
    source: Tuple[Tuple[int, str], ...] = ()


@dataclass(frozen=True)
class Failure:
    """Why a run failed, as reported by the module's interpreter.

    Attributes
    ----------
    kind : str
        Class of the exception, for example ``"KeyError"``.
    message : str
        Its text.
    traceback : tuple of TracebackEntry
        The frames in the user's code, outermost first.
    cloud_text : str
        The text in the profile's log: the Error 0085 block.
    """

    kind: str
    message: str
    traceback: Tuple[TracebackEntry, ...] = ()
    cloud_text: str = ""

    @property
    def title(self) -> str:
        """The exception as Python formats it; a bar marks each further line as the module's."""
        text = f"{self.kind}: {self.message}" if self.message else self.kind
        return re.sub("\r\n?|\n", "\n  | ", text)


@dataclass(frozen=True)
class Result:
    """The result of a run.

    Attributes
    ----------
    output1, output2 : pandas.DataFrame or None
        The frames of the two output ports; ``None`` if the module returned none.
    figures : tuple of Figure
        The images that the cloud would show, in the same order.
    previews : tuple of Figure
        Small images of figures that were left open, which the cloud would not show.
    stdout, stderr : str
        What the module printed.
    log : str
        The log in the profile's format.
    findings : tuple of Finding
        What differs, or would differ in the cloud.
    failure : Failure or None
        Why it failed; ``None`` if it succeeded.
    seconds : float
        Wall-clock duration of the run, in seconds.
    profile : str
        ``"classic"`` or ``"designer"``.
    confinement : str
        How the run was confined, for example ``"Landlock + seccomp"``.
    module : str
        Label of the module, for example ``"Cell In[5]"``.
    """

    output1: Optional[pd.DataFrame] = None
    output2: Optional[pd.DataFrame] = None
    figures: Tuple[Figure, ...] = ()
    previews: Tuple[Figure, ...] = ()
    stdout: str = ""
    stderr: str = ""
    log: str = ""
    findings: Tuple[Finding, ...] = ()
    failure: Optional[Failure] = None
    seconds: float = 0.0
    profile: str = "classic"
    confinement: str = ""
    module: str = ""

    @property
    def outputs(self) -> Tuple[Optional[pd.DataFrame], Optional[pd.DataFrame]]:
        """Both output frames, in port order."""
        return self.output1, self.output2

    def replace(self, **changes: Any) -> Result:
        """Return a copy with some fields changed."""
        return replace(self, **changes)

    def __repr__(self) -> str:
        parts = [_shape(frame) for frame in self.outputs if frame is not None] or ["no table"]
        parts += [_count(len(self.figures), "figure"), _count(len(self.findings), "finding")]
        if self.failure is not None:
            parts.insert(0, f"failed: {self.failure.kind}")
        return f"<Result {', '.join(part for part in parts if part)}, {self.seconds:.2f} s>"


def _shape(frame: pd.DataFrame) -> str:
    rows, columns = frame.shape
    return f"{_count(rows, 'row')} x {_count(columns, 'column')}"


def _count(number: int, noun: str) -> str:
    if number == 0 and noun in {"figure", "finding"}:
        return ""
    return f"{number:,} {noun}" + ("" if number == 1 else "s")
