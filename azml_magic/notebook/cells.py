"""What IPython knows: the cell that runs, the cells that define names, how errors are shown."""

from __future__ import annotations

import inspect
import sys
from collections.abc import Callable
from types import FunctionType
from typing import Any

from azml_magic.display.terminal import error_terminal, wants_color
from azml_magic.errors import AzmlError, ModuleError, did_you_mean
from azml_magic.module.module import Module


def current_cell(shell: Any) -> str:
    """Return the label of the cell that runs now, such as ``"Cell In[5]"``.

    The counter of the shell differs between IPython 8 and 9 while a cell runs; the cell's
    own stack frame tells it right in both.
    """
    label = ""
    frame = sys._getframe()
    while frame is not None:
        known = shell.compile.format_code_name(frame.f_code.co_filename)
        label = " ".join(known) if known else label
        frame = frame.f_back  # type: ignore[assignment]
    return label or "the cell"


def module_of_function(shell: Any, name: str, module_name: str) -> Module:
    """Return the module that a function of the notebook makes.

    Raises
    ------
    ModuleError
        When there is no such function, or its source is not known.
    """
    variables = shell.user_ns
    if name not in variables:
        functions = [known for known, value in variables.items() if isinstance(value, FunctionType)]
        raise ModuleError(
            f"no function named {name!r} in the notebook",
            did_you_mean(name, functions, "run the cell that defines it first"),
        )
    function = variables[name]
    return Module.from_function(function, label=_defining_cell(shell, function), name=module_name)


def _defining_cell(shell: Any, function: Any) -> str:
    code = getattr(inspect.unwrap(function) if callable(function) else function, "__code__", None)
    known = shell.compile.format_code_name(code.co_filename) if code is not None else None
    return " ".join(known) if known else ""


def known_names(shell: Any) -> dict[str, str]:
    """Return the notebook's own names, each with the cell that defines it where that is known."""
    hidden = set(shell.user_ns_hidden)
    return {
        name: _place(shell, value)
        for name, value in shell.user_ns.items()
        if name not in hidden and not name.startswith("_")
    }


def _place(shell: Any, value: Any) -> str:
    return _defining_cell(shell, value) if isinstance(value, (FunctionType, type)) else ""


def presentable(error: AzmlError, shell: Any) -> AzmlError:
    """Make IPython show the error in our form, without a frame of our machinery.

    IPython asks an exception for ``_render_traceback_``; what it returns is also what a
    notebook saves.
    """
    renderer: Callable[[], list[str]] = lambda: error_terminal(  # noqa: E731
        error, colors=_wants_color(shell)
    ).splitlines()
    error._render_traceback_ = renderer  # type: ignore[attr-defined]
    return error


def _wants_color(shell: Any) -> bool:
    if str(getattr(shell, "colors", "")).lower() == "nocolor":
        return False
    return hasattr(shell, "kernel") or wants_color(sys.stdout)
