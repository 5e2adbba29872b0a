"""Columns whose cells are Python objects of a few known kinds: dates, decimals, lists, mixtures.

They are sent as JSON; values without a JSON equivalent become tagged objects. This is slow
compared with the other kinds, and only used for what none of them can represent.
"""

from __future__ import annotations

import base64
import datetime
import json
import math
from decimal import Decimal, InvalidOperation
from typing import Any, Callable, Dict, List, Optional, Tuple

import numpy as np
import pandas as pd

from azml_magic import sentences
from azml_magic.wire.channel import WireError, parse_json
from azml_magic.wire.encoding import Encoded, Part, Reading, Unfit, whole
from azml_magic.wire.numbers import UNITS

MOST = 1 << 31
# Upper bound of a cell's memory, in bytes per byte of JSON.
GROWTH = 24
_DEEPEST = 50
_NUMBERS = "biuf"


class Cells:
    """Object columns with cells other than text and bytes."""

    name = "cells"

    @staticmethod
    def encode(values: Any) -> Optional[Encoded]:
        """Describe an object array; ``None`` for any other."""
        if not isinstance(values, np.ndarray) or values.dtype != object:
            return None
        try:
            text = json.dumps([_encode(cell) for cell in values], allow_nan=False)
        except RecursionError:
            raise Unfit(sentences.ENDLESS()) from None
        data = np.frombuffer(text.encode("ascii"), np.uint8)
        return Encoded({"kind": Cells.name, "bytes": len(data), "rows": len(values)}, [data])

    @staticmethod
    def parts(spec: Dict[str, Any], rows: int) -> List[Part]:
        """Return the buffers to be received."""
        whole(spec, "rows", rows)
        return [Part(np.dtype("u1"), whole(spec, "bytes", MOST))]

    @staticmethod
    def build(spec: Dict[str, Any], buffers: List[Any], reading: Reading) -> Any:
        """Return an object array."""
        cells = parse_json(buffers[0].tobytes())
        if not isinstance(cells, list) or len(cells) != spec["rows"]:
            raise WireError("cells are not a list with one item per row")
        values = np.empty(len(cells), dtype=object)
        try:
            # One by one: assigned at once, NumPy would unpack cells that are lists.
            for place, cell in enumerate(cells):
                values[place] = _decode(cell)
        except WireError:
            raise
        except (ValueError, TypeError, KeyError, ArithmeticError, InvalidOperation) as error:
            raise WireError(f"a cell cannot be read: {type(error).__name__}") from None
        return values


def _encode(cell: Any, depth: int = 0) -> Any:
    if depth > _DEEPEST:
        raise RecursionError
    if cell is None or cell is pd.NA or isinstance(cell, (bool, str)):
        return None if cell is pd.NA else _encode_text(cell) if isinstance(cell, str) else cell
    if isinstance(cell, np.generic) and not isinstance(cell, (np.datetime64, np.timedelta64)):
        return _encode(cell.item(), depth) if isinstance(cell.item(), _PLAIN) else _refuse(cell)
    if isinstance(cell, int):
        return int(cell)
    if isinstance(cell, float):
        return float(cell) if math.isfinite(cell) else _tagged("float", repr(float(cell)))
    if isinstance(cell, list):
        return [_encode(item, depth + 1) for item in cell]
    if isinstance(cell, dict):
        pairs = [[_encode(k, depth + 1), _encode(v, depth + 1)] for k, v in cell.items()]
        return _tagged("dict", pairs)
    for kind, tag, write in _WRITERS:
        if isinstance(cell, kind):
            return _tagged(tag, write(cell))
    return _refuse(cell)


_PLAIN = (bool, int, float, str, bytes)


def _encode_text(text: str) -> str:
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        raise Unfit(sentences.SURROGATE()) from None
    return str(text)


def _refuse(cell: Any) -> Any:
    raise Unfit(sentences.NO_WAY_OUT(type=type(cell).__name__))


def _tagged(tag: str, value: Any) -> Dict[str, Any]:
    return {"is": tag, "of": value}


