"""The index of a frame: dropped in classic, kept in designer (rules I1 to I3)."""

from __future__ import annotations

from typing import Any, List, Optional

import numpy as np
import pandas as pd
from pandas.api.types import infer_dtype

from azml_magic import sentences
from azml_magic.contract.changes import INDEX, INDEX_CHANGED, PLAIN_INDEX, SHOWN, Changes
from azml_magic.contract.column_names import name_text
from azml_magic.contract.column_rules import ColumnRules
from azml_magic.contract.column_types import carry
from azml_magic.contract.column_values import Column


def carry_index(index: pd.Index, rules: ColumnRules, changes: Changes) -> Optional[Any]:
    """Return the new index of a frame; ``None`` when its own index is kept unchanged.

    Raises
    ------
    Unfit
        When a level cannot be stored.
    """
    numbered = pd.RangeIndex(len(index))
    if not rules.profile.keeps_index:
        return _dropped(index, numbered, changes)
    if isinstance(index, pd.RangeIndex):
        if not index.equals(numbered):
            return _named(pd.Index(np.asarray(index), name=index.name))
        if index.name is None:
            return None
        changes.add([INDEX_CHANGED], sentences.INDEX_NAME(label=index.name))
        return numbered
    if _is_mixed(index):
        changes.add([INDEX_CHANGED], sentences.MIXED_LABELS())
        return numbered
    return _levels(index, rules, changes)


def _dropped(index: pd.Index, numbered: pd.Index, changes: Changes) -> Optional[Any]:
    names = [name for name in index.names if name is not None]
    if isinstance(index, pd.RangeIndex) and not names and index.equals(numbered):
        return None
    if names:
        changes.add(
            [INDEX], sentences.listed([sentences.LABEL(label=name) for name in names], SHOWN)
        )
    elif index.dtype.kind not in "iu":
        changes.add([INDEX])
    elif not index.equals(numbered):
        changes.add([PLAIN_INDEX])
    return numbered


def _is_mixed(index: pd.Index) -> bool:
    if isinstance(index, pd.MultiIndex) or index.dtype != object:
        return False
    # Integers and floats together are one type, float64.
    return infer_dtype(index, skipna=True) in ("mixed", "mixed-integer")


def _levels(index: pd.Index, rules: ColumnRules, changes: Changes) -> Optional[Any]:
    if not isinstance(index, pd.MultiIndex):
        values = _level(index.array, rules, changes, index.name)
        if values is None:
            return _named(index)
        return _named(pd.Index(values, dtype=values.dtype, name=index.name))
    levels = [_level(level.array, rules, changes, level.name) for level in index.levels]
    if all(level is None for level in levels):
        return _named(index)
    arrays: List[Any] = []
    for number, level in enumerate(levels):
        codes = np.asarray(index.codes[number])
        array = index.levels[number].array if level is None else level
        arrays.append(pd.Series(array).reindex(codes).array)
    return _named(pd.MultiIndex.from_arrays(arrays, names=index.names))


def _level(values: Column, rules: ColumnRules, changes: Changes, name: Any) -> Optional[Any]:
    carried = carry(values, rules)
    named = sentences.THE_INDEX() if name is None else sentences.INDEX_LEVEL(label=name)
    changes.add(carried.kinds, named)
    return carried.values


def _named(index: pd.Index) -> Optional[Any]:
    """Convert the names to text."""
    names = [None if name is None else name_text(name) for name in index.names]
    return index if list(index.names) == names else index.set_names(names)
