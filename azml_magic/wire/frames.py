"""Encoding of a frame as a manifest and the buffers of its columns, and decoding.

Numbers of one type are received into one block of memory, pandas' own layout; nothing is copied
between the socket and the frame.
"""

from __future__ import annotations

import contextlib
from collections import Counter
from dataclasses import dataclass
from typing import Any, Dict, Iterator, List, Optional, Tuple

import numpy as np
import pandas as pd

from azml_magic.wire import assemble
from azml_magic.wire.channel import Channel, FrameTooLarge, WireError
from azml_magic.wire.column_kinds import build_array, encode_array, memory_of, parts_of
from azml_magic.wire.encoding import ColumnRefused, Reading, Unfit, raw, whole
from azml_magic.wire.gather import pieces
from azml_magic.wire.numbers import Numbers
from azml_magic.wire.pipe import LEAST_BYTES, PipeReader, PipeWriter
from azml_magic.wire.text_columns import Text

MANIFEST_BYTES = 64 << 20
MOST_ROWS = 1 << 40
MOST_COLUMNS = 1 << 20


@dataclass(frozen=True)
class EncodedFrame:
    """An encoded frame, whose buffers share the frame's memory.

    Attributes
    ----------
    manifest : dict
        Rows, names, the kind of each column, and the index.
    buffers : list of numpy.ndarray
        In the order of the manifest.
    """

    manifest: Dict[str, Any]
    buffers: List[Any]

    @property
    def can_be_lent(self) -> bool:
        """Whether it is large, consists of numbers, and has contiguous buffers.

        The text of a frame is spread over small pages, which cost as much to lend as to copy.
        """
        return (
            sum(buffer.nbytes for buffer in self.buffers) >= LEAST_BYTES
            and all(spec["kind"] != Text.name for spec in self.manifest["specs"])
            and all(buffer.flags.c_contiguous for buffer in self.buffers)
        )


def encode_frame(frame: pd.DataFrame, *, keep_index: bool) -> EncodedFrame:
    """Describe a frame and collect its buffers, without copying numbers or text.

    Parameters
    ----------
    frame : pandas.DataFrame
        Its column names must be strings.
    keep_index : bool
        Whether to send its index.

    Raises
    ------
    ColumnRefused
        When a column holds values that cannot be sent.
    """
    specs: List[Dict[str, Any]] = []
    # Thousands of columns of numbers can share one description.
    known: Dict[Any, int] = {}
    columns: List[int] = []
    buffers: List[Any] = []
    names = [str(name) for name in frame.columns]
    # The public frame.items() makes a Series of each column: milliseconds for wide frames.
    arrays: Any = frame
    for name, values in zip(names, arrays._iter_column_arrays()):
        place = known.get(values.dtype) if type(values) is np.ndarray else None
        if place is not None:
            buffers.append(values)
        else:
            encoded = _encode_column(name, values)
            buffers += encoded.buffers
            place = len(specs)
            specs.append(encoded.spec)
            if encoded.spec["kind"] == Numbers.name and values.dtype.isnative:
                known[values.dtype] = place
        columns.append(place)
    index = _encode_index(frame.index, buffers) if keep_index else None
    manifest = {
        "rows": len(frame),
        "names": names,
        "specs": specs,
        "columns": columns,
        "index": index,
    }
    return EncodedFrame(manifest, buffers)


def send_frame(channel: Channel, frame: EncodedFrame, pipe: Optional[PipeWriter] = None) -> None:
    """Send an encoded frame, which must not change meanwhile.

    Parameters
    ----------
    channel : Channel
        The channel to send to.
    frame : EncodedFrame
        The frame.
    pipe : PipeWriter, optional
        Carries the buffers if the frame :meth:`~EncodedFrame.can_be_lent`. The frame must then not
        change before the receiver has answered.
    """
    lent = pipe is not None and frame.can_be_lent
    channel.send_event({**frame.manifest, "lent": lent})
    if pipe is not None and lent:
        pipe.lend(pieces(frame.buffers))
    else:
        channel.send_buffers(pieces(frame.buffers))


def receive_frame(
    channel: Channel,
    *,
    text: str,
    max_bytes: int,
    trusted: bool = False,
    pipe: Optional[PipeReader] = None,
) -> pd.DataFrame:
    """Receive a frame into writable memory of this process.

    Parameters
    ----------
    channel : Channel
        The channel to receive from.
    text : str
        ``"object"`` for Python strings and ``None``, or ``"str"`` for the default text type
        of the installed pandas.
    max_bytes : int
        Limit of the frame's memory in bytes, checked before anything is allocated.
    trusted : bool
        Whether the sender is the notebook. Otherwise every value that could crash or mislead
        a reader is checked.
    pipe : PipeReader, optional
        Carries the buffers if the manifest says so.

    Raises
    ------
    WireError
        When the data is not a valid frame.
    """
    manifest = channel.receive_event(MANIFEST_BYTES)
    reading = Reading(text, trusted)
    with _refused(trusted):
        rows = whole(manifest, "rows", MOST_ROWS)
        names, specs, columns = _columns(manifest)
        level_specs = [level["spec"] for level in _levels(manifest)]
        parts = [parts_of(spec, rows) for spec in specs]
        level_parts = [parts_of(spec, rows) for spec in level_specs]
        counted = Counter(columns).items()
        needed = sum(memory_of(specs[place], parts[place]) * n for place, n in counted)
        needed += sum(map(memory_of, level_specs, level_parts))
        if needed > max_bytes:
            raise FrameTooLarge(f"a frame of {needed:,} bytes, where {max_bytes:,} are allowed")
        if not columns and not level_specs and rows > max_bytes:
            raise WireError(f"a frame of {rows:,} rows without a column")
        plain = [spec["kind"] == Numbers.name for spec in specs]
        memory = assemble.Memory(columns, parts, plain, level_parts)
    if pipe is not None and manifest.get("lent") is True:
        pipe.receive_into(memory.in_order)
    else:
        channel.receive_into([raw(buffer) for buffer in memory.in_order])
    with _refused(trusted):
        for spec, block in memory.blocks.items():
            build_array(specs[spec], [block.values.reshape(-1)], reading)
        arrays = {
            place: build_array(specs[columns[place]], buffers, reading)
            for place, buffers in memory.buffers.items()
        }
        levels = [
            build_array(spec, buffers, reading) for spec, buffers in zip(level_specs, memory.levels)
        ]
        index = _build_index(manifest.get("index"), levels, rows)
        return assemble.frame(names, arrays, list(memory.blocks.values()), index)


