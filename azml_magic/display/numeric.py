"""Uniform formatting of the numbers or times of a column."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

# pandas' own limit: above it, fixed notation shows digits that a float does not have.
LARGE = 1e15
MIDNIGHT = " 00:00:00"


def number_texts(values: Sequence[Any]) -> tuple[str, ...]:
    """Format floats with as many decimals as the column needs.

    The pandas options ``display.precision`` and ``display.float_format`` apply. Anything that is
    not a float, such as ``pandas.NA``, is shown as ``str`` gives it.

    Examples
    --------
    >>> number_texts([1.5, 20.0, float("nan")])
    ('1.5', '20.0', 'NaN')
    >>> number_texts([1e-9, 1.0])
    ('1.000000e-09', '1.000000e+00')
    """
    import pandas as pd

    own_format = pd.get_option("display.float_format")
    if own_format is not None:
        return tuple(_special(value) or str(own_format(value)) for value in values)
    digits = int(pd.get_option("display.precision"))
    sizes = [abs(value) for value in values if not _special(value) and value]
    if sizes and (max(sizes) >= LARGE or min(sizes) < 10.0**-digits):
        return tuple(_special(value) or f"{value:.{digits}e}" for value in values)
    texts = [_special(value) or f"{value:.{digits}f}" for value in values]
    unused = _zeros_at_all_ends(values, texts)
    return tuple(
        text if _special(value) or not unused else text[:-unused]
        for value, text in zip(values, texts, strict=True)
    )


def time_texts(values: Sequence[Any]) -> tuple[str, ...]:
    """Format dates, times or durations; times are left out if all are midnight."""
    texts = [str(value) for value in values]
    known = [text for text in texts if text != "NaT"]
    if all(text.endswith(MIDNIGHT) for text in known):
        return tuple(text.removesuffix(MIDNIGHT) for text in texts)
    return tuple(texts)


def _special(value: Any) -> str:
    if not isinstance(value, float):
        return str(value)
    if math.isfinite(value):
        return ""
    return "NaN" if value != value else str(value)


def _zeros_at_all_ends(values: Sequence[Any], texts: Sequence[str]) -> int:
    """Return how many trailing zeros all numbers share, keeping one decimal."""
    zeros = []
    for value, text in zip(values, texts, strict=True):
        if not _special(value) and "." in text:
            decimals = text.partition(".")[2]
            zeros.append(min(len(decimals) - len(decimals.rstrip("0")), len(decimals) - 1))
    return min(zeros, default=0)
