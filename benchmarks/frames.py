"""The frames that are sent, and reading every byte of one."""

from __future__ import annotations

import inspect

import numpy as np
import pandas as pd

NAMES = {
    "A": "10M x 10 float64",
    "B": "5M mixed",
    "C": "50k x 1,000 float64",
    "D": "100 x 5",
    "E": "1M x 200 characters",
}


def make(name: str, scale: float = 1.0) -> pd.DataFrame:
    """Return a frame; `scale` shrinks its number of rows."""
    draw = np.random.default_rng(1)
    if name == "A":
        return _floats(int(10_000_000 * scale), 10, draw)
    if name == "C":
        return _floats(int(50_000 * scale), 1000, draw)
    if name == "D":
        return pd.DataFrame({f"c{number}": draw.random(100) for number in range(5)})
    rows = int({"B": 5_000_000, "E": 1_000_000}[name] * scale)
    if name == "E":
        return pd.DataFrame({"text": _texts(rows, 200, draw)})
    part = draw.random(rows)
    part[draw.random(rows) < 0.1] = np.nan
    return pd.DataFrame(
        {
            "whole": draw.integers(0, 1000, rows),
            "part": part,
            "flag": draw.random(rows) < 0.5,
            "day": draw.integers(1_500_000_000, 1_600_000_000, rows).view("M8[s]").astype("M8[ns]"),
            "text": _texts(rows, 12, draw),
            "kind": pd.Categorical.from_codes(draw.integers(0, 5, rows), pd.Index(list("abcde"))),
        }
    )


def _floats(rows: int, columns: int, draw: np.random.Generator) -> pd.DataFrame:
    values = draw.random((columns, rows)).T
    return pd.DataFrame(values, columns=[f"c{number}" for number in range(columns)], copy=False)


def _texts(rows: int, length: int, draw: np.random.Generator) -> pd.Series:
    letters = draw.integers(97, 123, (rows, length), dtype=np.uint8)
    return pd.Series(letters.view(f"S{length}").ravel().astype(f"U{length}")).astype(
        "str" if pd.__version__ >= "3" else object
    )


def payload(frame: pd.DataFrame) -> int:
    """Return the bytes of a frame's values."""
    return sum(_column_bytes(frame[name]) for name in frame.columns)


def _column_bytes(column: pd.Series) -> int:
    if pd.api.types.is_string_dtype(column.dtype) and not isinstance(
        column.dtype, pd.CategoricalDtype
    ):
        return int(column.str.len().sum()) + 8 * len(column)
    return int(column.memory_usage(index=False))


def read(frame):
    """Read every byte of a frame; the source of this function also runs inside modules."""
    import numpy as np

    # The public frame.items() takes longer to make a column than reading a short one.
    for values in frame._iter_column_arrays():
        if hasattr(values, "codes"):
            values.codes.max()
        elif hasattr(values, "_pa_array"):
            for chunk in values._pa_array.chunks:
                for buffer in chunk.buffers():
                    if buffer is not None and buffer.size:
                        np.frombuffer(buffer, np.uint8).max()
        elif values.dtype == object:
            sum(map(len, values))
        else:
            inner = getattr(values, "_ndarray", values)
            inner.view("i8").max() if inner.dtype.kind in "mM" else inner.max()


READ_SOURCE = inspect.getsource(read)