@contextlib.contextmanager
def _refused(trusted: bool) -> Iterator[None]:
    """Turn errors of pandas and NumPy about an invalid frame into :class:`WireError`."""
    try:
        yield
    except (WireError, MemoryError):
        raise
    except Exception as error:
        if trusted:
            raise
        raise WireError(f"a frame that cannot be built: {type(error).__name__}") from None


def _encode_column(name: str, values: Any) -> Any:
    try:
        return encode_array(values)
    except Unfit as error:
        raise ColumnRefused(name, error.reason) from None


def _encode_index(index: pd.Index, buffers: List[Any]) -> Optional[Dict[str, Any]]:
    if isinstance(index, pd.RangeIndex):
        if index.start == 0 and index.step == 1 and index.name is None:
            return None
        name = _index_name(index.name)
        return {"range": [index.start, index.stop, index.step], "name": name}
    described = []
    for number in range(index.nlevels):
        level = index.get_level_values(number)
        encoded = _encode_column(f"index level {number}", level.array)
        buffers += encoded.buffers
        described.append({"name": _index_name(level.name), "spec": encoded.spec})
    return {"levels": described}


def _index_name(name: Any) -> Optional[str]:
    return None if name is None else str(name)


def _is_text(value: Any) -> bool:
    """Return whether a value is text that can be encoded; JSON can hold lone surrogates."""
    if type(value) is not str:
        return False
    try:
        value.encode()
    except UnicodeEncodeError:
        return False
    return True


def _columns(manifest: Dict[str, Any]) -> Tuple[List[str], List[Dict[str, Any]], List[int]]:
    names, specs, columns = (manifest.get(key) for key in ("names", "specs", "columns"))
    if not isinstance(names, list) or not all(type(name) is str for name in names):
        raise WireError("names are not a list of strings")
    if not all(map(_is_text, names)):
        raise WireError("a name has a lone surrogate")
    if len(names) > MOST_COLUMNS or len(set(names)) != len(names):
        raise WireError("names are repeated, or too many")
    if not isinstance(specs, list) or len(specs) > len(names):
        raise WireError("descriptions of columns are missing, or too many")
    if not all(isinstance(spec, dict) for spec in specs):
        raise WireError("descriptions of columns are missing")
    if not isinstance(columns, list) or len(columns) != len(names):
        raise WireError("the numbers of names and columns differ")
    if not all(type(place) is int and 0 <= place < len(specs) for place in columns):
        raise WireError("a column without a description")
    return names, specs, columns


def _levels(manifest: Dict[str, Any]) -> List[Dict[str, Any]]:
    index = manifest.get("index")
    if index is None:
        return []
    if not isinstance(index, dict):
        raise WireError("an index of an unknown kind")
    levels = index.get("levels", [])
    if not isinstance(levels, list) or not all(
        isinstance(level, dict) and isinstance(level.get("spec"), dict) for level in levels
    ):
        raise WireError("an index of an unknown kind")
    return levels


def _build_index(described: Any, arrays: List[Any], rows: int) -> pd.Index:
    if described is None:
        return pd.RangeIndex(rows)
    if "range" in described:
        return _build_range(described, rows)
    names = [level.get("name") for level in described.get("levels", [])]
    if not arrays or not all(name is None or _is_text(name) for name in names):
        raise WireError("an index without levels, or without names")
    if len(arrays) == 1:
        single: pd.Index = pd.Index(arrays[0], name=names[0], dtype=_index_dtype(arrays[0]))
        return single
    return pd.MultiIndex.from_arrays(arrays, names=names)


def _build_range(described: Dict[str, Any], rows: int) -> pd.RangeIndex:
    bounds, name = described["range"], described.get("name")
    if not isinstance(bounds, list) or len(bounds) != 3:
        raise WireError("an index with an invalid range")
    if not all(type(bound) is int and abs(bound) < 1 << 62 for bound in bounds) or not bounds[2]:
        raise WireError("an index with an invalid range")
    if name is not None and not _is_text(name):
        raise WireError("the name of an index is not text")
    index = pd.RangeIndex(bounds[0], bounds[1], bounds[2], name=name)
    if len(index) != rows:
        raise WireError("an index whose length differs from its frame's")
    return index


def _index_dtype(values: Any) -> Any:
    # Without a dtype, an index of objects would infer another type.
    return object if isinstance(values, np.ndarray) and values.dtype == object else None
