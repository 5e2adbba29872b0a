"""Choosing the kind of a column when encoding and decoding; categories, which contain a column."""

from __future__ import annotations

import inspect
from typing import Any, Dict, List, Optional, Tuple

import numpy as np
import pandas as pd

from azml_magic import sentences
from azml_magic.wire.channel import WireError
from azml_magic.wire.encoding import Encoded, Part, Reading, Unfit, native, one_of, whole
from azml_magic.wire.numbers import Masked, Numbers, Times
from azml_magic.wire.object_columns import GROWTH, Cells
from azml_magic.wire.text_columns import Bytes, Text

MOST_CATEGORIES = 1 << 31
_CODES = ("i1", "i2", "i4", "i8")

# The codes are checked already; pandas takes that for an answer since 2.1.
_TAKES_IT = "validate" in inspect.signature(pd.Categorical.from_codes).parameters
_UNCHECKED: Dict[str, Any] = {"validate": False} if _TAKES_IT else {}


class Categories:
    """Codes, and a column of the values that they represent."""

    name = "category"

    @staticmethod
    def encode(values: Any) -> Optional[Encoded]:
        """Describe a categorical array; ``None`` for any other."""
        if not isinstance(getattr(values, "dtype", None), pd.CategoricalDtype):
            return None
        of = encode_array(values.categories.array)
        codes = native(values.codes)
        spec = {
            "kind": Categories.name,
            "dtype": codes.dtype.str[1:],
            "ordered": bool(values.ordered),
            "count": len(values.categories),
            "of": of.spec,
        }
        return Encoded(spec, [codes, *of.buffers])

    @staticmethod
    def parts(spec: Dict[str, Any], rows: int) -> List[Part]:
        """Return the buffers to be received."""
        one_of(spec, "ordered", (True, False))
        count = whole(spec, "count", MOST_CATEGORIES)
        of = spec.get("of")
        if not isinstance(of, dict) or of.get("kind") == Categories.name:
            raise WireError("categories of an unknown kind")
        codes = Part(np.dtype(one_of(spec, "dtype", _CODES)), rows)
        return [codes, *parts_of(of, count)]

    @staticmethod
    def build(spec: Dict[str, Any], buffers: List[Any], reading: Reading) -> Any:
        """Return the categorical array."""
        codes = buffers[0]
        # Categories use pandas' own text type, whatever other columns use.
        values = build_array(spec["of"], buffers[1:], Reading("str", reading.trusted))
        try:
            dtype = pd.CategoricalDtype(pd.Index(values), spec["ordered"])
        except (ValueError, TypeError) as error:
            raise WireError(f"categories are not unique values: {error}") from None
        if not reading.trusted:
            _check_codes(codes, spec["count"])
        return pd.Categorical.from_codes(codes, dtype=dtype, **_UNCHECKED)


def _check_codes(codes: Any, count: int) -> None:
    if len(codes) and (int(codes.min()) < -1 or int(codes.max()) >= count):
        raise WireError("a code without a category")


_KINDS: Tuple[Any, ...] = (Numbers, Text, Times, Masked, Categories, Bytes, Cells)
_BY_NAME = {kind.name: kind for kind in _KINDS}
_ARRAY_BYTES = 4096
"""Upper bound of an array's overhead beside its values, in bytes."""


def encode_array(values: Any) -> Encoded:
    """Describe a column and return its buffers, which share its memory where possible.

    Raises
    ------
    Unfit
        When no kind can represent it.
    """
    if type(values).__name__ in {"NumpyExtensionArray", "PandasArray"}:
        values = values.to_numpy()
    for kind in _KINDS:
        encoded: Optional[Encoded] = kind.encode(values)
        if encoded is not None:
            return encoded
    raise Unfit(sentences.UNKNOWN_TYPE(dtype=values.dtype))


def parts_of(spec: Dict[str, Any], rows: int) -> List[Part]:
    """Return the buffers of a described column with that number of rows.

    Raises
    ------
    WireError
        When :func:`encode_array` cannot have produced the description.
    """
    kind = _BY_NAME.get(str(spec.get("kind")))
    if kind is None:
        raise WireError("a column of an unknown kind")
    if "rows" in spec and (type(spec["rows"]) is not int or spec["rows"] != rows):
        raise WireError("a column whose length differs from its frame's")
    parts: List[Part] = kind.parts(spec, rows)
    return parts


def build_array(spec: Dict[str, Any], buffers: List[Any], reading: Reading) -> Any:
    """Build a column from its description and its filled buffers.

    Raises
    ------
    WireError
        When a value is invalid.
    """
    return _BY_NAME[spec["kind"]].build(spec, buffers, reading)


def memory_of(spec: Dict[str, Any], parts: List[Part]) -> int:
    """Return an upper bound of the memory of a column, in bytes."""
    size = sum(part.nbytes for part in parts)
    described = spec["of"] if spec["kind"] == Categories.name else spec
    if described["kind"] == Cells.name:
        size *= GROWTH
    # The array's own overhead, which columns that share a block do not have.
    return size if spec["kind"] == Numbers.name else size + _ARRAY_BYTES
