"""Cells that hold lists and dicts: what a stored dataset makes of them (rules C24 to C26)."""

from __future__ import annotations

from typing import Any, Dict, List, Tuple, Union

import numpy as np
import pandas as pd

from azml_magic.contract.cells import described, family

DEPTH = 32
_PLAIN = {"str": str, "bool": bool, "int": int, "float": float, "bytes": bytes}
_KEPT = frozenset({"date", "time", "datetime", "timedelta", "decimal"})
_BITS = 63

# "none", the name of a family, a list of one shape, or a dict of shapes.
Shape = Union[str, List[Any], Dict[str, Any]]


class Uneven(Exception):
    """Cells of one column that no single type describes."""


def plain(value: Any, depth: int = 0) -> Any:
    """Return a value in plain Python types: arrays and tuples become lists.

    Raises
    ------
    Uneven
        When it holds something that no dataset holds, or is nested too deeply.
    """
    if depth > DEPTH:
        raise Uneven(f"is nested more than {DEPTH} deep")
    kind = family(type(value))
    if kind == "list":
        return [plain(item, depth + 1) for item in list(value)]
    if kind == "dict":
        for key in value:
            if not isinstance(key, str):
                raise Uneven(f"holds {described(key)} as a key")
        return {str(key): plain(item, depth + 1) for key, item in value.items()}
    if kind == "missing" or (kind in {"float", "datetime", "timedelta"} and pd.isna(value)):
        return None if kind != "float" else float("nan")
    if kind in _PLAIN:
        return _PLAIN[kind](value)
    if kind not in _KEPT:
        raise Uneven(f"holds {described(value)}")
    if isinstance(value, np.datetime64):
        return pd.Timestamp(value)
    return pd.Timedelta(value) if isinstance(value, np.timedelta64) else value


def shape_of(value: Any) -> Shape:
    """Return the shape of a plain value."""
    if isinstance(value, list):
        inner: Shape = "none"
        for item in value:
            inner = merged(inner, shape_of(item))
        return [inner]
    if isinstance(value, dict):
        return {key: shape_of(item) for key, item in value.items()}
    if isinstance(value, int) and not isinstance(value, bool) and value.bit_length() > _BITS:
        raise Uneven("holds a whole number of more than 64 bits")
    kind = family(type(value))
    return "none" if kind == "missing" else kind


def merged(one: Shape, other: Shape) -> Shape:
    """Return the shape that describes both.

    Raises
    ------
    Uneven
        When there is none.
    """
    if one == other or other == "none":
        return one
    if one == "none":
        return other
    if isinstance(one, list) and isinstance(other, list):
        return [merged(one[0], other[0])]
    if isinstance(one, dict) and isinstance(other, dict):
        keys = [*one, *(key for key in other if key not in one)]
        return {key: merged(one.get(key, "none"), other.get(key, "none")) for key in keys}
    if {_word(one), _word(other)} == {"int", "float"}:
        return "float"
    raise Uneven(f"mixes {_word(one)} and {_word(other)}")


def filled(cells: List[Any], shape: Shape) -> Tuple[List[Any], bool]:
    """Give all dicts of one place the same keys; whole numbers beside a gap become float.

    Parameters
    ----------
    cells : list
        Plain values of one place in all rows.
    shape : Shape
        What describes them all.

    Returns
    -------
    tuple
        The new values, and whether any of them differs.
    """
    if isinstance(shape, list):
        return _filled_lists(cells, shape[0])
    if isinstance(shape, dict):
        return _filled_dicts(cells, shape)
    if shape == "float":
        return [float(cell) if isinstance(cell, int) else cell for cell in cells], False
    return cells, False


def _filled_lists(cells: List[Any], inner: Shape) -> Tuple[List[Any], bool]:
    flat, changed = filled([item for cell in cells if cell is not None for item in cell], inner)
    result: List[Any] = []
    start = 0
    for cell in cells:
        if cell is None:
            result.append(None)
            continue
        result.append(flat[start : start + len(cell)])
        start += len(cell)
    return result, changed


def _filled_dicts(cells: List[Any], shape: Dict[str, Any]) -> Tuple[List[Any], bool]:
    present = [cell for cell in cells if cell is not None]
    changed = any(len(cell) < len(shape) for cell in present)
    columns = {}
    for key, inner in shape.items():
        items = [cell.get(key) for cell in present]
        if inner == "int" and any(item is None for item in items):
            items, changed = [None if item is None else float(item) for item in items], True
        else:
            items, deeper = filled(items, inner)
            changed |= deeper
        columns[key] = items
    rows = iter(range(len(present)))
    result: List[Any] = []
    for cell in cells:
        if cell is None:
            result.append(None)
            continue
        row = next(rows)
        result.append({key: items[row] for key, items in columns.items()})
    return result, changed


def arrays(value: Any, shape: Shape) -> Any:
    """Return a plain value with arrays for lists, as a reader of the dataset gets them."""
    if isinstance(value, list) and isinstance(shape, list):
        return _array(value, shape[0])
    if isinstance(value, dict) and isinstance(shape, dict):
        return {key: arrays(item, shape[key]) for key, item in value.items()}
    return value


def _array(items: List[Any], inner: Shape) -> Any:
    gaps = any(item is None for item in items)
    if inner == "float" or (inner == "int" and gaps):
        return np.array([np.nan if item is None else item for item in items], dtype=np.float64)
    if inner == "int" or (inner == "bool" and not gaps):
        return np.array(items, dtype=np.int64 if inner == "int" else np.bool_)
    result = np.empty(len(items), dtype=object)
    for place, item in enumerate(items):
        result[place] = arrays(item, inner)
    return result


def _word(shape: Shape) -> str:
    if isinstance(shape, str):
        return shape
    return "list" if isinstance(shape, list) else "dict"
