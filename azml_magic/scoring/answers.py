"""Frames as the JSON of a response, in the classic, the row-object and the typed form."""

from __future__ import annotations

import base64
import json
import math
import time
from typing import (
    Any,
    Callable,
    Dict,
    Iterator,
    List,
    NamedTuple,
    Optional,
    Sequence,
    Tuple,
)

import numpy as np
import pandas as pd

from azml_magic.scoring.faults import timed_out, too_large

_ROWS_AT_ONCE = 5_000
_INT32 = (-(2**31), 2**31 - 1)


class AnswerLimits(NamedTuple):
    """Limits of the size of a response, and its deadline.

    Attributes
    ----------
    cells : int
        Limit of the number of cells of all outputs.
    size : int
        Limit of the size of the JSON, in bytes.
    deadline : float
        Deadline on the clock of :func:`time.monotonic`, in seconds.
    """

    cells: float = math.inf
    size: float = math.inf
    deadline: float = math.inf


UNLIMITED = AnswerLimits()


def write_answer(
    outputs: Sequence[Optional[pd.DataFrame]],
    form: str,
    *,
    details: bool = False,
    limits: AnswerLimits = UNLIMITED,
) -> bytes:
    """Return the body of a response.

    Parameters
    ----------
    outputs : sequence of DataFrame or None
        The frames of the output ports. The first output is always included, a second one only
        if there is a frame.
    form : str
        ``"classic"`` (ColumnNames and Values, all text), ``"swagger"`` (row objects, all
        text) or ``"typed"`` (row objects with JSON's own types).
    details : bool
        Whether the classic form includes the names and types of columns.
    limits : AnswerLimits
        Checked before a frame is converted to Python objects, and between blocks of rows.

    Raises
    ------
    Fault
        413 for a response that is too large, 408 for one that is not written in time.
    """
    first = outputs[0] if outputs[0] is not None else pd.DataFrame()
    frames = {"output1": first}
    if len(outputs) > 1 and outputs[1] is not None:
        frames["output2"] = outputs[1]
    cells = sum(frame.size for frame in frames.values())
    if cells > limits.cells:
        raise too_large(
            "AnswerTooLarge",
            f"The answer has {cells:,} cells; the limit is {limits.cells:,}.",
        )
    body = bytearray(b'{"Results":{')
    for name, frame in frames.items():
        body += b"" if body.endswith(b"{") else b","
        body += f'"{name}":'.encode()
        for piece in _output(frame, form, details):
            body += piece.encode("utf-8", "backslashreplace")
            _check(len(body), limits)
    body += b"}}"
    return bytes(body)


def _check(size: int, limits: AnswerLimits) -> None:
    if size > limits.size:
        raise too_large("AnswerTooLarge", f"The answer exceeds the limit of {limits.size:,} bytes.")
    if time.monotonic() > limits.deadline:
        raise timed_out("The answer was not written within the time limit of the request.")


def _output(frame: pd.DataFrame, form: str, details: bool) -> Iterator[str]:
    """Yield the JSON of a frame, a block of rows at a time."""
    names = [str(name) for name in frame.columns]
    # Public access to columns makes a Series of each, which costs more than a small response.
    arrays: Any = frame
    columns = [_Column(values) for values in arrays._iter_column_arrays()]
    if form == "typed":
        yield from _list(columns, lambda column: column.typed(), names)
    elif form == "swagger":
        yield from _list(columns, lambda column: column.texts(alone=len(columns) == 1), names)
    else:
        yield '{"type":"table","value":{'
        if details:
            types = [column.type_name for column in columns]
            yield f'"ColumnNames":{_json(names)},"ColumnTypes":{_json(types)},'
        yield '"Values":'
        yield from _list(columns, lambda column: column.texts(alone=len(columns) == 1), None)
        yield "}}"


def _list(
    columns: Sequence[_Column],
    write: Callable[[_Column], List[Any]],
    names: Optional[List[str]],
) -> Iterator[str]:
    """Yield a JSON list of the rows: objects with these names, or lists."""
    rows = len(columns[0].values) if columns else 0
    yield "["
    for start in range(0, rows, _ROWS_AT_ONCE):
        blocks = [write(column.block(start, start + _ROWS_AT_ONCE)) for column in columns]
        items = zip(*blocks)
        made = list(items) if names is None else [dict(zip(names, row)) for row in items]
        yield ("," if start else "") + _json(made)[1:-1]
    yield "]"


def _json(value: Any) -> str:
    return json.dumps(value, allow_nan=False, ensure_ascii=False, separators=(",", ":"))


class _Column:
    """A column of a response: plain values with ``None`` for missing ones, and their kind."""

    def __init__(self, values: Any, kind: str = "") -> None:
        self.values: List[Any]
        self.kind: str
        self.values, self.kind = (values, kind) if kind else _plain(values)

    def block(self, start: int, end: int) -> _Column:
        """Return a range of rows, as a column of the same kind."""
        return _Column(self.values[start:end], self.kind)

    @property
    def type_name(self) -> str:
        """The classic name of the type (S-7)."""
        if self.kind != "integer":
            return _TYPE_NAMES[self.kind]
        fits = all(value is None or _INT32[0] <= value <= _INT32[1] for value in self.values)
        return "Int32" if fits else "Int64"

    def texts(self, *, alone: bool) -> List[str]:
        """Return every value as text (S-5); `alone` if it is the response's only column.

        Missing values are ``"NaN"``, or empty text in a text column that is not alone: the old
        client parses a single column as JSON, and empty text is not JSON (C-5).
        """
        missing = "" if self.kind == "string" and not alone else "NaN"
        write = _TEXTS[self.kind]
        return [missing if value is None else write(value) for value in self.values]

    def typed(self) -> List[Any]:
        """Return every value in its JSON type: missing values are null, infinities are text."""
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
    """Return the values as plain Python objects, and the kind of the column."""
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
    return _inferred(plain)


def _unboxed(value: Any) -> Any:
    return value.item() if isinstance(value, np.generic) else value


def _inferred(values: List[Any]) -> Tuple[List[Any], str]:
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
    """Format a number as .NET does: no ``.0``, an upper-case exponent, words for infinities."""
    if math.isinf(value):
        return "Infinity" if value > 0 else "-Infinity"
    text = repr(value)
    if text.endswith(".0"):
        return text[:-2]
    return text.upper() if "e" in text else text


def _net_date(value: Any) -> str:
    """Format a date as .NET does for en-US: ``5/30/2010 6:07:00 PM`` (S-8)."""
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
