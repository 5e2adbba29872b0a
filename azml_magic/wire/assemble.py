"""Memory for the buffers of a frame, and the frame built from it without a copy."""

from __future__ import annotations

import itertools
from collections import Counter
from importlib import import_module
from typing import Any, Dict, List, NamedTuple, Sequence

import numpy as np
import pandas as pd

from azml_magic.wire.encoding import Part

_PANDAS_3 = int(pd.__version__.split(".")[0]) >= 3


class Block(NamedTuple):
    """Columns of one type in one array.

    Attributes
    ----------
    values : numpy.ndarray
        Two-dimensional; each row is a column of the frame.
    places : list of int
        The positions of these columns in the frame.
    """

    values: Any
    places: List[int]


class Memory:
    """Uninitialised memory for the buffers of columns.

    Parameters
    ----------
    columns : sequence of int
        The description of each column.
    parts : sequence of list of Part
        For each description, the buffers of one column.
    plain : sequence of bool
        For each description, whether it is of NumPy numbers, whose columns share a block.
    levels : sequence of list of Part
        The buffers of the levels of the index.

    Attributes
    ----------
    blocks : dict of int to Block
        The columns of numbers, by description.
    buffers : dict of int to list of numpy.ndarray
        The buffers of all other columns, by column.
    levels : list of list of numpy.ndarray
        The buffers of the levels.
    in_order : list of numpy.ndarray
        The same memory in the order in which it is to be filled; adjacent columns of a block are
        one array.
    """

    def __init__(
        self,
        columns: Sequence[int],
        parts: Sequence[List[Part]],
        plain: Sequence[bool],
        levels: Sequence[List[Part]],
    ) -> None:
        self.blocks = {
            spec: Block(np.empty((count, parts[spec][0].length), parts[spec][0].dtype), [])
            for spec, count in Counter(columns).items()
            if plain[spec]
        }
        self.buffers: Dict[int, List[Any]] = {}
        self.in_order: List[Any] = []
        for spec, run in itertools.groupby(range(len(columns)), columns.__getitem__):
            if plain[spec]:
                block = self.blocks[spec]
                first = len(block.places)
                block.places.extend(run)
                self.in_order.append(block.values[first : len(block.places)].reshape(-1))
                continue
            for place in run:
                self.buffers[place] = _allocate(parts[spec])
                self.in_order += self.buffers[place]
        self.levels = list(map(_allocate, levels))
        self.in_order += itertools.chain.from_iterable(self.levels)


def _allocate(parts: Sequence[Part]) -> List[Any]:
    return [np.empty(part.length, part.dtype) for part in parts]


def frame(
    names: List[str], arrays: Dict[int, Any], blocks: Sequence[Block], index: pd.Index
) -> pd.DataFrame:
    """Build a frame from columns, sharing their memory.

    Parameters
    ----------
    names : list of str
        Names of the columns.
    arrays : dict of int to array
        The columns outside blocks, by position.
    blocks : sequence of Block
        Columns of numbers that share an array.
    index : pandas.Index
        The index.
    """
    if not names:
        return pd.DataFrame(index=index, columns=pd.Index(names, dtype=object))
    columns = pd.Index(names)
    if len(blocks) == 1 and not arrays:
        return pd.DataFrame(blocks[0].values.T, index=index, columns=columns, copy=False)
    if _PANDAS_3:
        return _from_blocks(arrays, blocks, columns, index)
    single = dict(arrays)
    for block in blocks:
        single.update(zip(block.places, block.values))
    made = pd.DataFrame({place: single[place] for place in range(len(names))}, index, copy=False)
    made.columns = columns
    return made


def _from_blocks(
    arrays: Dict[int, Any], blocks: Sequence[Block], columns: pd.Index, index: pd.Index
) -> pd.DataFrame:
    internals: Any = import_module("pandas.api.internals")

    placed = [(block.values, np.array(block.places, np.intp)) for block in blocks]
    for place, values in arrays.items():
        if isinstance(values, np.ndarray) and values.dtype.kind in "mM":
            values = pd.array(values)
        # Pandas keeps these in two-dimensional blocks, and all other types in one-dimensional ones.
        if isinstance(values.dtype, (np.dtype, pd.DatetimeTZDtype)):
            values = values.reshape(1, -1)
        placed.append((values, np.array([place], np.intp)))
    made: pd.DataFrame = internals.create_dataframe_from_blocks(placed, index, columns)
    return made
