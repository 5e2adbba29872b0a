"""Parsing of a request's body, in either JSON form, into tables of plain values."""

from __future__ import annotations

import json
import re
from collections import Counter
from dataclasses import dataclass
from typing import Any, Dict, List, Sequence, Tuple

from azml_magic.scoring.faults import Fault, bad_input, mismatch, too_large, unparsable

INPUT_NAMES = ("input1", "input2")
MAX_COLUMNS = 10_000
_SURROGATE = re.compile(r"\\u[dD][89a-fA-F]")


@dataclass(frozen=True)
class Table:
    """One input of a request.

    Attributes
    ----------
    names : tuple of str
        The column names.
    columns : tuple of list
        The parsed JSON values of each column.
    all_text : bool
        Whether it was in the classic form, in which every value may be a string.
    """

    names: Tuple[str, ...]
    columns: Tuple[List[Any], ...]
    all_text: bool = False

    @property
    def rows(self) -> int:
        """The number of rows."""
        return len(self.columns[0]) if self.columns else 0


def read_tables(body: bytes, ports: Sequence[str], max_rows: int) -> Dict[str, Table]:
    """Return the tables of a request by port.

    Parameters
    ----------
    body : bytes
        The request's body.
    ports : sequence of str
        The connected ports; the first is the body's ``input1``, the second ``input2``.
    max_rows : int
        Limit of the rows of one input.

    Raises
    ------
    Fault
        When the body is not a valid request to a service with these ports.
    """
    value = _parse(body)
    unknown = sorted(set(value) - {"Inputs", "GlobalParameters"})
    if unknown:
        raise bad_input("UnexpectedParameter", f"The body has an unknown key {unknown[0]!r}.")
    _check_parameters(value.get("GlobalParameters"))
    inputs = value.get("Inputs")
    if inputs is None and not ports:
        inputs = {}
    if not isinstance(inputs, dict):
        raise mismatch('The body needs "Inputs": an object of inputs by name.')
    expected = INPUT_NAMES[: len(ports)]
    for name in inputs:
        if name not in expected:
            raise mismatch(f"The service has no input {name!r}.", name)
    for name in expected:
        if name not in inputs:
            raise mismatch(f"The input {name!r} is missing.", name)
    tables = {port: _table(inputs[name], name) for port, name in zip(ports, expected)}
    for name, table in zip(expected, tables.values()):
        if table.rows > max_rows:
            detail = f"{name} has {table.rows:,} rows; the limit is {max_rows:,}."
            raise too_large("TooManyRows", detail)
    return tables


def _parse(body: bytes) -> Dict[str, Any]:
    try:
        text = body.decode("utf-8-sig")
        value = json.loads(text, object_pairs_hook=_without_repeats)
        if _SURROGATE.search(text):
            _check_text(value)
    except Fault:
        raise
    except UnicodeDecodeError:
        raise unparsable("The body is not UTF-8 text.") from None
    except RecursionError:
        raise unparsable("The body is nested too deeply.") from None
    except ValueError as error:
        raise unparsable(f"The body is not JSON: {error}.") from None
    if not isinstance(value, dict):
        raise unparsable("The body must be a JSON object.")
    return value


def _check_text(value: Any) -> None:
    """Refuse lone surrogates, which JSON can express but text cannot contain."""
    if isinstance(value, dict):
        for key, item in value.items():
            _check_text(key)
            _check_text(item)
    elif isinstance(value, list):
        for item in value:
            _check_text(item)
    elif isinstance(value, str):
        try:
            value.encode()
        except UnicodeEncodeError:
            raise unparsable("The body has text that is not valid Unicode.") from None


def _without_repeats(pairs: List[Tuple[str, Any]]) -> Dict[str, Any]:
    value = dict(pairs)
    if len(value) != len(pairs):
        counted = Counter(name for name, _ in pairs)
        repeated = next(name for name, count in counted.items() if count > 1)
        raise unparsable(f"The key {repeated!r} is given twice.", repeated)
    return value


def _check_parameters(parameters: Any) -> None:
    if parameters is None:
        return
    if not isinstance(parameters, dict):
        raise unparsable("GlobalParameters must be an object.", "GlobalParameters")
    if parameters:
        name = next(iter(parameters))
        detail = f"The service has no global parameter {name!r}."
        raise bad_input("UnexpectedParameter", detail, name)


def _table(value: Any, name: str) -> Table:
    if isinstance(value, list):
        return _of_records(value, name)
    if isinstance(value, dict):
        return _of_rows(value, name)
    raise unparsable(f"{name} must be a list of records, or ColumnNames and Values.", name)


def _of_records(records: List[Any], name: str) -> Table:
    """Read ``[{"a": 1}, ...]``; all records must have the same keys (S-4)."""
    if not records:
        return Table((), ())
    first = records[0]
    for number, record in enumerate(records):
        if not isinstance(record, dict):
            raise unparsable(f"Record {number} of {name} is not an object.", name)
        if record.keys() != first.keys():
            different = sorted(record.keys() ^ first.keys())[0]
            detail = f"Record {number} of {name} and record 0 differ in the column {different!r}."
            raise mismatch(detail, name)
    names = tuple(first)
    _check_width(len(names), name)
    return Table(names, tuple([record[key] for record in records] for key in names))


def _of_rows(value: Dict[str, Any], name: str) -> Table:
    """Read ``{"ColumnNames": [...], "Values": [[...]]}`` (S-3)."""
    unknown = sorted(set(value) - {"ColumnNames", "ColumnTypes", "Values"})
    if unknown:
        raise bad_input("UnexpectedParameter", f"{name} has an unknown key {unknown[0]!r}.", name)
    names, rows = value.get("ColumnNames"), value.get("Values")
    if not isinstance(names, list) or not all(isinstance(column, str) for column in names):
        raise unparsable(f"ColumnNames of {name} must be a list of strings.", name)
    if not isinstance(rows, list):
        raise unparsable(f"Values of {name} must be a list of rows.", name)
    _check_width(len(names), name)
    for column in names:
        if names.count(column) > 1:
            raise mismatch(f"The column {column!r} of {name} is repeated.", column)
    for number, row in enumerate(rows):
        if not isinstance(row, list):
            raise unparsable(f"Row {number} of {name} is not a list.", name)
        if len(row) != len(names):
            detail = f"Row {number} of {name} has {len(row)} values for {len(names)} columns."
            raise mismatch(detail, name)
    columns = tuple(list(column) for column in zip(*rows)) or tuple([] for _ in names)
    return Table(tuple(names), columns, all_text=True)


def _check_width(width: int, name: str) -> None:
    if width > MAX_COLUMNS:
        detail = f"{name} has {width:,} columns; the limit is {MAX_COLUMNS:,}."
        raise too_large("TooManyColumns", detail)
