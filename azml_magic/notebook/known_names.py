"""The names defined in the notebook, and hints for modules that lack one."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Mapping
from types import FunctionType, ModuleType
from typing import Any

from azml_magic.module.global_names import read_names
from azml_magic.result import Failure

_MISSING = re.compile(r"name '(\w+)' is not defined")


class KnownNames(Mapping[str, str]):
    """The names of the notebook, each with the cell that defines it, or ``""`` if unknown.

    A cell is parsed only when a name is looked up that it may define.

    Parameters
    ----------
    shell : InteractiveShell
        The notebook's shell.
    """

    def __init__(self, shell: Any) -> None:
        self._shell = shell
        self._defined: dict[int, frozenset[str]] = {}

    def __getitem__(self, name: str) -> str:
        if name not in self._names():
            raise KeyError(name)
        value = self._shell.user_ns[name]
        if isinstance(value, FunctionType):
            return defining_cell(self._shell, value)
        return self._assigning_cell(name)

    def __iter__(self) -> Iterator[str]:
        return iter(self._names())

    def __len__(self) -> int:
        return len(self._names())

    def __contains__(self, name: object) -> bool:
        return name in self._names()

    def _names(self) -> set[str]:
        hidden = self._shell.user_ns_hidden
        return {
            name for name in self._shell.user_ns if name not in hidden and not name.startswith("_")
        }

    def _assigning_cell(self, name: str) -> str:
        """Return the last executed cell that binds a name."""
        cells = self._shell.user_ns.get("In", [])
        # The last one is the running cell, which cannot have given the name its value.
        for number in range(len(cells) - 2, 0, -1):
            if name in self._bound_in(number, cells[number]):
                return f"Cell In[{number}]"
        return ""

    def _bound_in(self, number: int, source: str) -> frozenset[str]:
        if number not in self._defined:
            try:
                self._defined[number] = read_names(ast.parse(source)).defined
            except (SyntaxError, ValueError, RecursionError):
                self._defined[number] = frozenset()
        return self._defined[number]


def defining_cell(shell: Any, function: Any) -> str:
    """Return the label of the cell that defines a function; empty if no cell does."""
    code = getattr(function, "__code__", None)
    known = shell.compile.format_code_name(code.co_filename) if code is not None else None
    return " ".join(known) if known else ""


def missing_name_hint(failure: Failure, known: Mapping[str, str], variables: Any) -> str:
    """Return a hint about a name that the notebook has but the module lacks.

    Parameters
    ----------
    failure : Failure
        The failure of a run.
    known : mapping of str to str
        The names of the notebook, and where they are defined.
    variables : mapping
        The notebook's variables.

    Returns
    -------
    str
        One line; empty if the failure is a different one, or the notebook has no such name.
    """
    found = _MISSING.search(failure.message) if failure.kind == "NameError" else None
    if found is None or found[1] not in known:
        return ""
    name = found[1]
    value, place = variables[name], known[name] or "the notebook"
    if isinstance(value, ModuleType):
        line = f"import {value.__name__}"
        if value.__name__ != name:
            line += f" as {name}"
        return f"`{name}` is imported in {place}; import it in the module too: {line}"
    if type(value).__name__ == "DataFrame":
        return f"`{name}` is a DataFrame in {place}; pass it in by a port: -i {name}"
    return (
        f"`{name}` is defined in {place} and does not exist in the cloud: "
        "move it into this cell or into the script bundle"
    )
