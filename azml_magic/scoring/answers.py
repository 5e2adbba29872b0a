"""Frames as the JSON of an answer, in the classic, the row-object and the typed form."""

from __future__ import annotations

import base64
import json
import math
from typing import Any, Callable, Dict, List, Optional, Sequence, Tuple

import numpy as np
import pandas as pd

FORMS = ("classic", "swagger", "typed")
OUTPUT_NAMES = ("output1", "output2")
_INT32 = (-(2**31), 2**31 - 1)


def write_answer(
    outputs: Sequence[Optional[pd.DataFrame]], form: str, *, details: bool = False
) -> bytes:
    """Return the body of an answer.

    Parameters
    ----------
    outputs : sequence of DataFrame or None
        The frames of the output ports. The first output is always answered, a second one
        only where there is a frame.
    form : str
        ``"classic"`` (ColumnNames and Values, all text), ``"swagger"`` (row objects, all
        text) or ``"typed"`` (row objects with JSON's own types).
    details : bool
        Whether the classic form names its columns and their types.
    """
    first = outputs[0] if outputs[0] is not None else pd.DataFrame()
    frames = {"output1": first}
    if len(outputs) > 1 and outputs[1] is not None:
        frames["output2"] = outputs[1]
    results = {name: _output(frame, form, details) for name, frame in frames.items()}
    return json.dumps(
        {"Results": results}, allow_nan=False, ensure_ascii=False, separators=(",", ":")
    ).encode("utf-8", "backslashreplace")


def _output(frame: pd.DataFrame, form: str, details: bool) -> Any:
    names = [str(name) for name in frame.columns]
    # The public ways to a column make a Series of each, which costs more than a small answer.
    arrays: Any = frame
    columns = [_Column(values) for values in arrays._iter_column_arrays()]
    if form == "typed":
        typed = [column.typed() for column in columns]
        return [dict(zip(names, row)) for row in zip(*typed)]
    texts = [column.texts(alone=len(columns) == 1) for column in columns]
    if form == "swagger":
        return [dict(zip(names, row)) for row in zip(*texts)]
    value: Dict[str, Any] = {}
    if details:
        value["ColumnNames"] = names
        value["ColumnTypes"] = [column.type_name for column in columns]
    value["Values"] = list(zip(*texts))
    return {"type": "table", "value": value}


class _Column:
    """A column of an answer: plain values with ``None`` for what is missing, and their kind."""

    def __init__(self, values: Any) -> None:
        self.values, self.kind = _plain(values)

    @property
    def type_name(self) -> str:
        """The classic name of the type (S-7)."""
        if self.kind != "integer":
            return _TYPE_NAMES[self.kind]
        fits = all(value is None or _INT32[0] <= value <= _INT32[1] for value in self.values)
        return "Int32" if fits else "Int64"

    def texts(self, *, alone: bool) -> List[str]:
        """Return every value as text (S-5); `alone` when it is the answer's only column.

        What is missing is ``"NaN"``, or empty text in a column of text among others: the
        old client reads a single column as JSON, which empty text is not (C-5).
        """
        missing = "" if self.kind == "string" and not alone else "NaN"
        write = _TEXTS[self.kind]
        return [missing if value is None else write(value) for value in self.values]

    def typed(self) -> List[Any]:
        """Return every value as JSON has it: missing is null, infinities are text."""
        if self.kind in ("datetime", "binary"):
            write = _iso if self.kind == "datetime" else _TEXTS["binary"]
            return [None if value is None else write(value) for value in self.values]
        if self.kind == "number":
            return [
                _number_text(value) if value is not None and math.isinf(value) else value
                for value in self.values
            ]
        return self.values


def _plain(values: Any) -> Tuple[List[Any], str]:
    """Return the values as Python's own, and the kind of the column."""
    kind = getattr(values.dtype, "kind", "O") if isinstance(values, np.ndarray) else "O"
    if kind in "iu":
        return values.tolist(), "integer"
    if kind == "b":
        return values.tolist(), "boolean"
    if kind == "f":
        return [None if value != value else value for value in values.tolist()], "number"
    missing = pd.isna(values).tolist()
    plain_objects = isinstance(values, np.ndarray) and values.dtype.kind == "O"
    series = values if plain_objects else pd.Series(values).astype(object)
    objects = series.tolist()
    plain = [None if gone else _unboxed(value) for value, gone in zip(objects, missing)]
    return _told(plain)


def _unboxed(value: Any) -> Any:
    return value.item() if isinstance(value, np.generic) else value


def _told(values: List[Any]) -> Tuple[List[Any], str]:
    kinds = {type(value) for value in values if value is not None}
    if kinds and kinds <= {bool}:
        return values, "boolean"
    if kinds and kinds <= {int}:
        return values, "integer"
    if kinds and kinds <= {int, float}:
        return [None if value is None else float(value) for value in values], "number"
    if kinds and kinds <= {bytes}:
        return values, "binary"
    if kinds and all(issubclass(kind, pd.Timestamp) for kind in kinds):
        return values, "datetime"
    return [None if value is None else str(value) for value in values], "string"


def _number_text(value: float) -> str:
    """Write a number as .NET does: no ``.0``, an upper-case exponent, words for infinities."""
    if math.isinf(value):
        return "Infinity" if value > 0 else "-Infinity"
    text = repr(value)
    if text.endswith(".0"):
        return text[:-2]
    return text.upper() if "e" in text else text


def _net_date(value: Any) -> str:
    """Write a date as .NET does for en-US: ``5/30/2010 6:07:00 PM`` (S-8)."""
    hour = value.hour % 12 or 12
    half = "AM" if value.hour < 12 else "PM"
    clock = f"{hour}:{value.minute:02d}:{value.second:02d} {half}"
    return f"{value.month}/{value.day}/{value.year} {clock}"


def _iso(value: Any) -> str:
    return str(value.isoformat())


def _base64(value: bytes) -> str:
    return base64.b64encode(value).decode("ascii")


_TYPE_NAMES = {
    "number": "Double",
    "boolean": "Boolean",
    "string": "String",
    "datetime": "DateTime",
    "binary": "String",
}
_TEXTS: Dict[str, Callable[[Any], str]] = {
    "integer": str,
    "number": _number_text,
    "boolean": str,
    "string": str,
    "datetime": _net_date,
    "binary": _base64,
}
