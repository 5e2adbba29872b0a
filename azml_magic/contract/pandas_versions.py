"""Differences between pandas 1.1 and 3, so that the rules apply in all supported versions."""

from __future__ import annotations

from typing import Any, Mapping

import pandas as pd

# Called PandasArray until pandas 2.1.
NumpyArray: Any = getattr(pd.arrays, "NumpyExtensionArray", None) or getattr(
    pd.arrays, "PandasArray", None
)
# Since pandas 1.2.
FLOATS_WITH_MISSING = tuple(
    getattr(pd, name) for name in ("Float32Dtype", "Float64Dtype") if hasattr(pd, name)
)


def unit_of(times: Any) -> str:
    """Return the unit of dates or time spans; before pandas 2 it was always ``"ns"``."""
    return str(getattr(times, "unit", "ns"))


def in_nanoseconds(times: Any) -> Any:
    """Convert dates or time spans to nanoseconds.

    Raises
    ------
    OutOfBoundsDatetime, OutOfBoundsTimedelta
        When they are out of range.
    """
    return times.as_unit("ns") if hasattr(times, "as_unit") else times


def with_columns(frame: pd.DataFrame, replaced: Mapping[int, pd.Series]) -> pd.DataFrame:
    """Replace columns of a frame by position, without changing memory that it shares."""
    if not replaced:
        return frame
    if hasattr(frame, "isetitem"):
        for position, column in replaced.items():
            frame.isetitem(position, column)  # type: ignore[arg-type]
        return frame
    # Before pandas 1.5, assigning to a column may write into shared memory.
    columns = {
        position: replaced.get(position, frame.iloc[:, position])
        for position in range(frame.shape[1])
    }
    return pd.DataFrame(columns, index=frame.index)
