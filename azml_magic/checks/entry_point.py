"""Static resolution of the function that ``azureml_main`` is bound to."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from azml_magic.module.global_names import ENTRY_POINT
from azml_magic.module.guards import is_main_test

EntryFunction = ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda


def entry_function(tree: ast.Module) -> EntryFunction | None:
    """Return the function that ``azureml_main`` is finally bound to (rule A10).

    Names are followed through plain assignments such as ``azureml_main = score``. The result is
    ``None`` if the binding depends on a condition, or on anything but a function of the source.
    """
    functions: dict[str, EntryFunction] = {}
    bindings = 0
    for statement, is_certain in _statements(tree.body):
        if isinstance(statement, ast.FunctionDef | ast.AsyncFunctionDef):
            functions[statement.name] = statement
            bindings += statement.name == ENTRY_POINT
        elif isinstance(statement, ast.Assign):
            for target in statement.targets:
                if isinstance(target, ast.Name):
                    _assign(functions, target.id, statement.value)
                    bindings += target.id == ENTRY_POINT
        elif isinstance(statement, ast.Import | ast.ImportFrom):
            for alias in statement.names:
                functions.pop(alias.asname or alias.name, None)
        if not is_certain and bindings > 1:
            return None
    return functions.get(ENTRY_POINT)


def _assign(functions: dict[str, EntryFunction], name: str, value: ast.expr) -> None:
    if isinstance(value, ast.Lambda):
        functions[name] = value
    elif isinstance(value, ast.Name) and value.id in functions:
        functions[name] = functions[value.id]
    else:
        functions.pop(name, None)


def _statements(body: list[ast.stmt], is_certain: bool = True) -> Iterator[tuple[ast.stmt, bool]]:
    """Yield the top-level statements, and whether each runs unconditionally."""
    for statement in body:
        if isinstance(statement, ast.If):
            if not is_main_test(statement.test):
                yield from _statements(statement.body, False)
            yield from _statements(statement.orelse, False)
        elif isinstance(statement, ast.Try):
            yield from _statements(statement.body, False)
            for handler in statement.handlers:
                yield from _statements(handler.body, False)
            yield from _statements(statement.orelse + statement.finalbody, False)
        elif isinstance(statement, ast.With):
            yield from _statements(statement.body, is_certain)
        else:
            yield statement, is_certain


def own_nodes(function: EntryFunction) -> Iterator[ast.AST]:
    """Yield the nodes of a function's body, except those of nested functions."""
    waiting: list[ast.AST] = (
        [function.body] if isinstance(function, ast.Lambda) else list(reversed(function.body))
    )
    while waiting:
        node = waiting.pop()
        yield node
        if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda | ast.ClassDef):
            waiting.extend(ast.iter_child_nodes(node))
