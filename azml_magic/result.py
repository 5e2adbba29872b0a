"""What a run gives back: frozen values, safe to keep, to show and to compare.

Nothing here runs, reads or renders anything; room ``display`` turns a :class:`Result`
into HTML, text and terminal output.
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
    """One thing that differs in the cloud, or would fail there.

    Attributes
    ----------
    code : str
        Stable code such as ``"AZ201"``; hundreds group them: 1 module text, 2 inputs,
        3 outputs, 4 figures, 5 the run.
    level : str
        ``"note"``, ``"warning"`` or ``"error"``.
    message : str
        What is so, in one line.
    fix : str
        What to do, in one line; empty when there is nothing to do.
    rule : str
        Rule id of ``docs/contract.md``; empty when no single rule applies.
    line : int or None
        Line of the module's source, counted from 1.
    port : str
        ``"dataset1"``, ``"dataset2"``, ``"output1"``, ``"output2"`` or empty.
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
    """A PNG image of a run.

    Attributes
    ----------
    name : str
        File name as the module saved it, for example ``"scatter.png"``.
    png : bytes
        The file's bytes: a validated PNG.
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
        """Let a notebook show the image itself."""
        return self.png


@dataclass(frozen=True)
class TracebackEntry:
    """One line of the person's own code in a traceback.

    Attributes
    ----------
    place : str
        Where, as the person knows it: ``"Cell In[5]"``, ``"module.py"``,
        ``"Script Bundle/Hello.py"``.
    line : int
        Line there, counted from 1.
    function : str
        Name of the function, or ``"<module>"``.
    source : tuple of (int, str)
        The lines around it with their numbers; empty when not known.
    """

    place: str
    line: int
    function: str
    source: Tuple[Tuple[int, str], ...] = ()


@dataclass(frozen=True)
class Failure:
    """Why a run failed, as the module's own interpreter told it.

    Attributes
    ----------
    kind : str
        Class of the exception, for example ``"KeyError"``.
    message : str
        Its text.
    traceback : tuple of TracebackEntry
        The person's frames, outermost first.
    cloud_text : str
        What the profile's log says: the Error 0085 block.
    """

    kind: str
    message: str
    traceback: Tuple[TracebackEntry, ...] = ()
    cloud_text: str = ""

    @property
    def title(self) -> str:
        """The exception as Python writes it; a bar marks each further line as the module's."""
        text = f"{self.kind}: {self.message}" if self.message else self.kind
        return re.sub("\r\n?|\n", "\n  | ", text)


@dataclass(frozen=True)
class Result:
    """Everything that a run gives back.

    Attributes
    ----------
    output1, output2 : pandas.DataFrame or None
        The frames of the two output ports; ``None`` where the module returned none.
    figures : tuple of Figure
        The images that the cloud would show, in its order.
    previews : tuple of Figure
        Small pictures of figures that were left open and that the cloud would not show.
    stdout, stderr : str
        What the module printed.
    log : str
        The log as the profile prints it.
    findings : tuple of Finding
        What differs from what the person gave or got.
    failure : Failure or None
        Why it failed; ``None`` for a run that succeeded.
    seconds : float
        Wall clock of the run, in seconds.
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
