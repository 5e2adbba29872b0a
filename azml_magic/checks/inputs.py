"""Family ``inputs``: wrong assumptions about the frames on the input ports."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from typing import TypeGuard

from azml_magic.checks.literals import is_true, text
from azml_magic.checks.parsed_script import Script
from azml_magic.checks.surroundings import Surroundings
from azml_magic.checks.words import words
from azml_magic.findings import CODES
from azml_magic.module.global_names import ENTRY_POINT
from azml_magic.result import Finding

INDEX_USED = CODES["AZ271"]
FIRST_ROWS = CODES["AZ272"]
NOT_RETURNED = CODES["AZ273"]

_OF_LABELS = words(
    "date day dayofweek dayofyear freq get_level_values hour is_month_end is_month_start levels "
    "minute month name names normalize quarter second str strftime time to_period tz tz_convert "
    "tz_localize week weekday weekofyear year"
)
_BY_INDEX = words("asfreq at_time between_time resample swaplevel tz_convert tz_localize xs")
_CHANGING = words(
    "clip drop drop_duplicates dropna fillna interpolate mask query rename replace reset_index "
    "set_index sort sort_index sort_values where"
)


def find(script: Script, around: Surroundings) -> Iterator[Finding]:
    """Yield uses of an input's index (rules I1 and 3.7), and lost changes (A13)."""
    entry = script.entry
    if entry is None or isinstance(entry, ast.Lambda):
        return
    parameters = [one.arg for one in entry.args.posonlyargs + entry.args.args][:2]
    nodes = list(ast.walk(entry))
    for name in parameters:
        if not _is_rebound(nodes, name):
            for place in nodes:
                if around.profile.keeps_index:
                    yield from _first_rows(place, name)
                else:
                    yield from _index_used(place, name)
        yield from _lost_changes(nodes, name)


def _is_rebound(nodes: list[ast.AST], name: str) -> bool:
    """Return whether a parameter is rebound, or given another index."""
    for node in nodes:
        if isinstance(node, ast.Name) and node.id == name and not isinstance(node.ctx, ast.Load):
            return True
        if _is_attribute(node, name, "index") and isinstance(node.ctx, ast.Store):
            return True
        if (
            isinstance(node, ast.Call)
            and _is_attribute(node.func, name, "set_index")
            and is_true(node, "inplace")
        ):
            return True
    return False


def _index_used(node: ast.AST, name: str) -> Iterator[Finding]:
    use = ""
    if isinstance(getattr(node, "ctx", None), ast.Store | ast.Del):
        return
    if isinstance(node, ast.Attribute) and node.attr in _OF_LABELS:
        use = f"{name}.index.{node.attr}" if _is_attribute(node.value, name, "index") else ""
    elif isinstance(node, ast.Subscript) and _is_attribute(node.value, name, "loc", "ix", "at"):
        label = _row_label(node)
        use = f"{name}.{node.value.attr}[{label}]" if label else ""
    elif isinstance(node, ast.Call) and _is_attribute(node.func, name):
        method = node.func.attr
        given = {keyword.arg for keyword in node.keywords}
        by_index = method in _BY_INDEX and not given & {"on", "level"}
        by_level = method in {"groupby", "sum", "mean"} and "level" in given
        use = f"{name}.{method}" if by_index or by_level else ""
    if use:
        message = f"{use} needs an index, but frames arrive with rows numbered from 0"
        fix = f"pass it as a column: reset_index() before, {name}.set_index(...) in the module"
        yield INDEX_USED.at(getattr(node, "end_lineno", None), message, fix, "3.7")


def _row_label(node: ast.Subscript) -> str:
    """Return the text label that selects rows; empty for other selections."""
    key = node.slice
    if isinstance(key, ast.Tuple) and key.elts:
        key = key.elts[0]
    parts = [key.lower, key.upper] if isinstance(key, ast.Slice) else [key]
    label = next((part for part in parts if text(part) is not None), None)
    return repr(text(label)) if label is not None else ""


