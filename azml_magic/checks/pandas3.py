"""Family ``pandas3``: code that pandas 3 silently executes differently from the cloud's pandas."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from azml_magic.checks.literals import is_true
from azml_magic.checks.parsed_script import Call, Script
from azml_magic.checks.runtimes import as_version, runtime_of
from azml_magic.checks.surroundings import Surroundings
from azml_magic.checks.vocabulary import ARRAY, FRAME, SERIES
from azml_magic.checks.walk import Owner
from azml_magic.findings import CODES
from azml_magic.result import Finding

CHAINED = CODES["AZ622"]
READ_ONLY = CODES["AZ623"]
TEXT_TYPE = CODES["AZ624"]
DATE_UNIT = CODES["AZ625"]

_LOCATORS = {"loc", "iloc", "ix", "at", "iat"}
_OBJECTS = {"object", "O"}
_WHOLE = {"int", "numpy.int64", "numpy.int"}


def find(script: Script, around: Surroundings) -> Iterator[Finding]:
    """Yield chained writes (3.5), writes into arrays (3.4), tests for object (3.6) and dates."""
    yield from _inplace_calls(script, around)
    yield from _assignments(script, around)
    yield from _type_tests(script)
    yield from _dates_as_numbers(script)


def _inplace_calls(script: Script, around: Surroundings) -> Iterator[Finding]:
    for call in script.calls:
        function = call.node.func
        if isinstance(function, ast.Attribute) and is_true(call.node, "inplace"):
            part = function.value
            if _part_of_frame(part, script, call.owner) or _lost_part(part, script, call):
                shown = ast.unparse(part)[:60]
                sources = script.kinds.bound_to(shown, call.owner) or [part]
                column = ast.unparse(sources[0])[:60]
                fix = f"write {column} = {column}.{function.attr}(...)"
                yield _chained(call.line, f"{shown}.{function.attr}(inplace=True)", fix, around)


def _assignments(script: Script, around: Surroundings) -> Iterator[Finding]:
    for place in script.walk.places(ast.Assign, ast.AugAssign):
        node = place.node
        assert isinstance(node, ast.Assign | ast.AugAssign)
        targets = node.targets if isinstance(node, ast.Assign) else [node.target]
        for target in targets:
            if not isinstance(target, ast.Subscript):
                continue
            value = target.value
            if isinstance(value, ast.Attribute) and value.attr in _LOCATORS:
                value = value.value
            shown = ast.unparse(target)[:60]
            if _part_of_frame(value, script, place.owner):
                fix = "write in one step: frame.loc[rows, column] = value"
                yield _chained(node.lineno, f"{shown} = ...", fix, around)
            elif _is_view(value, script, place.owner):
                message = f"{shown} = ... writes into the array of a frame, read-only in pandas 3"
                fix = "use a copy, frame.values.copy(), or assign to frame.loc[rows, column]"
                level = "" if _has_pandas_3(around) else "note"
                yield READ_ONLY.at(node.lineno, message, fix, "3.4", level=level)


def _chained(line: int, what: str, fix: str, around: Surroundings) -> Finding:
    there = runtime_of(around.profile).version_text("pandas")
    if _has_pandas_3(around):
        message = f"{what} changes only a copy in pandas 3; in the cloud ({there}) it may not"
    else:
        message = f"{what} may change only a copy; pandas 3 ignores it"
    return CHAINED.at(line, message, fix, "3.5")


def _lost_part(node: ast.expr, script: Script, call: Call) -> bool:
    """Return whether a name refers to a column of a frame and is not read after a call.

    Then the call was meant to change the frame. pandas 3 does not even warn about it.
    """
    if not isinstance(node, ast.Name):
        return False
    sources = script.kinds.bound_to(node.id, call.owner)
    if len(sources) != 1 or not _part_of_frame(sources[0], script, call.owner):
        return False
    if isinstance(sources[0], ast.Subscript) and script.kinds.of(sources[0], call.owner) != SERIES:
        return False
    return not any(
        isinstance(place.node, ast.Name)
        and place.node.id == node.id
        and place.owner is call.owner
        and place.node.lineno > call.line
        for place in script.walk.places(ast.Name)
    )


def _part_of_frame(node: ast.expr, script: Script, owner: Owner) -> bool:
    """Return whether an expression takes a part out of a frame on the spot."""
    if isinstance(node, ast.Subscript):
        base = node.value
        if isinstance(base, ast.Attribute) and base.attr in _LOCATORS:
            base = base.value
        return script.kinds.of(base, owner) == FRAME
    if isinstance(node, ast.Attribute) and node.attr not in _LOCATORS | {"columns", "index"}:
        is_column = script.kinds.of(node, owner) == ""
        return is_column and script.kinds.of(node.value, owner) == FRAME
    return False


def _is_view(node: ast.expr, script: Script, owner: Owner) -> bool:
    """Return whether an expression is the array of a frame, or a name for it."""
    if script.kinds.of(node, owner) != ARRAY:
        return False
    if isinstance(node, ast.Name):
        sources = script.kinds.bound_to(node.id, owner)
        return len(sources) == 1 and _is_view(sources[0], script, owner)
    if isinstance(node, ast.Call):
        function = node.func
        is_bare = isinstance(function, ast.Attribute) and function.attr == "to_numpy"
        return is_bare and not node.args and not node.keywords
    if isinstance(node, ast.Subscript):
        return isinstance(node.slice, ast.Slice) and _is_view(node.value, script, owner)
    return isinstance(node, ast.Attribute) and node.attr == "values"


def _type_tests(script: Script) -> Iterator[Finding]:
    message = "text created by the module has dtype str in pandas 3, and object in the cloud"
    fix = "use pd.api.types.is_numeric_dtype, which works in both"
    for place in script.walk.places(ast.Compare):
        node = place.node
        assert isinstance(node, ast.Compare)
        sides = [node.left, *node.comparators]
        has_type = any(isinstance(side, ast.Attribute) and side.attr == "dtype" for side in sides)
        if has_type and any(_is_object(side, script) for side in sides):
            yield TEXT_TYPE.at(node.lineno, message, fix, "3.6")
    for call in script.calls:
        if call.last_name == "select_dtypes":
            given = [*call.node.args, *(keyword.value for keyword in call.node.keywords)]
            items = [
                item for one in given for item in (one.elts if isinstance(one, ast.List) else [one])
            ]
            if any(_is_object(item, script) for item in items):
                yield TEXT_TYPE.at(call.line, message, fix, "3.6")


def _is_object(node: ast.expr, script: Script) -> bool:
    if isinstance(node, ast.Constant):
        return node.value in _OBJECTS
    if isinstance(node, ast.Name | ast.Attribute):
        return script.dotted(node) in {"object", "numpy.object", "numpy.object_"}
    return False


def _dates_as_numbers(script: Script) -> Iterator[Finding]:
    """Yield conversions of dates to numbers: microseconds in pandas 3, nanoseconds before."""
    dates = {
        ast.unparse(target)
        for place in script.walk.places(ast.Assign)
        if isinstance(place.node, ast.Assign) and _is_dates(place.node.value, script)
        for target in place.node.targets
    }
    for call in script.calls:
        function = call.node.func
        if call.last_name != "astype" or not isinstance(function, ast.Attribute):
            continue
        kind = call.node.args[0] if call.node.args else None
        is_whole = (isinstance(kind, ast.Constant) and kind.value in {"int64", "int"}) or (
            isinstance(kind, ast.Name | ast.Attribute) and script.dotted(kind) in _WHOLE
        )
        if is_whole and (_is_dates(function.value, script) or ast.unparse(function.value) in dates):
            message = "dates converted to integers are microseconds in pandas 3, nanoseconds before"
            fix = 'make the unit explicit: (dates - pd.Timestamp(0)) // pd.Timedelta("1s")'
            yield DATE_UNIT.at(call.line, message, fix, "P2")


def _is_dates(node: ast.expr, script: Script) -> bool:
    return isinstance(node, ast.Call) and script.dotted(node.func) == "pandas.to_datetime"


def _has_pandas_3(around: Surroundings) -> bool:
    return as_version(around.version_of("pandas")) >= (3,)
