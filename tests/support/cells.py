"""Cells of a column as plain values, with what is missing told apart."""

import pandas as pd

NAN, NAT, NA = "<NaN>", "<NaT>", "<NA>"


def cells(column):
    """Return the cells, in the types that a reader of the column gets."""
    return [_cell(value) for value in column.astype(object)]


def _cell(value):
    if value is pd.NaT:
        return NAT
    if value is pd.NA:
        return NA
    if isinstance(value, float) and value != value:
        return NAN
    return str(value) if isinstance(value, str) else value


def typed(values):
    """Return pairs of type name and value, so that ``True`` and ``1`` differ."""
    return [(type(value).__name__, value) for value in values]
