"""Family ``lost_index``: a returned index with content, which classic drops."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from azml_magic.checks.entry_point import own_nodes
from azml_magic.checks.literals import is_true
from azml_magic.checks.parsed_script import Script
from azml_magic.checks.surroundings import Surroundings
from azml_magic.checks.words import words
from azml_magic.findings import CODES
from azml_magic.module.global_names import ENTRY_POINT
from azml_magic.result import Finding

LOST = CODES["AZ371"]

_MAKING = words(
    "corr cov crosstab describe pivot pivot_table set_index stack transpose unstack value_counts"
)
_KEEPING = words(
    "applymap assign astype copy dropna fillna head map nlargest nsmallest rename replace round "
    "sort_index sort_values tail to_frame"
)
_AGGREGATING = words(
    "agg aggregate count first last max mean median min nunique prod size std sum var"
)
_MOST_STEPS = 12


def find(script: Script, around: Surroundings) -> Iterator[Finding]:
    """Yield returned frames whose index has content (rule I2)."""
    function = script.entry
    if around.profile.keeps_index or not isinstance(function, ast.FunctionDef):
        return
    nodes = list(own_nodes(function))
    for node in nodes:
        if isinstance(node, ast.Return) and node.value is not None:
            value = node.value
            if isinstance(value, ast.Tuple | ast.List) and value.elts:
                value = value.elts[0]
            maker = _maker(value, _Events(nodes, node.lineno), script, _MOST_STEPS)
            if maker:
                message = f"{ENTRY_POINT} returns a frame whose index, from {maker}, is dropped"
                yield LOST.at(node.lineno, message, "make it a column: reset_index()", "I2")


class _Events:
    """The events that set the index of each name, up to a line.

    A name may be bound to an expression of itself, so each search continues above the previous
    event.
    """

    def __init__(self, nodes: list[ast.AST], before: int) -> None:
        self._before = before
        self._found: dict[str, list[tuple[int, ast.expr]]] = {}
        for node in nodes:
            name, value = _event(node)
            if name and value is not None:
                self._found.setdefault(name, []).append((value.lineno, value))

    def last(self, name: str) -> ast.expr | None:
        """Return the last event of a name; the next search begins above it."""
        earlier = [one for one in self._found.get(name, []) if one[0] < self._before]
        if not earlier:
            return None
        self._before, value = max(earlier, key=lambda one: one[0])
        return value


def _event(node: ast.AST) -> tuple[str, ast.expr | None]:
    if isinstance(node, ast.Assign) and len(node.targets) == 1:
        target = node.targets[0]
        if isinstance(target, ast.Name):
            return target.id, node.value
        if isinstance(target, ast.Attribute) and target.attr == "index":
            return _root(target.value), target
    elif isinstance(node, ast.Expr) and isinstance(node.value, ast.Call):
        function = node.value.func
        is_inplace = is_true(node.value, "inplace")
        changing = {"set_index", "reset_index"}
        if is_inplace and isinstance(function, ast.Attribute) and function.attr in changing:
            return _root(function.value), node.value
    return "", None


def _root(node: ast.expr) -> str:
    return node.id if isinstance(node, ast.Name) else ""


def _maker(node: ast.expr, events: _Events, script: Script, steps: int) -> str:
    """Return what set the index of an expression; empty for a default index."""
    if steps == 0:
        return ""
    if isinstance(node, ast.Name):
        value = events.last(node.id)
        return "" if value is None else _maker(value, events, script, steps - 1)
    if isinstance(node, ast.Attribute):
        if node.attr == "index" and isinstance(node.ctx, ast.Store):
            return "an assignment"
        return "T" if node.attr == "T" else ""
    if isinstance(node, ast.Subscript):
        return _maker(node.value, events, script, steps - 1)
    if not isinstance(node, ast.Call):
        return ""
    name = script.dotted(node.func)
    if name.startswith("pandas."):
        return _of_constructor(name, node)
    if not isinstance(node.func, ast.Attribute):
        return ""
    method, receiver = node.func.attr, node.func.value
    if is_true(node, "ignore_index"):
        return ""
    if method in _MAKING:
        return "" if method == "stack" and name.startswith("numpy") else method
    if method in _AGGREGATING:
        return _of_groups(receiver)
    return _maker(receiver, events, script, steps - 1) if method in _KEEPING else ""


def _of_constructor(name: str, node: ast.Call) -> str:
    last = name.rpartition(".")[2]
    if last in {"crosstab", "pivot_table"}:
        return last
    if last in {"DataFrame", "Series"}:
        index = next((one.value for one in node.keywords if one.arg == "index"), None)
        is_count = isinstance(index, ast.Call) and _root(index.func) in {"range", "len"}
        is_copied = isinstance(index, ast.Attribute) and index.attr == "index"
        is_list = isinstance(index, ast.List) and all(
            isinstance(one, ast.Constant) and isinstance(one.value, int) for one in index.elts
        )
        if index is not None and not (is_count or is_copied or is_list):
            return "index="
    return ""


def _of_groups(receiver: ast.expr) -> str:
    """Return ``groupby`` or ``resample`` if a chain has one that sets the index."""
    node = receiver
    while True:
        if isinstance(node, ast.Subscript | ast.Attribute):
            node = node.value
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            if node.func.attr in {"groupby", "resample"}:
                flat = any(
                    one.arg == "as_index"
                    and isinstance(one.value, ast.Constant)
                    and one.value.value is False
                    for one in node.keywords
                )
                return "" if flat else node.func.attr
            node = node.func.value
        else:
            return ""
