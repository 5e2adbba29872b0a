"""Tables that designer makes of values that are no frames (rule R11)."""

from __future__ import annotations

from typing import Any, Optional

import numpy as np
import pandas as pd

from azml_magic.contract.cells import described

COLUMN = "column"
_SCALARS = (bool, int, float, str, bytes, np.bool_, np.number)


class NoTable(Exception):
    """A value that no table is made of.

    Parameters
    ----------
    what : str
        The value, to follow "azureml_main returned ".
    hint : str, optional
        What to do.
    """

    def __init__(self, what: str, hint: str = "") -> None:
        super().__init__(what)
        self.hint = hint


def table_of(value: Any) -> pd.DataFrame:
    """Return the table that designer makes of a value.

    Raises
    ------
    NoTable
        When it makes none.

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
    except Exception as error:  # pandas refuses, or the value's own code does
        raise NoTable(f"{described(value)} that makes no table: {_first_line(error)}") from None
    if table is None:
        raise NoTable(f"{described(value)}, which makes no table")
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
        raise NoTable("a list of frames", "return a tuple: return frame1, frame2")
    if any(isinstance(item, dict) and set(item) != {COLUMN} for item in value):
        raise NoTable("a list of dicts", "return pd.DataFrame(rows),")
    return pd.DataFrame(value, columns=[COLUMN])


def _array_table(value: Any) -> pd.DataFrame:
    if value.ndim not in (1, 2):
        raise NoTable(f"an array of {value.ndim} dimensions", "return pd.DataFrame(array),")
    width = value.shape[1] if value.ndim == 2 else 1
    names = [COLUMN] if width == 1 else [f"{COLUMN}_{number}" for number in range(width)]
    return pd.DataFrame(value, columns=names)


def _first_line(error: Exception) -> str:
    lines = str(error).strip().splitlines()
    return lines[0] if lines else type(error).__name__
