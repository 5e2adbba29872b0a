"""Rendering of a frame's view as aligned columns of text that fit a width."""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Iterator
from dataclasses import replace

from azml_magic.display.frame_view import ColumnView, FrameView

CELL_WIDTH = 40
LABEL_WIDTH = 20
GAP = "  "

Paint = Callable[[str, str], str]
"""Function from a role such as ``"warning"`` and a text to the text to print."""


def plain(role: str, text: str) -> str:
    """Return `text` unchanged: the painter for plain text."""
    return text


def text_width(text: str) -> int:
    """Return the number of terminal columns that a line takes; wide characters take two."""
    if text.isascii():
        return len(text)
    return sum(_character_width(character) for character in text)


def fit(text: str, width: int) -> str:
    """Shorten `text` to `width` terminal columns, with ``...`` at the end if it is longer."""
    if text_width(text) <= width:
        return text
    kept, used = "", 0
    for character in text:
        used += _character_width(character)
        if used > width - 3:
            break
        kept += character
    return (kept + "...")[: max(width, 1)]


def fitting(view: FrameView, width: int) -> FrameView:
    """Return the view without the columns that do not fit into `width`; one is always kept."""
    used = _labels_width(view)
    shown: list[ColumnView] = []
    for column in view.shown:
        column = _narrowed(column, min(CELL_WIDTH, max(width - _labels_width(view) - len(GAP), 4)))
        used += len(GAP) + _column_width(column)
        if shown and used > width:
            break
        shown.append(column)
    return replace(view, shown=tuple(shown))


def column_lines(view: FrameView, paint: Paint) -> Iterator[str]:
    """Yield the lines of a table: names, types, rows.

    Parameters
    ----------
    view : FrameView
        One that :func:`fitting` returned.
    paint : Paint
        Painter for the names and the types.
    """
    label_width = _labels_width(view)
    names = [_aligned(column, column.name) for column in view.shown]
    types = [_aligned(column, column.dtype) for column in view.shown]
    yield _line(" " * label_width, [paint("name", name) for name in names])
    yield _line(" " * label_width, [paint("dim", dtype) for dtype in types])
    for number, label in enumerate(view.labels):
        label = fit(label, LABEL_WIDTH)
        label += " " * (label_width - text_width(label))
        yield _line(label, [_aligned(column, column.cells[number]) for column in view.shown])


def _line(label: str, cells: list[str]) -> str:
    return GAP.join([label, *cells]).rstrip()


def _narrowed(column: ColumnView, width: int) -> ColumnView:
    return replace(
        column,
        name=fit(column.name, width),
        dtype=fit(column.dtype, width),
        cells=tuple(fit(cell, width) for cell in column.cells),
    )


def _aligned(column: ColumnView, text: str) -> str:
    space = " " * (_column_width(column) - text_width(text))
    return space + text if column.numeric else text + space


def _column_width(column: ColumnView) -> int:
    return max(text_width(text) for text in (column.name, column.dtype, *column.cells))


def _labels_width(view: FrameView) -> int:
    return max((text_width(fit(label, LABEL_WIDTH)) for label in view.labels), default=0)


def _character_width(character: str) -> int:
    if unicodedata.category(character) in {"Mn", "Me", "Cf"}:
        return 0
    return 2 if unicodedata.east_asian_width(character) in {"W", "F"} else 1
