"""The buffers of a frame as few long pieces of memory; contiguous memory is not copied.

The columns of one block are stored one after the other, or interleaved, as rows of a matrix.
Adjacent columns are sent as one piece. Interleaved ones are gathered one tile at a time, so that
each cache line is fetched once rather than once per column.
"""

from __future__ import annotations

from typing import Any, Iterator, List, Sequence

import numpy as np

from azml_magic.wire.encoding import raw

_GATHERED_BYTES = 4 << 20
_TILE_COLUMNS, _TILE_ROWS = 64, 1024


def pieces(buffers: Sequence[Any]) -> Iterator[Any]:
    """Yield the bytes of flat arrays, in order.

    Parameters
    ----------
    buffers : sequence of numpy.ndarray
        One-dimensional arrays.
    """
    for run in _runs(buffers):
        first = run[0]
        if first.flags.c_contiguous:
            yield raw(first) if len(run) == 1 else raw(_joined(run))
        elif len(run) == 1:
            step = max(1, _GATHERED_BYTES // first.itemsize)
            for start in range(0, len(first), step):
                yield raw(np.ascontiguousarray(first[start : start + step]))
        else:
            yield from _tiles(run)


def _runs(buffers: Sequence[Any]) -> Iterator[List[Any]]:
    """Group arrays that are evenly spaced parts of one allocation."""
    run: List[Any] = []
    spacing = last = 0
    for buffer in buffers:
        address = buffer.__array_interface__["data"][0]
        if run and _alike(run[-1], buffer) and _fits(address - last, spacing, buffer, len(run)):
            spacing = address - last
            run.append(buffer)
        else:
            if run:
                yield run
            run, spacing = [buffer], 0
        last = address
    if run:
        yield run


def _alike(one: Any, other: Any) -> bool:
    return (
        one.base is not None
        and one.base is other.base
        and one.dtype == other.dtype
        and one.shape == other.shape
        and one.strides == other.strides
    )


def _fits(distance: int, spacing: int, buffer: Any, length: int) -> bool:
    if length > 1 and distance != spacing:
        return False
    if buffer.flags.c_contiguous:
        return bool(distance == buffer.nbytes)
    return bool(0 < distance < buffer.strides[0])


def _joined(run: List[Any]) -> Any:
    first = run[0]
    shape = (len(run) * len(first),)
    # Not the array's own stride, which is meaningless for an axis of length 1.
    return np.lib.stride_tricks.as_strided(first, shape, (first.itemsize,), writeable=False)


def _tiles(run: List[Any]) -> Iterator[Any]:
    first, second = run[0], run[1]
    spacing = second.__array_interface__["data"][0] - first.__array_interface__["data"][0]
    rows = len(first)
    matrix = np.lib.stride_tricks.as_strided(
        first, (len(run), rows), (spacing, first.strides[0]), writeable=False
    )
    count = max(1, min(_TILE_COLUMNS, _GATHERED_BYTES // max(1, rows * first.itemsize)))
    for start in range(0, len(run), count):
        columns = matrix[start : start + count]
        tile = np.empty(columns.shape, first.dtype)
        for row in range(0, rows, _TILE_ROWS):
            tile[:, row : row + _TILE_ROWS] = columns[:, row : row + _TILE_ROWS]
        yield raw(tile.reshape(-1))
