"""The head of a frame as short texts, at a cost that does not depend on the number of rows.

Rows that are not shown are never accessed, and columns are formatted separately, so that one that
cannot be shown does not hide the others.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from azml_magic.display.cell_text import cell_text
from azml_magic.display.numeric import number_texts, time_texts

if TYPE_CHECKING:
    import pandas as pd

MAX_ROWS = 1_000
MAX_COLUMNS = 200
NAME = 80
LABEL = 40
DTYPE = 40


@dataclass(frozen=True)
class ColumnView:
    """The visible part of a column.

    Attributes
    ----------
    name, dtype : str
        One line each.
    cells : tuple of str
        One line each, as many as the view's labels.
    numeric : bool
        Whether to right-align the cells.
    """

    name: str
    dtype: str
    cells: tuple[str, ...]
    numeric: bool


@dataclass(frozen=True)
class FrameView:
    """The visible part of a frame.

    Attributes
    ----------
    port : str
        ``"output1"`` or ``"output2"``.
    rows, columns : int
        Shape of the whole frame.
    labels : tuple of str
        The index labels of the visible rows.
    shown : tuple of ColumnView
        The visible columns, from the first on.
    """

    port: str
    rows: int
    columns: int
    labels: tuple[str, ...]
    shown: tuple[ColumnView, ...]


def frame_view(frame: pd.DataFrame, port: str, rows: int, max_columns: int) -> FrameView:
    """Return the first `rows` of the first `max_columns` columns as texts.

    Parameters
    ----------
    frame : pandas.DataFrame
        An output of a run; not modified.
    port : str
        ``"output1"`` or ``"output2"``.
    rows, max_columns : int
        How many to show at most; never more than 1,000 rows or 200 columns.
    """
    rows = min(max(rows, 0), MAX_ROWS)
    head = frame.iloc[:rows, : min(max(max_columns, 1), MAX_COLUMNS)]
    return FrameView(
        port=port,
        rows=int(frame.shape[0]),
        columns=int(frame.shape[1]),
        labels=_labels(head),
        shown=tuple(_column(column, name) for name, column in head.items()),
    )


def _labels(head: pd.DataFrame) -> tuple[str, ...]:
    try:
        return tuple(cell_text(label, LABEL) for label in head.index)
    except Exception:
        return tuple(str(number) for number in range(len(head)))


def _column(column: pd.Series[Any], name: object) -> ColumnView:
    kind = getattr(column.dtype, "kind", "O")
    return ColumnView(
        name=cell_text(name, NAME),
        dtype=cell_text(column.dtype, DTYPE),
        cells=_cells(column, kind),
        numeric=kind in "iufc",
    )


def _cells(column: pd.Series[Any], kind: str) -> tuple[str, ...]:
    try:
        values = column.tolist()
        if kind == "f":
            return number_texts(values)
        if kind in "mM":
            return time_texts(values)
    except Exception:
        return tuple(_cell(column, position) for position in range(len(column)))
    return tuple(cell_text(value) for value in values)


def _cell(column: pd.Series[Any], position: int) -> str:
    try:
        value = column.iloc[position]
    except Exception:
        return "(cannot be shown)"
    return cell_text(value)
