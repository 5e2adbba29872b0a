"""Memory for the buffers of a frame, and the frame made of it without a copy."""

from __future__ import annotations

from importlib import import_module
from typing import Any, Dict, List, NamedTuple, Sequence

import numpy as np
import pandas as pd

from azml_magic.worker.wire.kinds import Part

_PANDAS_3 = int(pd.__version__.split(".")[0]) >= 3


class Block(NamedTuple):
    """Columns of one type in one piece of memory.

    Attributes
    ----------
    values : numpy.ndarray
        Two-dimensional, one row a column.
    places : list of int
        Which columns these are.
    """

    values: Any
    places: List[int]


class Memory:
    """Uninitialised memory for the buffers of columns.

    Parameters
    ----------
    parts : list of list of Part
        The buffers of each column.
    plain : list of bool
        Whether each is a column of NumPy numbers, which share a block with their like.

    Attributes
    ----------
    buffers : list of list of numpy.ndarray
        One array for each part, to be filled.
    blocks : list of Block
        Columns of one buffer of numbers, those of one type together.
    in_order : list of numpy.ndarray
        The same memory in the order of the parts; neighbours in a block are one array.
    """

    def __init__(self, parts: Sequence[List[Part]], plain: Sequence[bool]) -> None:
        grouped: Dict[Part, List[int]] = {}
        for place, column in enumerate(parts):
            if plain[place]:
                grouped.setdefault(column[0], []).append(place)
        self.blocks = [
            Block(np.empty((len(places), part.length), part.dtype), places)
            for part, places in grouped.items()
        ]
        located = {
            place: (number, row)
            for number, block in enumerate(self.blocks)
            for row, place in enumerate(block.places)
        }
        self.buffers: List[List[Any]] = []
        for place, column in enumerate(parts):
            if place in located:
                number, row = located[place]
                self.buffers.append([self.blocks[number].values[row]])
            else:
                self.buffers.append([np.empty(part.length, part.dtype) for part in column])
        self.in_order = self._joined(located)

    def _joined(self, located: Dict[int, Any]) -> List[Any]:
        joined: List[Any] = []
        place = 0
        while place < len(self.buffers):
            if place not in located:
                joined += self.buffers[place]
                place += 1
                continue
            number, first = located[place]
            last = first
            while located.get(place) == (number, last):
                place, last = place + 1, last + 1
            joined.append(self.blocks[number].values[first:last].reshape(-1))
        return joined


def frame(
    names: List[str], arrays: List[Any], blocks: Sequence[Block], index: pd.Index
) -> pd.DataFrame:
    """Return the frame of some columns, sharing the memory of their blocks.

    Parameters
    ----------
    names : list of str
        Names of the columns.
    arrays : list
        The columns.
    blocks : sequence of Block
        Columns of numbers that are in one piece of memory.
    index : pandas.Index
        The index.
    """
    if not arrays:
        return pd.DataFrame(index=index, columns=pd.Index(names, dtype=object))
    columns = pd.Index(names)
    if len(blocks) == 1 and len(blocks[0].places) == len(arrays):
        return pd.DataFrame(blocks[0].values.T, index=index, columns=columns, copy=False)
    if _PANDAS_3:
        return _from_blocks(arrays, blocks, columns, index)
    made = pd.DataFrame(dict(enumerate(arrays)), index=index, copy=False)
    made.columns = columns
    return made


def _from_blocks(
    arrays: List[Any], blocks: Sequence[Block], columns: pd.Index, index: pd.Index
) -> pd.DataFrame:
    internals: Any = import_module("pandas.api.internals")

    placed = [(block.values, np.array(block.places, np.intp)) for block in blocks]
    covered = {place for block in blocks for place in block.places}
    for place, values in enumerate(arrays):
        if place not in covered:
            if isinstance(values, np.ndarray) and values.dtype.kind in "mM":
                values = pd.array(values)
            # Pandas keeps these in blocks of two dimensions, and all other types in one.
            if isinstance(values.dtype, (np.dtype, pd.DatetimeTZDtype)):
                values = values.reshape(1, -1)
            placed.append((values, np.array([place], np.intp)))
    made: pd.DataFrame = internals.create_dataframe_from_blocks(placed, index, columns)
    return made
