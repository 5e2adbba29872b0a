"""Columns of dates and of time spans (rules V8, V9, C13, C17, C18, C20, C22, 2.7)."""

from __future__ import annotations

from typing import Any, Iterable, Union

import numpy as np
import pandas as pd

from azml_magic import sentences
from azml_magic.contract.cell_types import object_array
from azml_magic.contract.changes import SECONDS, SPANS, UNREADABLE
from azml_magic.contract.column_rules import UNCHANGED, Carried, ColumnRules, Unfit
from azml_magic.contract.column_values import Column
from azml_magic.contract.pandas_versions import in_nanoseconds, unit_of

_PER_SECOND = {"s": 1, "ms": 10**3, "us": 10**6, "ns": 10**9}
_NANOSECOND_YEARS = (1678, 2261)


def carry_dates(values: Union[Column, pd.Index], rules: ColumnRules) -> Carried:
    """Convert a column of ``datetime64``, with or without a time zone."""
    dates = pd.DatetimeIndex(values)
    if rules.epoch and rules.incoming:
        return Carried(_seconds(dates), (SECONDS,))
    if rules.epoch:
        missing = dates.isna()
        if not missing.all():
            row = int(np.argmin(missing))
            raise Unfit(sentences.DATES(dtype=dates.dtype), sentences.DATES_AS_TEXT(), row)
        return Carried(np.full(len(dates), np.nan))
    if unit_of(dates) == "ns":
        return UNCHANGED
    try:
        converted = in_nanoseconds(dates)
    except pd.errors.OutOfBoundsDatetime:
        if rules.profile.plain_types_only:
            return UNCHANGED
        if rules.incoming:
            row = _first_out_of_bounds(dates)
            raise Unfit(sentences.FAR_DATE(), sentences.CLIP_DATES(), row) from None
        return Carried(None, (UNREADABLE,))
    return Carried(converted.array) if rules.incoming else UNCHANGED


def carry_spans(values: Union[Column, pd.Index], rules: ColumnRules) -> Carried:
    """Convert a column of ``timedelta64``."""
    spans = pd.TimedeltaIndex(values)
    if not rules.profile.plain_types_only:
        if not rules.incoming:
            return UNCHANGED
        try:
            return Carried(in_nanoseconds(spans).array)
        except pd.errors.OutOfBoundsTimedelta:
            raise Unfit(sentences.LONG_SPAN(), sentences.AS_NUMBER()) from None
    missing = spans.isna()
    if rules.incoming:
        return Carried(_span_texts(spans, missing), (SPANS,))
    if not missing.all():
        row = int(np.argmin(missing))
        raise Unfit(sentences.SPANS(dtype=spans.dtype), sentences.SPANS_AS_NUMBERS(), row)
    return Carried(np.full(len(spans), np.nan))


def _seconds(dates: pd.DatetimeIndex) -> Any:
    seconds = dates.asi8 / _PER_SECOND[unit_of(dates)]
    missing = dates.isna()
    if missing.any():
        seconds[missing] = np.nan
    return seconds


def _first_out_of_bounds(dates: pd.DatetimeIndex) -> int:
    first, last = _NANOSECOND_YEARS
    outside = (dates.year < first) | (dates.year > last)
    return int(np.argmax(outside)) if outside.any() else 0


def _span_texts(spans: pd.TimedeltaIndex, missing: Iterable[bool]) -> Any:
    """Return ``[-][d.]hh:mm:ss[.fffffff]``, as .NET writes a TimeSpan."""
    ticks = spans.asi8
    per_second = _PER_SECOND[unit_of(spans)]
    return object_array(
        [None if gone else _span_text(int(tick), per_second) for tick, gone in zip(ticks, missing)]
    )


def _span_text(ticks: int, per_second: int) -> str:
    sign = "-" if ticks < 0 else ""
    seconds, fraction = divmod(abs(ticks), per_second)
    minutes, second = divmod(seconds, 60)
    hours, minute = divmod(minutes, 60)
    days, hour = divmod(hours, 24)
    text = f"{sign}{f'{days}.' if days else ''}{hour:02d}:{minute:02d}:{second:02d}"
    hundred_nanoseconds = fraction * 10**7 // per_second
    return f"{text}.{hundred_nanoseconds:07d}" if hundred_nanoseconds else text
