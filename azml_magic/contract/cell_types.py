"""Types of the cells of an object column, grouped into families."""

from __future__ import annotations

import datetime
import decimal
from typing import Any, Callable, Collection, Dict, Optional, Sequence, Set, Tuple

import numpy as np
import pandas as pd

from azml_magic.contract.column_values import Column, Flags

NUMBERS = frozenset({"bool", "int", "float"})
SCALARS = NUMBERS | {"str", "decimal", "date", "time", "datetime", "timedelta"}

# The first match counts: a bool is also an int, a Timestamp also a date.
_FAMILIES: Tuple[Tuple[str, Tuple[type, ...]], ...] = (
    ("missing", (type(None), type(pd.NaT), type(pd.NA))),
    ("str", (str,)),
    ("bool", (bool, np.bool_)),
    ("timedelta", (datetime.timedelta, np.timedelta64)),
    ("int", (int, np.integer)),
    ("float", (float, np.floating)),
    ("bytes", (bytes, bytearray)),
    ("datetime", (datetime.datetime, np.datetime64)),
    ("date", (datetime.date,)),
    ("time", (datetime.time,)),
    ("decimal", (decimal.Decimal,)),
    ("complex", (complex, np.complexfloating)),
    ("list", (list, tuple, np.ndarray)),
    ("dict", (dict,)),
)


def family(kind: type) -> str:
    """Return the family of a cell's type: ``"int"``, ``"list"`` ...; ``""`` for none."""
    for name, types in _FAMILIES:
        if issubclass(kind, types):
            return name
    return ""


def fits(number: int) -> bool:
    """Tell whether 64 bits hold a whole number."""
    return -(1 << 63) <= number < 1 << 63


def families(cells: Any) -> Set[str]:
    """Return the families of all cells."""
    return {family(kind) for kind in set(map(type, cells))}


def first_row(values: Column, missing: Flags, accepted: Collection[str]) -> int:
    """Return the position of the first cell outside these families."""
    known: Dict[type, bool] = {}
    for row, (cell, gone) in enumerate(zip(values, missing)):
        kind = type(cell)
        if kind not in known:
            known[kind] = family(kind) in accepted
        if not gone and not known[kind]:
            return row
    return 0


def name_of(cell: object) -> str:
    """Return the name of a cell's type."""
    return type(cell).__name__


def mapped(values: Column, missing: Flags, convert: Optional[Callable[[Any], Any]]) -> Any:
    """Return new cells: converted if a function is given, and ``None`` where missing."""
    if convert is None:
        result = values.copy()
        result[missing] = None
        return result
    return object_array([None if gone else convert(cell) for cell, gone in zip(values, missing)])


def object_array(cells: Sequence[Any]) -> Any:
    """Return cells as a flat array, even if cells are lists, which NumPy would unpack."""
    result = np.empty(len(cells), dtype=object)
    for row, cell in enumerate(cells):
        result[row] = cell
    return result
