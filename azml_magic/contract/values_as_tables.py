"""Conversion of values that are not frames to tables, as in designer (rule R11)."""

from __future__ import annotations

from typing import Any, Optional

import numpy as np
import pandas as pd

from azml_magic import sentences
from azml_magic.contract.cell_types import name_of
from azml_magic.sentences import ComposedText

COLUMN = "column"
_SCALARS = (bool, int, float, str, bytes, np.bool_, np.number)


class NoTable(Exception):
    """A value cannot be converted to a table.

    Parameters
    ----------
    message : ComposedText
        What was returned.
    hint : ComposedText, optional
        The remedy, where it is more specific than returning a frame.
    """

    def __init__(self, message: ComposedText, hint: Optional[ComposedText] = None) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint


def table_of(value: Any) -> pd.DataFrame:
    """Convert a value to a table, as designer does.

    Raises
    ------
    NoTable
        When the value cannot be converted.

    Examples
    --------
    >>> table_of([1, 2])
       column
    0       1
    1       2
    """
    try:
        table = _table(value)
    except NoTable:
        raise
    except Exception as error:  # raised by pandas, or by the value's own code
        why = sentences.NO_TABLE_BECAUSE(type=name_of(value), said=_first_line(error))
        raise NoTable(why) from None
    if table is None:
        raise NoTable(sentences.NO_TABLE(type=name_of(value)))
    return table


def _table(value: Any) -> Optional[pd.DataFrame]:
    if isinstance(value, pd.Series):
        return pd.DataFrame(value.to_frame(COLUMN if value.name is None else value.name))
    if isinstance(value, _SCALARS):
        return pd.DataFrame({COLUMN: [value]})
    if isinstance(value, dict):
        return pd.DataFrame(value)
    if isinstance(value, np.ndarray):
        return _array_table(value)
    if isinstance(value, list):
        return _list_table(value)
    return None


def _list_table(value: Any) -> pd.DataFrame:
    if any(isinstance(item, pd.DataFrame) for item in value):
        raise NoTable(sentences.FRAMES_IN_LIST(), sentences.RETURN_TUPLE())
    if any(isinstance(item, dict) and set(item) != {COLUMN} for item in value):
        raise NoTable(sentences.DICTS_IN_LIST(), sentences.RETURN_ROWS())
    return pd.DataFrame(value, columns=[COLUMN])


def _array_table(value: Any) -> pd.DataFrame:
    if value.ndim not in (1, 2):
        raise NoTable(sentences.DIMENSIONS(number=value.ndim), sentences.RETURN_ARRAY())
    width = value.shape[1] if value.ndim == 2 else 1
    names = [COLUMN] if width == 1 else [f"{COLUMN}_{number}" for number in range(width)]
    return pd.DataFrame(value, columns=names)


def _first_line(error: Exception) -> str:
    lines = str(error).strip().splitlines()
    return lines[0] if lines else type(error).__name__
