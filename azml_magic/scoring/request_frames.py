"""Conversion of a request's tables to frames, checked against the recorded schema."""

from __future__ import annotations

from typing import Any, Dict, Mapping, Optional, Sequence

import pandas as pd

from azml_magic.module.manifest import Schema
from azml_magic.scoring.faults import mismatch, unparsable
from azml_magic.scoring.json_values import InvalidValue, convert, guess
from azml_magic.scoring.request_tables import INPUT_NAMES, Table, read_tables


def read_frames(
    body: bytes, ports: Sequence[str], schemas: Mapping[str, Schema], max_rows: int
) -> Dict[str, pd.DataFrame]:
    """Return the frames of a request by port.

    Parameters
    ----------
    body : bytes
        The request's body, in either JSON form.
    ports : sequence of str
        The connected ports.
    schemas : mapping of str to Schema
        The recorded columns by port. A port without recorded columns accepts any.
    max_rows : int
        Limit of the rows of one input.

    Raises
    ------
    Fault
        When the body is invalid.
    """
    tables = read_tables(body, ports, max_rows)
    names = dict(zip(ports, INPUT_NAMES))
    return {port: _frame(table, schemas.get(port), names[port]) for port, table in tables.items()}


def _frame(table: Table, schema: Optional[Schema], place: str) -> pd.DataFrame:
    if schema is None:
        kinds = {
            name: guess(values, all_text=table.all_text)
            for name, values in zip(table.names, table.columns)
        }
    else:
        kinds = _recorded(table, schema, place)
    values = dict(zip(table.names, table.columns))
    arrays = {name: _column(values.get(name, []), kind, name) for name, kind in kinds.items()}
    return pd.DataFrame(arrays, index=pd.RangeIndex(table.rows))


def _recorded(table: Table, schema: Schema, place: str) -> Dict[str, str]:
    """Return the type of each column in the recorded order, as a script may use positions."""
    expected = [column.name for column in schema]
    # An empty list of records has no column names, so none can be wrong.
    if table.names or table.all_text:
        for name in expected:
            if name not in table.names:
                raise mismatch(f"The column {name!r} of {place} is missing.", name)
        for name in table.names:
            if name not in expected:
                raise mismatch(f"{place} has no column {name!r}.", name)
    values = dict(zip(table.names, table.columns))
    return {
        column.name: column.type
        if column.type != "any"
        else guess(values.get(column.name, []), all_text=table.all_text)
        for column in schema
    }


def _column(values: Any, kind: str, name: str) -> Any:
    try:
        return convert(values, kind)
    except InvalidValue as error:
        raise unparsable(f"The column {name!r}: {error}.", name) from None
