"""Family ``returns``: what ``azureml_main`` returns, as far as its return statements tell."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from azml_magic.checks.codes import Code, Surroundings
from azml_magic.checks.entry_point import own_nodes
from azml_magic.checks.script import Script
from azml_magic.module.names import ENTRY_POINT
from azml_magic.result import Finding

LIST = Code("AZ105", "error", "azureml_main returns a list of frames, which designer refuses")
TOO_MANY = Code("AZ106", "warning", "azureml_main returns frames for which there is no port")
NOTHING = Code("AZ107", "warning", "azureml_main returns nothing, so the module gives no table")
CODES: tuple[Code, ...] = (LIST, TOO_MANY, NOTHING)


def find(script: Script, around: Surroundings) -> Iterator[Finding]:
    """Yield findings about literal return statements (rules R4, R6, R7, R9)."""
    function = script.entry
    if isinstance(function, ast.Lambda):
        yield from _returned(function.body, around)
    if not isinstance(function, ast.FunctionDef) or function.decorator_list:
        return
    is_generator = False
    returned: list[ast.expr] = []
    for node in own_nodes(function):
        is_generator |= isinstance(node, ast.Yield | ast.YieldFrom)
        if isinstance(node, ast.Return) and node.value is not None:
            returned.append(node.value)
    if is_generator:
        return
    for value in returned:
        yield from _returned(value, around)
    has_result = any(not _is_none(value) for value in returned)
    if not has_result and not isinstance(function.body[-1], ast.Raise):
        level = "note" if around.profile.name == "designer" else ""
        message = f"{ENTRY_POINT} returns nothing: the module gives no table"
        yield NOTHING.at(function.lineno, message, "return the frame: return frame,", "R9", level)


def _returned(value: ast.expr, around: Surroundings) -> Iterator[Finding]:
    if not isinstance(value, ast.Tuple | ast.List):
        return
    items, line = value.elts, value.lineno
    if any(isinstance(item, ast.Starred) for item in items):
        return
    # A list of plain numbers or texts makes a column, also in designer (rule R11).
    is_data = all(isinstance(item, ast.Constant | ast.UnaryOp) for item in items)
    if isinstance(value, ast.List) and not around.profile.lists_allowed and not is_data:
        message = f"{ENTRY_POINT} returns a list; this profile takes a frame or a tuple of frames"
        yield LIST.at(line, message, "return a tuple: return frame,", "R4")
        return
    ports = 2 if around.profile.second_output else 1
    lost = [item for item in items[ports:] if not _is_none(item)]
    if lost and not is_data:
        room = "first has" if ports == 1 else "first two have"
        message = f"{ENTRY_POINT} returns {len(items)} frames; only the {room} a port"
        fix = "return what the next module needs, or use another module for the rest"
        yield TOO_MANY.at(line, message, fix, "R6" if ports == 1 else "R7")


def _is_none(value: ast.expr) -> bool:
    return isinstance(value, ast.Constant) and value.value is None
