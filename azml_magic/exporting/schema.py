"""Recording the columns of a frame for an export: names and simple types, never values."""

from __future__ import annotations

import pandas as pd
from pandas.api import types

from azml_magic.module.manifest import Column, Schema

_INFERRED = {
    "string": "string",
    "empty": "any",
    "boolean": "boolean",
    "integer": "integer",
    "floating": "number",
    "mixed-integer-float": "number",
    "bytes": "binary",
    "datetime": "datetime",
    "datetime64": "datetime",
    "date": "datetime",
}


def describe(frame: pd.DataFrame) -> Schema:
    """Return the recorded columns of a frame."""
    columns = [frame.iloc[:, position] for position in range(len(frame.columns))]
    return tuple(
        Column(str(series.name), _type(series), bool(series.isna().any())) for series in columns
    )


def _type(series: pd.Series) -> str:
    dtype = series.dtype
    if types.is_bool_dtype(dtype):
        return "boolean"
    if types.is_integer_dtype(dtype):
        return "integer"
    if types.is_float_dtype(dtype):
        return "number"
    if types.is_datetime64_any_dtype(dtype):
        return "datetime"
    if isinstance(dtype, pd.CategoricalDtype):
        return _type(pd.Series(dtype.categories))
    return _INFERRED.get(types.infer_dtype(series, skipna=True), "string")
