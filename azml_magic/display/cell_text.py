"""Short text for a value of a frame, of any type."""

from __future__ import annotations

import reprlib
from typing import Any

from azml_magic.display.sanitize import one_line

CELL = 200
INTEGER_BITS = 2_000

_SHORT = reprlib.Repr()
_SHORT.maxlevel = 3
_SHORT.maxstring = _SHORT.maxother = 80


def cell_text(value: Any, limit: int = CELL) -> str:
    r"""Format a value on one line of at most about `limit` characters, without ever raising.

    Examples
    --------
    >>> cell_text("two\nlines")
    'two\\nlines'
    >>> cell_text(float("nan"))
    'NaN'
    >>> cell_text(list(range(100)))
    '[0, 1, 2, 3, 4, 5, ...]'
    """
    try:
        return one_line(_text(value, limit), limit)
    except Exception:  # repr and str of a strange object may raise anything
        return f"({type(value).__name__[:40]} that cannot be shown)"


def _text(value: Any, limit: int) -> str:
    if isinstance(value, str):
        return str(value[: limit + 1])
    if isinstance(value, (bytes, bytearray)):
        return repr(bytes(value[:limit])) + ("..." if len(value) > limit else "")
    if isinstance(value, int):
        bits = value.bit_length()
        return f"(integer of {bits:,} bits)" if bits > INTEGER_BITS else str(value)
    if isinstance(value, float):
        return "NaN" if value != value else str(value)
    if isinstance(value, (list, tuple, dict, set, frozenset)):
        return _SHORT.repr(value)
    if type(value).__name__ == "ndarray":
        return _array(value)
    return str(value)


def _array(value: Any) -> str:
    # The text of an array is bounded in items, but not in the length of an item.
    if value.ndim == 1:
        shown = _SHORT.repr(value[:7].tolist())
        return shown if len(value) <= 7 else f"{shown} ({len(value):,} items)"
    return f"(array of shape {value.shape}, {value.dtype})"
