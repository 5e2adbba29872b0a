"""Frames of the notebook: finding them for the ports, listing and assigning them."""

from __future__ import annotations

import sys
from types import FunctionType
from typing import TYPE_CHECKING, Any

from azml_magic.errors import PortError, did_you_mean
from azml_magic.notebook.known_names import defining_cell
from azml_magic.result import Result

if TYPE_CHECKING:
    import pandas as pd


def frames(shell: Any) -> dict[str, pd.DataFrame]:
    """Return the notebook's DataFrames by name, sorted."""
    pandas = sys.modules.get("pandas")
    if pandas is None:  # then no variable can be a DataFrame
        return {}
    variables = dict(shell.user_ns)
    return {
        name: variables[name]
        for name in sorted(variables)
        if isinstance(variables[name], pandas.DataFrame) and not name.startswith("_")
    }


def shape_text(frame: pd.DataFrame) -> str:
    """Return ``"768 × 9"``."""
    rows, columns = frame.shape
    return f"{rows:,} × {columns:,}"


def functions(shell: Any) -> list[str]:
    """Return the names of functions defined in cells, ``azureml_main`` first."""
    found = [
        name
        for name, value in dict(shell.user_ns).items()
        if isinstance(value, FunctionType)
        and not name.startswith("_")
        and value.__code__.co_name != "<lambda>"
        and defining_cell(shell, value)
    ]
    return sorted(found, key=lambda name: (name != "azureml_main", name))


def bind(shell: Any, inputs: dict[str, str]) -> dict[str, pd.DataFrame]:
    """Return the frame of each connected port.

    Raises
    ------
    PortError
        When a variable does not exist, or is not a DataFrame.
    """
    variables, known = shell.user_ns, frames(shell)
    listed = f"frames here: {', '.join(known)}" if known else "no frame is defined yet"
    for port, name in inputs.items():
        if name not in variables:
            raise PortError(
                f"no variable named {name!r} for {port}", did_you_mean(name, known, listed)
            )
        if name not in known:
            kind = type(variables[name]).__name__
            hint = f"convert it: frame = {name}.to_frame()" if kind == "Series" else listed
            raise PortError(f"{name!r} for {port} is a {kind}, not a DataFrame", hint)
    return {port: known[name] for port, name in inputs.items()}


def assign(shell: Any, outputs: list[str], result_name: str, result: Result) -> None:
    """Assign the frames to the variables of ``-o``, and the result to that of ``--result``.

    Raises
    ------
    PortError
        When there is no frame for a variable; then none is assigned.
    """
    assigned: dict[str, Any] = {}
    for position, name in enumerate(outputs):
        frame = result.outputs[position]
        if frame is None:
            raise PortError(
                f"the module returned no frame for {name!r} (output{position + 1})",
                f"return it from azureml_main, or leave {name} out of -o",
            )
        assigned[name] = frame
    if result_name:
        assigned[result_name] = result
    shell.push(assigned)
