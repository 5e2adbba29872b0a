"""Input and output frames under the rules of a profile.

The given frame is never modified; unchanged columns are shared with the new frame, not copied.
Only columns whose type is subject to a rule are examined.
"""

from __future__ import annotations

from typing import Any, Dict, List, Tuple

import pandas as pd

from azml_magic import sentences
from azml_magic.contract.changes import (
    COLUMNS_NAME,
    NOT_TEXT,
    REPEATED,
    RESERVED,
    ROWS_LOST,
    Changes,
)
from azml_magic.contract.column_names import is_reserved, name_text, unique_names
from azml_magic.contract.column_rules import Carried, ColumnRules, Unfit
from azml_magic.contract.column_types import carry, passes
from azml_magic.contract.column_values import Column
from azml_magic.contract.index import carry_index
from azml_magic.contract.pandas_versions import with_columns
from azml_magic.contract.profile import Profile
from azml_magic.contract.returned_values import ReturnRefused
from azml_magic.errors import InputError
from azml_magic.result import Finding
from azml_magic.sentences import ComposedText, joined


def prepare_input(
    frame: pd.DataFrame, port: str, profile: Profile
) -> Tuple[pd.DataFrame, List[Finding]]:
    """Return the frame that a module receives for a frame of the notebook.

    Parameters
    ----------
    frame : pandas.DataFrame
        What is connected to the port; not modified.
    port : str
        ``"dataset1"`` or ``"dataset2"``.
    profile : Profile
        The rules.

    Returns
    -------
    tuple
        The new frame, and one finding for each kind of change.

    Raises
    ------
    InputError
        When no dataset of the profile could hold it.
    """
    changes = Changes(True, port)
    try:
        prepared = _prepare(frame, ColumnRules(profile, True), changes)
    except _Refused as refused:
        message = joined(sentences.PORT(port=port), refused.message)
        raise InputError(message, refused.hint) from None
    return prepared, changes.findings()


def prepare_output(
    frame: pd.DataFrame, port: str, profile: Profile
) -> Tuple[pd.DataFrame, List[Finding]]:
    """Return the dataset that the cloud stores for a frame returned by a module.

    Parameters
    ----------
    frame : pandas.DataFrame
        What the module returned; not modified.
    port : str
        ``"output1"`` or ``"output2"``.
    profile : Profile
        The rules.

    Returns
    -------
    tuple
        The new frame, and one finding for each kind of change.

    Raises
    ------
    ReturnRefused
        When the frame cannot be written (rule L9).
    """
    changes = Changes(False, port)
    try:
        prepared = _prepare(frame, ColumnRules(profile, False), changes)
    except _Refused as refused:
        number = refused.number or profile.write_error
        message = joined(sentences.PORT(port=port), refused.message)
        raise ReturnRefused(message, refused.hint, number) from None
    return prepared, changes.findings()


class _Refused(Exception):
    """A frame is refused; the message follows the name of its port."""

    def __init__(self, message: ComposedText, hint: ComposedText, number: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint
        self.number = number


def _prepare(frame: pd.DataFrame, rules: ColumnRules, changes: Changes) -> pd.DataFrame:
    # A new plain DataFrame over the same columns, even when a subclass was given.
    prepared = pd.DataFrame(frame, copy=False)
    names = _names(prepared.columns, rules, changes)
    replaced: Dict[int, pd.Series] = {}
    for position, dtype in enumerate(prepared.dtypes):
        if not passes(dtype, rules):
            carried = _carry(prepared.iloc[:, position].array, names[position], rules)
            if carried.kinds:
                changes.add(carried.kinds, sentences.LABEL(label=names[position]))
            if carried.values is not None:
                # As a Series, so that pandas does not infer another type for objects.
                replaced[position] = pd.Series(
                    carried.values, prepared.index, dtype=carried.values.dtype, copy=False
                )
    prepared = with_columns(prepared, replaced)
    prepared.columns = pd.Index(names, dtype=None if names else object)
    prepared = _without_reserved(prepared, names, rules, changes)
    if not len(prepared.columns):
        changes.add([ROWS_LOST] if len(prepared) else [])
        return pd.DataFrame()
    index = _index(prepared.index, rules, changes)
    if index is not prepared.index:
        prepared.index = index
    return prepared


def _carry(values: Column, name: str, rules: ColumnRules) -> Carried:
    try:
        return carry(values, rules)
    except Unfit as error:
        raise _unfit(sentences.COLUMN(label=name), error) from None
    except Exception as error:  # reading a cell may run any code
        why = sentences.UNREADABLE(word=type(error).__name__)
        message = joined(sentences.COLUMN(label=name), why)
        raise _Refused(message, sentences.PLAIN_CELLS()) from None


def _unfit(where: ComposedText, error: Unfit) -> _Refused:
    row = [] if error.row is None else [sentences.FIRST_IN_ROW(number=error.row)]
    return _Refused(joined(where, error.holds, *row), error.hint, error.number)


def _names(columns: pd.Index, rules: ColumnRules, changes: Changes) -> List[str]:
    if isinstance(columns, pd.MultiIndex) and rules.profile.keeps_index:
        raise _Refused(sentences.SEVERAL_LEVELS(), sentences.JOIN_LEVELS(), "0085")
    try:
        labels = columns.tolist()
        names = unique_names(labels, rules.profile)
    except Exception as error:  # str() of a label may run any code
        message = sentences.UNREADABLE_NAME(word=type(error).__name__)
        raise _Refused(message, sentences.NAME_WITH_STRINGS(), "0085") from None
    if any(name is not None for name in columns.names):
        changes.add([COLUMNS_NAME])
    for label, name in zip(labels, names):
        if label is not name:
            text = name_text(label)
            kinds = [NOT_TEXT] if not isinstance(label, str) or label != text else []
            kinds += [REPEATED] if text != name else []
            changes.add(kinds, sentences.BECAME(label=label, label_2=name))
    return names


def _index(index: pd.Index, rules: ColumnRules, changes: Changes) -> Any:
    try:
        carried = carry_index(index, rules, changes)
    except Unfit as error:
        raise _unfit(sentences.INDEX(), error) from None
    except Exception as error:  # reading a label may run any code
        message = joined(sentences.INDEX(), sentences.UNREADABLE(word=type(error).__name__))
        raise _Refused(message, sentences.DROP_INDEX()) from None
    return index if carried is None else carried


def _without_reserved(
    frame: pd.DataFrame, names: List[str], rules: ColumnRules, changes: Changes
) -> pd.DataFrame:
    """Drop columns that designer's file format would read as its index (rule N9)."""
    if not rules.profile.keeps_index:
        return frame
    reserved = [name for name in names if is_reserved(name)]
    for name in reserved:
        changes.add([RESERVED], sentences.LABEL(label=name))
    return frame.drop(columns=reserved) if reserved else frame
