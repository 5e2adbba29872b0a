"""Conversion of columns of Python objects by the types of their cells."""

from __future__ import annotations

import datetime
import decimal
from typing import AbstractSet, Any, List, NoReturn, Set

import numpy as np
import pandas as pd
from pandas.api.types import infer_dtype

from azml_magic import sentences
from azml_magic.contract import nested
from azml_magic.contract.cell_types import (
    NUMBERS,
    SCALARS,
    families,
    family,
    first_row,
    fits,
    mapped,
    name_of,
    object_array,
)
from azml_magic.contract.changes import (
    BYTES,
    FLOATS,
    KEYS,
    LISTS,
    MIXED,
    RESCALED,
    UNREADABLE,
    Kind,
)
from azml_magic.contract.column_rules import UNCHANGED, Carried, ColumnRules, Unfit
from azml_magic.contract.column_values import Array, Flags
from azml_magic.contract.dates import carry_dates, carry_spans

_DIGITS = 76
_CLASSIC = NUMBERS | {"str", "bytes"}
_DESIGNER = SCALARS | {"bytes", "list", "dict"}
_HINTS = {
    "datetime": sentences.DATES_AS_TEXT,
    "date": sentences.DAYS_AS_TEXT,
    "time": sentences.TIMES_AS_TEXT,
    "timedelta": sentences.SPANS_AS_NUMBERS,
    "decimal": sentences.DECIMALS_AS_NUMBERS,
    "complex": sentences.TWO_PARTS,
    "list": sentences.COLUMN_FOR_ITEM,
    "dict": sentences.COLUMN_FOR_KEY,
}


def carry_objects(values: Array, rules: ColumnRules) -> Carried:
    """Convert a column of dtype object.

    Parameters
    ----------
    values : numpy.ndarray
        The cells; not modified.
    rules : ColumnRules
        The rules.

    Raises
    ------
    Unfit
        When the rules refuse a cell.
    """
    if infer_dtype(values, skipna=True) == "string":
        return UNCHANGED
    missing = pd.isna(values)
    found = families(values[~missing])
    if not found:
        return Carried(object_array([None] * len(values))) if len(values) else UNCHANGED
    if found == {"str"}:  # pandas cannot tell when there are several kinds of missing values
        return Carried(mapped(values, missing, str))
    if found <= NUMBERS:
        return _numbers(values, missing, found, rules)
    if found == {"bytes"}:
        kinds = (BYTES,) if rules.profile.plain_types_only and not rules.incoming else ()
        return Carried(mapped(values, missing, bytes), kinds)
    if rules.profile.plain_types_only:
        return _plain_types(values, missing, found, rules)
    return _any_types(values, missing, found, rules)


def _plain_types(values: Array, missing: Flags, found: Set[str], rules: ColumnRules) -> Carried:
    """Classic: numbers and text; dates and time spans in inputs only (V8 to V11, C17 to C29)."""
    if found <= NUMBERS | {"str"}:
        return Carried(mapped(values, missing, str), (MIXED,))
    if found == {"datetime"} and (rules.incoming or not rules.epoch):
        return _converted(_as_dates(values, missing), rules)
    if found == {"timedelta"} and rules.incoming:
        return carry_spans(_as_spans(values, missing), rules)
    return _refuse(values, missing, found, _CLASSIC)


def _any_types(values: Array, missing: Flags, found: Set[str], rules: ColumnRules) -> Carried:
    """Designer: anything that one column type of its file format describes (V11, C19 to C26)."""
    if found == {"datetime"}:
        return _dates(values, missing, rules)
    if found == {"timedelta"}:
        spans = _as_spans(values, missing)
        carried = carry_spans(spans, rules)
        return Carried(spans.array) if carried.values is None else carried
    if "str" in found and found <= SCALARS:
        return Carried(mapped(values, missing, _scalar_text), (MIXED,))
    if len(found) > 1 or not found <= _DESIGNER:
        return _refuse(values, missing, found, _DESIGNER)
    if found == {"decimal"}:
        return _decimals(values, missing)
    if found <= {"list", "dict"}:
        return _nested(values, missing)
    return Carried(mapped(values, missing, None))


def _numbers(values: Array, missing: Flags, found: Set[str], rules: ColumnRules) -> Carried:
    """Convert booleans, integers and floats to the narrowest of three types (C6 to C8, C31)."""
    gaps = bool(missing.any())
    if found == {"bool"}:
        if not gaps:
            return Carried(np.array(values, dtype=bool))
        odd = any(type(cell) is np.bool_ for cell in values)
        unreadable = odd and not (rules.incoming or rules.profile.plain_types_only)
        return Carried(mapped(values, missing, bool), (UNREADABLE,) if unreadable else ())
    present = values[~missing]
    try:
        if "float" in found:
            whole: Any = np.array(present, dtype=np.float64)
        else:
            whole = np.array(present, dtype=np.int64)
    except OverflowError:
        row = next(row for row, cell in enumerate(values) if _is_too_large(cell))
        raise Unfit(
            sentences.LARGE_NUMBER(), sentences.NUMBER_AS_TEXT(), row, number="0085"
        ) from None
    if not gaps:
        return Carried(whole)
    result = np.full(len(values), np.nan)
    result[~missing] = whole
    return Carried(result, (FLOATS,) if "float" not in found else ())


