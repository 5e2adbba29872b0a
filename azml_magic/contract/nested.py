"""Cells that hold lists and dicts, as a stored dataset represents them (rules C24 to C26)."""

from __future__ import annotations

from typing import Any, Dict, List, Union

import numpy as np
import pandas as pd

from azml_magic import sentences
from azml_magic.contract.cell_types import family, fits, name_of, object_array
from azml_magic.sentences import ComposedText

DEPTH = 32
_PLAIN = {"str": str, "bool": bool, "int": int, "float": float, "bytes": bytes}
_KEPT = frozenset({"date", "time", "datetime", "timedelta", "decimal"})
_DTYPES = {"int": np.int64, "float": np.float64, "bool": np.bool_}
_BESIDE_A_GAP = {"int": "float", "bool": "bool or none"}

# "none", the name of a family, a list of one shape, or a dict of shapes.
Shape = Union[str, List[Any], Dict[str, Any]]


class Uneven(Exception):
    """No single type describes all cells of a column.

    Parameters
    ----------
    why : ComposedText
        The problem, to follow "holds a list that ".
    """

    def __init__(self, why: ComposedText) -> None:
        super().__init__(why)
        self.why = why


def plain(value: Any, depth: int = 0) -> Any:
    """Convert a value to plain Python types; arrays and tuples become lists.

    Raises
    ------
    Uneven
        When it holds something that a dataset cannot store, or is nested too deeply.
    """
    if depth > DEPTH:
        raise Uneven(sentences.DEEP(number=DEPTH))
    kind = family(type(value))
    if kind == "list":
        return [plain(item, depth + 1) for item in list(value)]
    if kind == "dict":
        for key in value:
            if not isinstance(key, str):
                raise Uneven(sentences.KEY(type=name_of(key)))
        return {str(key): plain(item, depth + 1) for key, item in value.items()}
    if kind == "missing" or (kind in {"datetime", "timedelta"} and pd.isna(value)):
        return None
    if kind in _PLAIN:
        return _PLAIN[kind](value)
    if kind not in _KEPT:
        raise Uneven(sentences.HOLDS(type=name_of(value)))
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
    if isinstance(value, int) and not fits(value):
        raise Uneven(sentences.LARGE_NUMBER())
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
    raise Uneven(sentences.MIXES(word=_word(one), word_2=_word(other)))


def settled(values: List[Any], shape: Shape) -> Shape:
    """Return the shape as stored: integers next to missing values become floats.

    Parameters
    ----------
    values : list
        The plain values at one position in all rows.
    shape : Shape
        The shape that describes them all.
    """
    present = [value for value in values if value is not None]
    if isinstance(shape, list):
        return [settled([item for value in present for item in value], shape[0])]
    if isinstance(shape, dict):
        return {
            key: settled([value.get(key) for value in present], inner)
            for key, inner in shape.items()
        }
    return _BESIDE_A_GAP.get(shape, shape) if len(present) < len(values) else shape


def lacks_keys(value: Any, shape: Shape) -> bool:
    """Return whether a dict in a plain value lacks some of the keys of its shape."""
    if isinstance(shape, list):
        return value is not None and any(lacks_keys(item, shape[0]) for item in value)
    if isinstance(shape, dict) and value is not None:
        inner = any(lacks_keys(value.get(key), item) for key, item in shape.items())
        return inner or len(value) < len(shape)
    return False


def stored(value: Any, shape: Shape) -> Any:
    """Return a plain value as it is read back: arrays for lists, all keys in each dict."""
    if value is None:
        return None
    if isinstance(shape, list):
        return _array(value, shape[0])
    if isinstance(shape, dict):
        return {key: stored(value.get(key), inner) for key, inner in shape.items()}
    return float(value) if shape == "float" else value


def _array(items: List[Any], inner: Shape) -> Any:
    dtype = _DTYPES.get(inner) if isinstance(inner, str) else None
    if dtype is not None:
        return np.array([np.nan if item is None else item for item in items], dtype=dtype)
    return object_array([stored(item, inner) for item in items])


def _word(shape: Shape) -> str:
    if isinstance(shape, str):
        return shape
    return "list" if isinstance(shape, list) else "dict"
