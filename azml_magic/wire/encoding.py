"""What all kinds of columns share: descriptions and buffers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Dict, Iterator, List, NamedTuple, Sequence

import numpy as np

from azml_magic.sentences import ComposedText
from azml_magic.wire.channel import WireError

CHECKED_AT_ONCE = 1 << 20


class ColumnRefused(ValueError):
    """A column holds values that cannot be sent.

    Attributes
    ----------
    column : str
        Its name.
    reason : ComposedText
        The problem, to follow "column 'a' ".
    """

    def __init__(self, column: str, reason: ComposedText) -> None:
        super().__init__(f"column {column!r} {reason}")
        self.column = column
        self.reason = reason


class Unfit(Exception):
    """A column cannot be encoded; the caller adds its name.

    Parameters
    ----------
    reason : ComposedText
        The problem, to follow "column 'a' ".
    """

    def __init__(self, reason: ComposedText) -> None:
        super().__init__(reason)
        self.reason = reason


class Encoded(NamedTuple):
    """An encoded column: its description, and its buffers in order."""

    spec: Dict[str, Any]
    buffers: List[Any]


class Part(NamedTuple):
    """One buffer of a column to be received."""

    dtype: Any
    length: int

    @property
    def nbytes(self) -> int:
        """Return its size."""
        return int(self.dtype.itemsize) * self.length


@dataclass(frozen=True)
class Reading:
    """Settings for receiving a frame.

    Attributes
    ----------
    text : str
        ``"object"`` for Python strings, or ``"str"`` for pandas' own default.
    trusted : bool
        Whether the sender is the notebook, so that values need no check.
    """

    text: str
    trusted: bool


def blocks(values: Any) -> Iterator[Any]:
    """Yield slices of a flat array that fit into a processor's cache."""
    for start in range(0, len(values), CHECKED_AT_ONCE):
        yield values[start : start + CHECKED_AT_ONCE]


def check_flags(values: Any) -> None:
    """Refuse a boolean that is neither 0 nor 1.

    Parameters
    ----------
    values : numpy.ndarray of uint8
        The bytes.

    Raises
    ------
    WireError
        When there is one.
    """
    if len(values) and int(values.max()) > 1:
        raise WireError("a boolean is neither 0 nor 1")


def whole(spec: Dict[str, Any], key: str, most: int) -> int:
    """Return a field that must be an integer from 0 to `most`.

    Raises
    ------
    WireError
        When it is anything else.
    """
    value = spec.get(key)
    if type(value) is not int or not 0 <= value <= most:
        raise WireError(f"{key} is not a whole number from 0 to {most:,}")
    return value


def one_of(spec: Dict[str, Any], key: str, allowed: Sequence[Any]) -> Any:
    """Return a field that must be one of the allowed values.

    Raises
    ------
    WireError
        When it is anything else.
    """
    value = spec.get(key)
    for choice in allowed:
        if type(value) is type(choice) and value == choice:
            return value
    raise WireError(f"{key} has an unknown value")


def native(values: Any) -> Any:
    """Return a flat array in this machine's byte order."""
    if values.dtype.isnative:
        return values
    return values.astype(values.dtype.newbyteorder("="))


def raw(values: Any) -> Any:
    """Return the bytes of a flat contiguous array, without copying them."""
    return values.view(np.uint8)
