"""Columns of text and of bytes: offsets, concatenated values, and a validity bitmap."""

from __future__ import annotations

import codecs
from typing import Any, Dict, List, Optional

import numpy as np
import pandas as pd
from pandas.api.types import infer_dtype

from azml_magic import sentences
from azml_magic.wire.channel import WireError
from azml_magic.wire.encoding import Encoded, Part, Reading, Unfit, blocks, one_of, whole

MOST = 1 << 48
_NATIVE_TEXT = int(pd.__version__.split(".")[0]) >= 3


class Text:
    """Text in ``object``, ``str`` or ``string`` columns."""

    name = "text"

    @staticmethod
    def encode(values: Any) -> Optional[Encoded]:
        """Describe an array of text; ``None`` for any other."""
        if isinstance(values, np.ndarray):
            if values.dtype != object or infer_dtype(values, skipna=True) not in _TEXT:
                return None
            dtype = "object"
        elif isinstance(values.dtype, pd.StringDtype):
            dtype = "str" if values.dtype.na_value is np.nan else "string"
        else:
            return None
        import pyarrow as pa

        try:
            array = pa.array(values, pa.large_string(), from_pandas=True)
        except UnicodeEncodeError:
            raise Unfit(sentences.SURROGATE()) from None
        return _encode(array, {"kind": Text.name, "dtype": dtype})

    @staticmethod
    def parts(spec: Dict[str, Any], rows: int) -> List[Part]:
        """Return the buffers to be received."""
        one_of(spec, "dtype", ("object", "str", "string"))
        return _parts(spec, rows)

    @staticmethod
    def build(spec: Dict[str, Any], buffers: List[Any], reading: Reading) -> Any:
        """Return the array, as objects or in pandas' own text type."""
        import pyarrow as pa

        if not reading.trusted:
            _check_offsets(buffers[0], len(buffers[1]))
            _check_text(buffers[0], buffers[1])
        array = _arrow(pa.large_string(), buffers)
        dtype: Any = pd.StringDtype
        if spec["dtype"] == "string" and not hasattr(pd.arrays, "ArrowStringArray"):
            return pd.array(array.to_numpy(zero_copy_only=False), dtype())  # before pandas 1.3
        if spec["dtype"] == "string":
            return dtype("pyarrow").__from_arrow__(array)
        if reading.text == "str" and _NATIVE_TEXT:
            return dtype("pyarrow", na_value=np.nan).__from_arrow__(array)
        return array.to_numpy(zero_copy_only=False)


class Bytes:
    """Cells of bytes, such as a pickled model (rule C23)."""

    name = "bytes"

    @staticmethod
    def encode(values: Any) -> Optional[Encoded]:
        """Describe an array of bytes objects; ``None`` for any other."""
        if not isinstance(values, np.ndarray) or values.dtype != object:
            return None
        if infer_dtype(values, skipna=True) != "bytes":
            return None
        import pyarrow as pa

        array = pa.array(values, pa.large_binary(), from_pandas=True)
        return _encode(array, {"kind": Bytes.name})

    @staticmethod
    def parts(spec: Dict[str, Any], rows: int) -> List[Part]:
        """Return the buffers to be received."""
        return _parts(spec, rows)

    @staticmethod
    def build(spec: Dict[str, Any], buffers: List[Any], reading: Reading) -> Any:
        """Return an array of bytes objects and ``None``."""
        import pyarrow as pa

        if not reading.trusted:
            _check_offsets(buffers[0], len(buffers[1]))
        return _arrow(pa.large_binary(), buffers).to_numpy(zero_copy_only=False)


_TEXT = {"string", "empty"}


def _encode(array: Any, spec: Dict[str, Any]) -> Encoded:
    import pyarrow as pa

    if isinstance(array, pa.ChunkedArray):
        array = array.chunk(0) if array.num_chunks == 1 else array.combine_chunks()
    if isinstance(array, pa.ChunkedArray):  # from combining no chunks, or more than fit into one
        array = pa.concat_arrays(array.chunks or [pa.array([], array.type)])
    rows = len(array)
    offsets, data = _values(array)
    buffers = [offsets, data]
    missing = array.null_count
    if missing:
        buffers.append(_validity(array))
    return Encoded({**spec, "bytes": len(data), "missing": missing, "rows": rows}, buffers)


def _values(array: Any) -> Any:
    """Return offsets that start at 0, and the bytes that they index."""
    _, offset_buffer, data_buffer = array.buffers()
    if offset_buffer is None or not len(array):
        return np.zeros(len(array) + 1, np.int64), np.empty(0, np.uint8)
    stored = np.frombuffer(offset_buffer, np.int64)
    offsets = stored[array.offset : array.offset + len(array) + 1]
    first, last = int(offsets[0]), int(offsets[-1])
    if first:
        offsets = offsets - first
    if data_buffer is None or first == last:
        return offsets, np.empty(0, np.uint8)
    return offsets, np.frombuffer(data_buffer, np.uint8)[first:last]


def _validity(array: Any) -> Any:
    """Return a bitmap with one bit per value, lowest first, 0 where missing."""
    bits = np.frombuffer(array.buffers()[0], np.uint8)
    start, rows = array.offset, len(array)
    if start % 8 == 0:
        return bits[start // 8 : start // 8 + _bitmap_bytes(rows)]
    flags = np.unpackbits(bits, bitorder="little")[start : start + rows]
    return np.packbits(flags, bitorder="little")


def _parts(spec: Dict[str, Any], rows: int) -> List[Part]:
    size = whole(spec, "bytes", MOST)
    missing = whole(spec, "missing", rows)
    parts = [Part(np.dtype("i8"), rows + 1), Part(np.dtype("u1"), size)]
    if missing:
        parts.append(Part(np.dtype("u1"), _bitmap_bytes(rows)))
    return parts


def _arrow(kind: Any, buffers: List[Any]) -> Any:
    import pyarrow as pa

    offsets, data = (pa.py_buffer(buffer) for buffer in buffers[:2])
    validity = pa.py_buffer(buffers[2]) if len(buffers) > 2 else None
    # Arrow counts the missing values itself, as the sender's count cannot be trusted.
    return pa.Array.from_buffers(kind, len(buffers[0]) - 1, [validity, offsets, data])


def _bitmap_bytes(rows: int) -> int:
    return (rows + 7) // 8


def _check_offsets(offsets: Any, size: int) -> None:
    if int(offsets[0]) != 0 or int(offsets[-1]) != size:
        raise WireError("offsets do not span the text")
    before = 0
    for block in blocks(offsets):
        if int(block[0]) < before or bool((block[1:] < block[:-1]).any()):
            raise WireError("offsets go backwards")
        before = int(block[-1])


def _check_text(offsets: Any, data: Any) -> None:
    """Check that the bytes are UTF-8, and that no value begins inside a character."""
    if not len(data) or int(data.max()) < 0x80:
        return
    decoder = codecs.getincrementaldecoder("utf-8")()
    try:
        for block in blocks(data):
            decoder.decode(block.tobytes())
        decoder.decode(b"", final=True)
    except UnicodeDecodeError:
        raise WireError("text is not UTF-8") from None
    for block in blocks(offsets[:-1]):
        inside = block[block < len(data)]
        if bool(((data[inside] & 0xC0) == 0x80).any()):
            raise WireError("a text begins inside a character")