def _first_rows(node: ast.AST, name: str) -> Iterator[Finding]:
    """Yield ``frame["column"][0]``: a filtered frame may have no row 0."""
    if not (isinstance(node, ast.Subscript) and isinstance(node.ctx, ast.Load)):
        return
    key, column = node.slice, node.value
    is_number = isinstance(key, ast.Constant) and type(key.value) is int
    if not is_number or not isinstance(column, ast.Subscript):
        return
    if _is_name(column.value, name) and text(column.slice) is not None:
        number = ast.unparse(key)
        message = (
            f"{ast.unparse(node)[:60]} is the row labelled {number}; a filtered input may lack it"
        )
        fix = f"take it by position: {ast.unparse(column)[:40]}.iloc[{number}]"
        yield FIRST_ROWS.at(node.lineno, message, fix, "3.7")


def _lost_changes(nodes: list[ast.AST], name: str) -> Iterator[Finding]:
    """Yield the last in-place change of a parameter that is not read afterwards."""
    changes = [node for node in nodes if _is_change(node, name)]
    if not changes or _is_aliased(nodes, name):
        return
    last = max(changes, key=lambda node: getattr(node, "end_lineno", 0))
    first_line, last_line = getattr(last, "lineno", 0), getattr(last, "end_lineno", 0)
    reads = [
        node.lineno
        for node in nodes
        if isinstance(node, ast.Name) and node.id == name and isinstance(node.ctx, ast.Load)
    ]
    # Inside a loop, code above the change is also executed after it.
    loops = [
        node.body[0].lineno
        for node in nodes
        if isinstance(node, ast.For | ast.While)
        and node.lineno <= first_line <= (node.end_lineno or 0)
    ]
    above = min(loops, default=first_line)
    if not any(line > last_line or above <= line < first_line for line in reads):
        message = f"{name} is changed in place, but only what {ENTRY_POINT} returns is passed on"
        yield NOT_RETURNED.at(first_line, message, f"return {name},", "A13")


def _is_change(node: ast.AST, name: str) -> bool:
    targets: list[ast.expr] = []
    if isinstance(node, ast.Assign | ast.Delete):
        targets = list(node.targets)
    elif isinstance(node, ast.AugAssign):
        targets = [node.target]
    elif isinstance(node, ast.Expr) and isinstance(node.value, ast.Call):
        function = node.value.func
        if isinstance(function, ast.Attribute) and _is_name(function.value, name):
            inplace = is_true(node.value, "inplace")
            return function.attr == "insert" or (function.attr in _CHANGING and inplace)
    for target in targets:
        if isinstance(target, ast.Subscript | ast.Attribute):
            value = target.value
            if isinstance(value, ast.Attribute) and value.attr in {"loc", "iloc", "ix", "at"}:
                value = value.value
            if _is_name(value, name):
                return True
    return False


def _is_aliased(nodes: list[ast.AST], name: str) -> bool:
    """Return whether another name may refer to the same frame."""
    for node in nodes:
        if isinstance(node, ast.Assign):
            targets = [part for target in node.targets for part in _values(target)]
            is_bound = any(_is_name(target, name) for target in targets)
            if is_bound and isinstance(node.value, ast.Name | ast.Tuple | ast.List):
                return True
            if any(_is_name(part, name) for part in _values(node.value)):
                return True
        elif isinstance(node, ast.For) and any(_is_name(one, name) for one in _values(node.target)):
            return True
    return False


def _values(node: ast.expr) -> list[ast.expr]:
    return list(node.elts) if isinstance(node, ast.Tuple | ast.List) else [node]


def _is_attribute(node: ast.AST, name: str, *attributes: str) -> TypeGuard[ast.Attribute]:
    """Return whether a node is an attribute of a name: one of those given, or any."""
    if not isinstance(node, ast.Attribute) or not _is_name(node.value, name):
        return False
    return not attributes or node.attr in attributes


def _is_name(node: ast.AST, name: str) -> bool:
    return isinstance(node, ast.Name) and node.id == name
