"""Conditions under which names need not exist, or code never runs."""

from __future__ import annotations

import ast


def is_main_test(test: ast.expr) -> bool:
    """Return whether an expression is ``__name__ == "__main__"``, which is false in a module."""
    if not (isinstance(test, ast.Compare) and len(test.ops) == 1):
        return False
    sides = [test.left, test.comparators[0]]
    has_name = any(isinstance(side, ast.Name) and side.id == "__name__" for side in sides)
    has_main = any(isinstance(side, ast.Constant) and side.value == "__main__" for side in sides)
    return has_name and has_main and isinstance(test.ops[0], ast.Eq)


def catches_name_error(handler: ast.ExceptHandler) -> bool:
    """Return whether a handler serves to test whether a name exists."""
    caught = handler.type
    names = caught.elts if isinstance(caught, ast.Tuple) else [caught]
    return any(isinstance(name, ast.Name) and name.id == "NameError" for name in names)


def asks_for_version(test: ast.expr) -> bool:
    """Return whether a test chooses between Python 2 and 3, whose names differ."""
    for node in ast.walk(test):
        if isinstance(node, ast.Name) and node.id in {"PY2", "PY3"}:
            return True
        if isinstance(node, ast.Attribute):
            of_sys = isinstance(node.value, ast.Name) and node.value.id == "sys"
            if node.attr in {"version_info", "PY2", "PY3"} or (of_sys and node.attr == "version"):
                return True
    return False
