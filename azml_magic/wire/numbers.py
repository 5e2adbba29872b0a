"""Columns of numbers, booleans, dates and time spans: one buffer, or two if nullable."""

from __future__ import annotations

import datetime
import re
from typing import Any, Dict, List, Optional

import numpy as np
import pandas as pd

from azml_magic import sentences
from azml_magic.wire.channel import WireError
from azml_magic.wire.encoding import Encoded, Part, Reading, Unfit, check_flags, native, one_of

PLAIN = ("b1", "i1", "i2", "i4", "i8", "u1", "u2", "u4", "u8", "f2", "f4", "f8")
UNITS = ("s", "ms", "us", "ns")
_MASKED = {
    "i1": "Int8", "i2": "Int16", "i4": "Int32", "i8": "Int64",
    "u1": "UInt8", "u2": "UInt16", "u4": "UInt32", "u8": "UInt64",
    "f4": "Float32", "f8": "Float64", "b1": "boolean",
}  # fmt: skip
_ZONE = re.compile(r"[A-Za-z][A-Za-z0-9_+\-]*(/[A-Za-z0-9_+\-]+)*")
_DAY = 86_400


class Numbers:
    """NumPy numbers and booleans in their memory layout."""

    name = "plain"

    @staticmethod
    def encode(values: Any) -> Optional[Encoded]:
        """Describe a NumPy array of numbers; ``None`` for any other."""
        if not isinstance(values, np.ndarray) or values.dtype.str[1:] not in PLAIN:
            return None
        values = native(values)
        return Encoded({"kind": Numbers.name, "dtype": values.dtype.str[1:]}, [values])

    @staticmethod
    def parts(spec: Dict[str, Any], rows: int) -> List[Part]:
        """Return the buffers to be received."""
        return [Part(np.dtype(one_of(spec, "dtype", PLAIN)), rows)]

    @staticmethod
    def build(spec: Dict[str, Any], buffers: List[Any], reading: Reading) -> Any:
        """Return the array."""
        (values,) = buffers
        if spec["dtype"] == "b1" and not reading.trusted:
            check_flags(values.view(np.uint8))
        return values


class Masked:
    """Pandas' nullable numbers and booleans: values, and a flag for each."""

    name = "masked"

    @staticmethod
    def encode(values: Any) -> Optional[Encoded]:
        """Describe a nullable array; ``None`` for any other."""
        dtype = getattr(values, "dtype", None)
        if str(dtype) not in _MASKED.values() or not hasattr(values, "_mask"):
            return None
        data = native(values._data)
        return Encoded({"kind": Masked.name, "dtype": data.dtype.str[1:]}, [data, values._mask])

    @staticmethod
    def parts(spec: Dict[str, Any], rows: int) -> List[Part]:
        """Return the buffers to be received."""
        dtype = np.dtype(one_of(spec, "dtype", tuple(_MASKED)))
        return [Part(dtype, rows), Part(np.dtype(bool), rows)]

    @staticmethod
    def build(spec: Dict[str, Any], buffers: List[Any], reading: Reading) -> Any:
        """Return the array."""
        data, mask = buffers
        if not reading.trusted:
            check_flags(mask.view(np.uint8))
            if spec["dtype"] == "b1":
                check_flags(data.view(np.uint8))
        if spec["dtype"] == "b1":
            return pd.arrays.BooleanArray(data, mask)
        if spec["dtype"][0] != "f":
            return pd.arrays.IntegerArray(data, mask)
        if not hasattr(pd.arrays, "FloatingArray"):  # before pandas 1.2
            return np.where(mask, np.asarray(np.nan, data.dtype), data)
        return pd.arrays.FloatingArray(data, mask)


class Times:
    """Dates, with or without a time zone, and time spans."""

    name = "times"

    @staticmethod
    def encode(values: Any) -> Optional[Encoded]:
        """Describe an array of dates or time spans; ``None`` for any other."""
        dtype = getattr(values, "dtype", None)
        zone = None
        if isinstance(dtype, pd.DatetimeTZDtype):
            unit, letter, zone = str(dtype.unit), "M", _describe_zone(dtype.tz)
        elif isinstance(dtype, np.dtype) and dtype.kind in "mM":
            unit, letter = np.datetime_data(dtype)[0], dtype.kind
            if unit not in UNITS:
                return None
        else:
            return None
        if isinstance(values, np.ndarray):
            values = native(values)
        spec = {"kind": Times.name, "what": letter, "unit": unit, "zone": zone}
        return Encoded(spec, [values.view("i8")])

    @staticmethod
    def parts(spec: Dict[str, Any], rows: int) -> List[Part]:
        """Return the buffers to be received."""
        one_of(spec, "what", ("m", "M"))
        one_of(spec, "unit", UNITS)
        if spec.get("zone") is not None:
            one_of(spec, "what", ("M",))
            _zone(spec["zone"])
        return [Part(np.dtype("i8"), rows)]

    @staticmethod
    def build(spec: Dict[str, Any], buffers: List[Any], reading: Reading) -> Any:
        """Return the array."""
        values = buffers[0].view(f"{spec['what']}8[{spec['unit']}]")
        if spec.get("zone") is None:
            return values
        zone = _zone(spec["zone"])
        if not hasattr(pd.DatetimeIndex, "as_unit"):  # before pandas 2
            return pd.DatetimeIndex(values).tz_localize("UTC").tz_convert(zone).array
        dtype = pd.DatetimeTZDtype(spec["unit"], zone)
        return pd.array(values).view(dtype) if len(values) else pd.array([], dtype=dtype)


def _describe_zone(zone: Any) -> Any:
    """Return a time zone's name, or its offset from UTC in seconds."""
    name = getattr(zone, "key", None) or getattr(zone, "zone", None)
    if name is None:
        # Time zones of dateutil know the file that they were read from.
        name = str(getattr(zone, "_filename", "") or "").rpartition("zoneinfo/")[2] or None
    if name is not None:
        if _ZONE.fullmatch(str(name)):
            return str(name)
    elif zone.utcoffset(None) is not None:
        return int(zone.utcoffset(None).total_seconds())
    raise Unfit(sentences.UNKNOWN_ZONE(said=str(zone)))


def _zone(described: Any) -> Any:
    """Return a time zone for pandas: a fixed offset, or a known name."""
    if type(described) is int and -_DAY < described < _DAY:
        return datetime.timezone(datetime.timedelta(seconds=described))
    if isinstance(described, str) and len(described) < 80 and _ZONE.fullmatch(described):
        try:
            _find_zone(described)
        except (KeyError, ValueError, OSError):
            pass
        else:
            return described
    raise WireError("an unknown time zone")


def _find_zone(name: str) -> None:
    try:
        from zoneinfo import ZoneInfo
    except ImportError:  # before Python 3.9
        pd.DatetimeTZDtype("ns", name)
    else:
        ZoneInfo(name)