def _write_timestamp(stamp: Any) -> Any:
    if stamp is pd.NaT:
        return None
    stamp = pd.Timestamp(stamp)
    zone = None if stamp.tz is None else str(stamp.utcoffset().total_seconds())
    return [*_ticks(stamp.asm8), zone]


def _write_timedelta(span: Any) -> Any:
    return _ticks(pd.Timedelta(span).asm8)


def _ticks(time: Any) -> List[Any]:
    return [int(time.view("i8")), np.datetime_data(time.dtype)[0]]


def _write_array(array: Any) -> Any:
    if array.ndim != 1 or array.dtype.kind not in _NUMBERS + "OU":
        raise Unfit(sentences.ARRAY(dtype=array.dtype, number=array.ndim))
    return [array.dtype.str if array.dtype.kind in _NUMBERS else "O", _encode(array.tolist())]


_WRITERS: Tuple[Tuple[Any, str, Callable[[Any], Any]], ...] = (
    (bytes, "bytes", lambda cell: base64.b64encode(cell).decode("ascii")),
    (type(pd.NaT), "timestamp", _write_timestamp),
    ((datetime.datetime, np.datetime64), "timestamp", _write_timestamp),
    ((datetime.timedelta, np.timedelta64), "timedelta", _write_timedelta),
    (datetime.date, "date", lambda cell: cell.isoformat()),
    (datetime.time, "time", lambda cell: cell.isoformat()),
    (Decimal, "decimal", str),
    (np.ndarray, "array", _write_array),
)


def _decode(cell: Any) -> Any:
    if isinstance(cell, list):
        return [_decode(item) for item in cell]
    if not isinstance(cell, dict):
        return cell
    if set(cell) != {"is", "of"}:
        raise WireError("a cell is an object without a tag")
    reader = _READERS.get(str(cell["is"]))
    if reader is None:
        raise WireError("a cell of an unknown kind")
    return reader(cell["of"])


def _read_timestamp(value: Any) -> Any:
    if value is None:
        return pd.NaT
    number, unit, zone = value
    if type(number) is not int or unit not in UNITS:
        raise WireError("a date in an unknown unit")
    stamp = pd.Timestamp(np.datetime64(number, unit))
    if zone is None:
        return stamp
    offset = datetime.timezone(datetime.timedelta(seconds=float(zone)))
    return stamp.tz_localize("UTC").tz_convert(offset)


def _read_timedelta(value: Any) -> Any:
    number, unit = value
    if type(number) is not int or unit not in UNITS:
        raise WireError("a time span in an unknown unit")
    return pd.Timedelta(np.timedelta64(number, unit))


def _read_array(value: Any) -> Any:
    dtype, cells = value
    if dtype == "O":
        array = np.empty(len(cells), dtype=object)
        for place, cell in enumerate(cells):
            array[place] = _decode(cell)
        return array
    if not isinstance(dtype, str) or len(dtype) != 3 or dtype[1] not in _NUMBERS:
        raise WireError("an array of an unknown type")
    numbers = [_decode(cell) for cell in cells]
    if not all(isinstance(number, (bool, int, float)) for number in numbers):
        raise WireError("an array of anything other than numbers")
    if dtype[1] in "iu":
        bounds = np.iinfo(dtype)
        if not all(bounds.min <= number <= bounds.max for number in numbers):
            raise WireError("an array of numbers too large for its type")
    return np.array(numbers, dtype=dtype)


def _read_dict(pairs: Any) -> Any:
    return {_decode(key): _decode(value) for key, value in pairs}


_READERS: Dict[str, Callable[[Any], Any]] = {
    "float": lambda value: {"nan": math.nan, "inf": math.inf, "-inf": -math.inf}[value],
    "bytes": lambda value: base64.b64decode(value, validate=True),
    "timestamp": _read_timestamp,
    "timedelta": _read_timedelta,
    "date": datetime.date.fromisoformat,
    "time": datetime.time.fromisoformat,
    "decimal": lambda value: Decimal(value) if isinstance(value, str) else _not_text(),
    "array": _read_array,
    "dict": _read_dict,
}


def _not_text() -> Any:
    raise WireError("a decimal is not text")