def _is_too_large(cell: object) -> bool:
    return isinstance(cell, (int, np.integer)) and not fits(int(cell))


def _dates(values: Array, missing: Flags, rules: ColumnRules) -> Carried:
    if rules.incoming:
        return _converted(_as_dates(values, missing), rules)
    return Carried(mapped(values, missing, _timestamp), (UNREADABLE,))


def _converted(dates: pd.DatetimeIndex, rules: ColumnRules) -> Carried:
    carried = carry_dates(dates, rules)
    return Carried(dates.array, carried.kinds) if carried.values is None else carried


def _timestamp(cell: object) -> Any:
    return pd.Timestamp(cell) if isinstance(cell, np.datetime64) else cell


def _as_dates(values: Array, missing: Flags) -> pd.DatetimeIndex:
    try:
        return pd.DatetimeIndex(mapped(values, missing, _timestamp))
    except (ValueError, TypeError, OverflowError):
        row = int(np.argmin(missing))
        raise Unfit(sentences.SEVERAL_DATES(), sentences.IN_UTC(), row) from None


def _as_spans(values: Array, missing: Flags) -> pd.TimedeltaIndex:
    try:
        return pd.TimedeltaIndex(mapped(values, missing, pd.Timedelta))
    except (ValueError, TypeError, OverflowError):
        row = int(np.argmin(missing))
        raise Unfit(sentences.LONG_SPAN(), sentences.AS_NUMBER(), row) from None


def _decimals(values: Array, missing: Flags) -> Carried:
    """Give all decimals the number of places of the longest (rule C21)."""
    present = values[~missing]
    exponents = [cell.as_tuple().exponent for cell in present]
    for row, cell in enumerate(values):
        if not missing[row] and not cell.is_finite():
            raise Unfit(sentences.DECIMAL(word=str(cell)), sentences.DECIMALS_AS_NUMBERS(), row)
    places = max(0, -min(exponents))
    digits = max(cell.adjusted() + 1 for cell in present) + places
    if digits > _DIGITS:
        holds = sentences.LONG_DECIMALS(number=_DIGITS)
        raise Unfit(holds, sentences.DECIMALS_AS_NUMBERS(), 0)
    context = decimal.Context(prec=_DIGITS + 1)
    unit = decimal.Decimal(1).scaleb(-places, context)
    scaled = mapped(values, missing, lambda cell: cell.quantize(unit, context=context))
    changed = any(exponent != -places for exponent in exponents)
    return Carried(scaled, (RESCALED,) if changed else ())


def _nested(values: Array, missing: Flags) -> Carried:
    """Convert lists and dicts to the one type that describes all rows (rules C24, C25)."""
    kinds: List[Kind] = []
    shape: nested.Shape = "none"
    cells: List[Any] = []
    for row, cell in enumerate(values):
        try:
            cells.append(None if missing[row] else nested.plain(cell))
            shape = nested.merged(shape, nested.shape_of(cells[-1]))
        except nested.Uneven as error:
            hint = _HINTS[family(type(cell))]
            holds = sentences.joined(sentences.HOLDS_THAT(type=name_of(cell)), error.why)
            raise Unfit(holds, hint(), row) from None
    if any(isinstance(cell, (list, tuple)) for cell in values):
        kinds.append(LISTS)
    settled = nested.settled(cells, shape)
    is_dict = isinstance(shape, dict)
    if (is_dict and settled != shape) or any(nested.lacks_keys(cell, shape) for cell in cells):
        kinds.append(KEYS)
    return Carried(object_array([nested.stored(cell, settled) for cell in cells]), tuple(kinds))


def _scalar_text(cell: object) -> str:
    if isinstance(cell, (np.datetime64, np.timedelta64)):
        cell = pd.Timestamp(cell) if isinstance(cell, np.datetime64) else pd.Timedelta(cell)
    return cell.isoformat() if isinstance(cell, datetime.time) else str(cell)


def _refuse(values: Array, missing: Flags, found: Set[str], accepted: AbstractSet[str]) -> NoReturn:
    """Refuse the first cell that is not accepted, or the first that differs from those before."""
    if found <= accepted:
        first = values[int(np.argmin(missing))]
        row = first_row(values, missing, {family(type(first))})
        holds = sentences.HOLDS_AFTER(type=name_of(values[row]), type_2=name_of(first))
        raise Unfit(holds, sentences.ONE_TYPE(), row)
    row = first_row(values, missing, accepted)
    cell = values[row]
    hint = _HINTS.get(family(type(cell)), sentences.PICKLE_OTHERS)
    raise Unfit(sentences.HOLDS(type=name_of(cell)), hint(), row)
