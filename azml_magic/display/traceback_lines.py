"""The lines of a traceback, with the frames in the user's own code only.

::

    Cell In[5], line 4, in azureml_main
            2 def azureml_main(d):
            3     y = 2
    ---->   4     return nope(d),
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from azml_magic.display.sanitize import one_line
from azml_magic.result import TracebackEntry

OUTERMOST = 5
INNERMOST = 10
SOURCE_LINES = 15
LINE = 200
PLACE = 120


@dataclass(frozen=True)
class TracebackLine:
    """One line of a traceback.

    Attributes
    ----------
    kind : str
        ``"place"``, ``"source"``, ``"arrow"`` (the source line that raised) or ``"gap"``.
    text : str
        The line, indented and safe to show; not yet escaped for HTML.
    """

    kind: str
    text: str


def traceback_lines(entries: Sequence[TracebackEntry]) -> list[TracebackLine]:
    """Return the lines of a traceback, outermost frame first.

    Of a deep recursion only the first and the last frames are shown, with the number left out.
    """
    left_out = len(entries) - OUTERMOST - INNERMOST
    if left_out <= 0:
        return _lines(entries)
    gap = TracebackLine("gap", f"... {left_out:,} more frames ...")
    return [*_lines(entries[:OUTERMOST]), gap, *_lines(entries[-INNERMOST:])]


def _lines(entries: Sequence[TracebackEntry]) -> list[TracebackLine]:
    return [line for entry in entries for line in _entry(entry)]


def _entry(entry: TracebackEntry) -> list[TracebackLine]:
    function = f", in {one_line(entry.function, PLACE)}" if entry.function else ""
    place = f"{one_line(entry.place, PLACE)}, line {entry.line}{function}"
    source = entry.source[:SOURCE_LINES]
    width = max((len(str(number)) for number, _ in source), default=0)
    lines = [_source(number, text, width, number == entry.line) for number, text in source]
    return [TracebackLine("place", place), *lines]


def _source(number: int, text: str, width: int, raised: bool) -> TracebackLine:
    arrow = "---->" if raised else "     "
    shown = one_line(text[: LINE + 1].expandtabs(4), LINE)
    return TracebackLine(
        "arrow" if raised else "source", f"{arrow} {number:>{max(width, 3)}} {shown}".rstrip()
    )
