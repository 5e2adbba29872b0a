"""Conversion of one column by its type (rules V1 to V12, C1 to C33)."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from azml_magic import sentences
from azml_magic.contract.changes import CATEGORY, CATEGORY_TEXT, FLOATS, STORED
from azml_magic.contract.column_rules import UNCHANGED, Carried, ColumnRules, Unfit
from azml_magic.contract.column_values import Column, DType
from azml_magic.contract.dates import carry_dates, carry_spans
from azml_magic.contract.objects import carry_objects
from azml_magic.contract.pandas_versions import FLOATS_WITH_MISSING, NumpyArray


def passes(dtype: DType, rules: ColumnRules) -> bool:
    """Return whether every column of a type passes unchanged, so that none need be examined."""
    if isinstance(dtype, np.dtype):
        if not dtype.isnative:
            return False
        if dtype.kind in "biu":
            return True
        if dtype.kind == "f":
            return dtype.itemsize in (4, 8)
        in_nanoseconds = dtype.kind in "mM" and np.datetime_data(dtype)[0] == "ns"
        return in_nanoseconds and not rules.profile.plain_types_only
    if isinstance(dtype, pd.StringDtype):
        return True
    nullable = isinstance(dtype, (pd.BooleanDtype, *FLOATS_WITH_MISSING))
    return nullable and not rules.profile.plain_types_only


def carry(values: Column, rules: ColumnRules) -> Carried:
    """Convert a column under the rules.

    Parameters
    ----------
    values : numpy.ndarray or pandas extension array
        The column; not modified.
    rules : ColumnRules
        The rules.

    Raises
    ------
    Unfit
        When the rules refuse it.
    """
    if isinstance(values, NumpyArray):
        values = np.asarray(values)
    dtype = values.dtype
    if passes(dtype, rules):
        return UNCHANGED
    if isinstance(dtype, np.dtype):
        return _numpy(values, dtype, rules)
    if isinstance(dtype, pd.DatetimeTZDtype):
        return carry_dates(values, rules)
    if isinstance(values, pd.Categorical):
        return _category(values, rules)
    if isinstance(dtype, pd.SparseDtype):
        if not (rules.incoming or rules.profile.plain_types_only):
            raise Unfit(sentences.UNWRITABLE(dtype=dtype), sentences.TO_DENSE())
        return _again(np.asarray(values), rules, Carried(None, (STORED,)))
    if isinstance(dtype, (pd.PeriodDtype, pd.IntervalDtype)):
        is_period = isinstance(dtype, pd.PeriodDtype)
        holds = sentences.PERIODS() if is_period else sentences.INTERVALS()
        raise Unfit(holds, sentences.RANGES_AS_TEXT(), 0 if len(values) else None)
    return _nullable(values, dtype, rules)


def _numpy(values: Column, dtype: np.dtype[Any], rules: ColumnRules) -> Carried:
    if not dtype.isnative:
        native = values.astype(dtype.newbyteorder("="))
        return _again(native, rules, Carried())
    if dtype.kind == "O":
        return carry_objects(np.asarray(values), rules)
    if dtype.kind == "M":
        return carry_dates(values, rules)
    if dtype.kind == "m":
        return carry_spans(values, rules)
    if dtype.kind == "f":
        if rules.incoming or rules.profile.plain_types_only:
            return Carried(values.astype(np.float64), (STORED,))
        raise Unfit(sentences.UNWRITABLE(dtype=dtype), sentences.TO_FLOAT())
    raise Unfit(sentences.VALUES(dtype=dtype), sentences.TWO_PARTS())


def _again(values: Column, rules: ColumnRules, before: Carried) -> Carried:
    """Convert the values that a first rule has produced."""
    after = carry(values, rules)
    made = values if after.values is None else after.values
    return Carried(made, before.kinds + after.kinds)


def _nullable(values: Any, dtype: Any, rules: ColumnRules) -> Carried:
    """Convert nullable types, and types of other packages."""
    kind = getattr(dtype, "kind", "O")
    missing = np.asarray(values.isna(), dtype=bool)
    if kind in "iu":
        width = np.dtype(f"{kind}{dtype.itemsize}")
        if not missing.any():
            return Carried(values.to_numpy(dtype=width))
        return Carried(values.to_numpy(dtype=np.float64, na_value=np.nan), (FLOATS,))
    if kind == "f":
        width = np.dtype("f4" if dtype.itemsize == 4 else "f8")
        return Carried(values.to_numpy(dtype=width, na_value=np.nan))
    return _again(np.asarray(values, dtype=object), rules, Carried())


def _category(values: pd.Categorical, rules: ColumnRules) -> Carried:
    categories = values.categories
    if isinstance(categories.dtype, (pd.IntervalDtype, pd.PeriodDtype)):
        named = values.rename_categories(str)
        return _again(named, rules, Carried(None, (CATEGORY_TEXT,)))
    if rules.profile.plain_types_only:
        # Missing values have code -1, which has no row.
        plain = pd.Series(categories.array).reindex(values.codes)
        return _again(plain.array, rules, Carried(None, (CATEGORY,)))
    carried = carry(categories.array, rules)
    if carried.values is None:
        return carried
    return Carried(values.rename_categories(carried.values), carried.kinds)
