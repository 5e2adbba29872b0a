"""The source of a function, as a module."""

from __future__ import annotations

import ast
import inspect
import textwrap
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from azml_magic.errors import ModuleError
from azml_magic.module.global_names import ENTRY_POINT
from azml_magic.module.syntax import parse

# Decorators of these packages only serve the notebook, such as register_cell_magic.
_NOTEBOOK_PACKAGES = {"IPython", "azml_magic"}


@dataclass(frozen=True)
class FunctionSource:
    """The source of a function.

    Attributes
    ----------
    source : str
        The function, and ``azureml_main = its_name`` when it has another name.
    first_line : int
        The line of its file or cell at which it begins, counted from 1.
    label : str
        Name of its file, or of the function where the file is not the user's.
    file : str
        The file name that Python knows the function by.
    """

    source: str
    first_line: int
    label: str
    file: str


def read_function(function: Callable[..., Any]) -> FunctionSource:
    """Return the source of a function.

    Raises
    ------
    ModuleError
        When it is a lambda or not a function, or its source is not known.
    """
    plain = inspect.unwrap(function) if callable(function) else function
    if not inspect.isfunction(plain):
        what = "a class" if inspect.isclass(plain) else f"a {type(plain).__name__}"
        raise ModuleError(
            f"{what} is not a function with source code", "pass a function defined by def"
        )
    name = plain.__name__
    if plain.__code__.co_name == "<lambda>":
        raise ModuleError("a lambda cannot be a module", f"write it as def {ENTRY_POINT}(...)")
    try:
        lines, first_line = inspect.getsourcelines(plain)
    except (OSError, TypeError, IndentationError) as error:
        raise ModuleError(
            f"the source of {name} is not known", "run the cell that defines it again"
        ) from error
    source = textwrap.dedent("".join(lines))
    tree = _parse(source, name)
    definition = tree.body[0]
    assert isinstance(definition, ast.FunctionDef | ast.AsyncFunctionDef)
    source = _without_notebook_decorators(source, definition, plain.__globals__)
    if definition.name != ENTRY_POINT:
        source = f"{source.rstrip()}\n\n\n{ENTRY_POINT} = {definition.name}\n"
    file = Path(plain.__code__.co_filename)
    label = file.name if file.is_file() else name
    return FunctionSource(source, max(first_line, 1), label, str(file))


def _parse(source: str, name: str) -> ast.Module:
    try:
        tree = parse(source)
        is_function = isinstance(tree.body[0], ast.FunctionDef | ast.AsyncFunctionDef)
    except (SyntaxError, IndexError):
        is_function = False
    if not is_function:
        raise ModuleError(
            f"the source of {name} is not complete by itself", "define it at the top level"
        )
    return tree


def _without_notebook_decorators(
    source: str, definition: ast.FunctionDef | ast.AsyncFunctionDef, variables: dict[str, Any]
) -> str:
    """Blank the lines of notebook-only decorators, so that line numbers stay the same."""
    lines = source.split("\n")
    for decorator in definition.decorator_list:
        root: ast.AST = decorator
        while isinstance(root, ast.Call | ast.Attribute):
            root = root.func if isinstance(root, ast.Call) else root.value
        value = variables.get(root.id) if isinstance(root, ast.Name) else None
        origin = getattr(value, "__module__", None) or getattr(value, "__name__", None) or ""
        if str(origin).partition(".")[0] in _NOTEBOOK_PACKAGES:
            for number in range(decorator.lineno, (decorator.end_lineno or 0) + 1):
                lines[number - 1] = ""
    return "\n".join(lines)
