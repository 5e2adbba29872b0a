"""Conversion of a column's JSON values to its recorded type."""

from __future__ import annotations

import math
import re
from datetime import datetime
from typing import Any, Callable, Dict, List, Optional

import numpy as np

_MISSING_TEXTS = frozenset({"", "NaN", "nan", "null"})
_INFINITIES = {
    "Infinity": math.inf, "-Infinity": -math.inf, "INF": math.inf, "-INF": -math.inf,
}  # fmt: skip
_BOOLEANS = {"True": True, "true": True, "False": False, "false": False}
_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?\Z", re.ASCII)
_WHOLE = re.compile(r"[+-]?\d{1,19}(\.0*)?\Z", re.ASCII)
# The classic service writes dates as .NET does for en-US (S-8).
_NET_DATES = ("%m/%d/%Y %I:%M:%S %p", "%m/%d/%Y")
_INT64 = range(-(2**63), 2**63)


class InvalidValue(ValueError):
    """A value does not have its column's type; the text says what was expected."""


def convert(values: List[Any], kind: str) -> Any:
    """Convert a column's values to an array for pandas.

    Parameters
    ----------
    values : list
        The parsed JSON values; ``None`` is missing.
    kind : str
        The recorded type of the column.

    Returns
    -------
    numpy.ndarray
        Its dtype is ``int64``, ``float64``, ``bool``, ``datetime64`` or ``object``.

    Raises
    ------
    InvalidValue
        With the position and the value in the message.
    """
    quick = _quick(values, kind)
    if quick is not None:
        return quick
    read = _READERS[kind]
    converted = []
    for number, value in enumerate(values):
        try:
            converted.append(None if value is None else read(value))
        except (ValueError, OverflowError, TypeError):
            shown = repr(value)
            shown = shown if len(shown) <= 40 else f"{shown[:40]}..."
            raise InvalidValue(f"row {number} has {shown}, which is not {_NAMED[kind]}") from None
    return _array(converted, kind)


def guess(values: List[Any], *, all_text: bool) -> str:
    """Infer the type of a column without a schema.

    In the classic form every value is a string, so text that looks like numbers or booleans is
    treated as such.
    """
    present = [value for value in values if value is not None]
    kinds = set(map(type, present))
    if not present or kinds <= {str}:
        return _guess_text(present) if all_text and present else "string"
    if kinds <= {bool}:
        return "boolean"
    if kinds <= {int}:
        return "integer"
    return "number" if kinds <= {int, float} else "string"


def _guess_text(texts: List[str]) -> str:
    known = [text for text in texts if text not in _MISSING_TEXTS]
    if not known:
        return "string"
    if all(_WHOLE.match(text) and "." not in text for text in known):
        return "integer"
    if all(_NUMBER.match(text) or text in _INFINITIES for text in known):
        return "number"
    return "boolean" if all(text in {"True", "False"} for text in known) else "string"


def _quick(values: List[Any], kind: str) -> Any:
    """Convert values that already have the right type; return ``None`` for others."""
    kinds = set(map(type, values))
    try:
        if kind == "number" and kinds <= {int, float}:
            return np.array(values, dtype="float64")
        if kind == "integer" and kinds <= {int}:
            return np.array(values, dtype="int64")
    except OverflowError:
        return None
    if kind == "boolean" and kinds <= {bool}:
        return np.array(values, dtype=bool)
    if kind == "string" and kinds <= {str, type(None)}:
        return _objects(values)
    return None


def _objects(values: List[Any]) -> Any:
    array = np.empty(len(values), dtype=object)
    array[:] = values
    return array


def _array(values: List[Any], kind: str) -> Any:
    missing = None in values
    if kind == "integer" and not missing:
        return np.array(values, dtype="int64")
    if kind in ("integer", "number"):
        return np.array([math.nan if value is None else value for value in values], "float64")
    if kind == "boolean" and not missing:
        return np.array(values, dtype=bool)
    if kind == "datetime":
        return np.array(["NaT" if value is None else value for value in values], "datetime64[us]")
    return _objects(values)


def _integer(value: Any) -> Optional[int]:
    if isinstance(value, str):
        if value in _MISSING_TEXTS:
            return None
        if not _WHOLE.match(value):
            raise ValueError(value)
        value = int(value.partition(".")[0])
    elif isinstance(value, float):
        if math.isnan(value):
            return None
        if not value.is_integer():
            raise ValueError(value)
        value = int(value)
    elif isinstance(value, bool) or not isinstance(value, int):
        raise ValueError(value)
    if value not in _INT64:
        raise ValueError(value)
    return int(value)


def _number(value: Any) -> Optional[float]:
    if isinstance(value, str):
        if value in _MISSING_TEXTS:
            return None
        if value in _INFINITIES:
            return _INFINITIES[value]
        if not _NUMBER.match(value):
            raise ValueError(value)
        return float(value)
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise ValueError(value)
    return float(value)


def _boolean(value: Any) -> Optional[bool]:
    if isinstance(value, str):
        if value in _MISSING_TEXTS:
            return None
        if value in _BOOLEANS:
            return _BOOLEANS[value]
    if isinstance(value, bool):
        return value
    if isinstance(value, float) and math.isnan(value):
        return None
    raise ValueError(value)


def _datetime(text: Any) -> Optional[Any]:
    if not isinstance(text, str):
        raise ValueError(text)
    if text in _MISSING_TEXTS or text == "NaT":
        return None
    for form in _NET_DATES:
        try:
            return np.datetime64(datetime.strptime(text, form), "us")
        except ValueError:
            continue
    ending = text[-1:] in "zZ"
    found = datetime.fromisoformat(f"{text[:-1]}+00:00" if ending else text)
    if found.tzinfo is not None:
        found = (found - found.utcoffset()).replace(tzinfo=None)  # type: ignore[operator]
    return np.datetime64(found, "us")


def _string(value: Any) -> Optional[str]:
    if isinstance(value, bool):
        return str(value)
    if isinstance(value, (str, int)):
        return str(value)
    if isinstance(value, float):
        return None if math.isnan(value) else repr(value)
    raise ValueError(value)


def _binary(value: Any) -> Optional[bytes]:
    import base64

    if not isinstance(value, str):
        raise ValueError(value)
    return base64.b64decode(value, validate=True)


_READERS: Dict[str, Callable[[Any], Any]] = {
    "integer": _integer,
    "number": _number,
    "boolean": _boolean,
    "datetime": _datetime,
    "string": _string,
    "binary": _binary,
}
_NAMED = {
    "integer": "an integer",
    "number": "a number",
    "boolean": "a boolean",
    "datetime": "a date and time",
    "string": "text",
    "binary": "binary data in base64",
}
