"""Family ``returns``: what ``azureml_main`` returns, judged by its return statements."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from azml_magic.checks.entry_point import own_nodes
from azml_magic.checks.parsed_script import Script
from azml_magic.checks.surroundings import Surroundings
from azml_magic.checks.vocabulary import ARRAY, FRAME, GROUP_SERIES, GROUPS, INDEX, SCALAR, SERIES
from azml_magic.checks.walk import Owner
from azml_magic.findings import CODES
from azml_magic.module.global_names import ENTRY_POINT
from azml_magic.result import Finding

LIST = CODES["AZ105"]
TOO_MANY = CODES["AZ106"]
NOTHING = CODES["AZ107"]
BARE = CODES["AZ109"]
REFUSED = CODES["AZ112"]

_FIX = "return a frame: return frame,"
_KIND_NAMES = {
    SERIES: "a Series",
    GROUPS: "groups",
    GROUP_SERIES: "groups",
    ARRAY: "an array",
    INDEX: "an index",
    SCALAR: "a single value",
}


def find(script: Script, around: Surroundings) -> Iterator[Finding]:
    """Yield findings about return statements (rules R2 to R12)."""
    function = script.entry
    if isinstance(function, ast.Lambda):
        yield from _returned(function.body, around)
        yield from _value(function.body, function, script, around)
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
        yield from _value(value, function, script, around)
    has_result = any(not _is_none(value) for value in returned)
    if not has_result and not isinstance(function.body[-1], ast.Raise):
        level = "note" if around.profile.name == "designer" else ""
        message = f"{ENTRY_POINT} returns nothing, so the module has no output"
        yield NOTHING.at(
            function.lineno, message, "return the frame: return frame,", "R9", level=level
        )


def _returned(value: ast.expr, around: Surroundings) -> Iterator[Finding]:
    if not isinstance(value, ast.Tuple | ast.List):
        return
    items, line = value.elts, value.lineno
    if any(isinstance(item, ast.Starred) for item in items):
        return
    # A list of plain numbers or strings becomes a column, also in designer (rule R11).
    is_data = all(isinstance(item, ast.Constant | ast.UnaryOp) for item in items)
    if isinstance(value, ast.List) and not around.profile.lists_allowed and not is_data:
        message = f"{ENTRY_POINT} returns a list; this profile takes a frame or a tuple of frames"
        yield LIST.at(line, message, "return a tuple: return frame,", "R4")
        return
    ports = 2 if around.profile.second_output else 1
    lost = [item for item in items[ports:] if not _is_none(item)]
    # If the first value is not a frame, it is already refused.
    if lost and not is_data and not (ports == 1 and _is_none(items[0])):
        room = "first has" if ports == 1 else "first two have"
        count = sum(not _is_none(item) for item in items)
        frames = "a frame" if count == 1 else f"{count} frames"
        message = f"{ENTRY_POINT} returns {frames}; only the {room} a port"
        fix = "return what the next module needs, or use another module for the rest"
        yield TOO_MANY.at(line, message, fix, "R6" if ports == 1 else "R7")


def _value(
    value: ast.expr, owner: Owner, script: Script, around: Surroundings
) -> Iterator[Finding]:
    """Yield problems of the returned value, or of the first of several."""
    is_several = isinstance(value, ast.Tuple | ast.List)
    if isinstance(value, ast.Tuple | ast.List):
        if not value.elts:
            if isinstance(value, ast.Tuple) or not around.profile.values_allowed:
                message = f"{ENTRY_POINT} returns an empty sequence, which is refused"
                yield REFUSED.at(value.lineno, message, _FIX, "R8")
            return
        if isinstance(value, ast.List) and around.profile.values_allowed:
            return
        if _is_none(value.elts[0]) and len(value.elts) > 1 and not around.profile.values_allowed:
            message = f"{ENTRY_POINT} returns None for its first port, which is refused"
            yield REFUSED.at(value.lineno, message, _FIX, "R10")
        value = value.elts[0]
    what = _refused(value, owner, script, around)
    if what:
        message = f"{ENTRY_POINT} returns {what}; this profile takes frames"
        yield REFUSED.at(value.lineno, message, _FIX, "R12" if is_several else "R11")
        return
    is_bare = not is_several and not around.profile.second_output
    if is_bare and script.kinds.of(value, owner) == FRAME:
        message = "a frame without a comma is accepted; the documented form is a sequence"
        yield BARE.at(value.lineno, message, "return frame,", "R2")


def _refused(value: ast.expr, owner: Owner, script: Script, around: Surroundings) -> str:
    """Describe a value that the profile refuses; empty if it is accepted or unknown."""
    if isinstance(value, ast.Set | ast.SetComp):
        return "a set"
    if isinstance(value, ast.GeneratorExp):
        return "a generator"
    kind = script.kinds.of(value, owner)
    if not around.profile.values_allowed:
        return _refused_by_classic(value, kind)
    if isinstance(value, ast.Dict) and value.values:
        is_scalar = all(isinstance(item, ast.Constant) for item in value.values)
        return "a dict of single values" if is_scalar else ""
    return _KIND_NAMES[kind] if kind in {GROUPS, GROUP_SERIES, INDEX} else ""


def _refused_by_classic(value: ast.expr, kind: str) -> str:
    """Describe a value without rows and columns (rule R11); empty for others."""
    if isinstance(value, ast.Dict | ast.DictComp):
        return "a dict"
    if isinstance(value, ast.JoinedStr):
        return "a text"
    if isinstance(value, ast.Tuple):
        return "a sequence in a sequence"
    if isinstance(value, ast.Constant):
        return "" if value.value is None else f"{value.value!r:.40}"
    return _KIND_NAMES.get(kind, "")


def _is_none(value: ast.expr) -> bool:
    return isinstance(value, ast.Constant) and value.value is None
