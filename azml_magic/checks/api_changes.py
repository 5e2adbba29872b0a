"""Family ``api_changes``: what the cloud's pandas and its companions lack, or only they have."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from azml_magic.checks.api_table import (
    ANY,
    FREQUENCIES,
    KEYWORDS,
    METHODS,
    NAMES,
    NEW_FREQUENCIES,
    NUMPY_KEYWORDS,
    OLD_FREQUENCIES,
    POSITIONS,
)
from azml_magic.checks.codes import Code, Surroundings
from azml_magic.checks.kinds import GROUP_SERIES, GROUPS
from azml_magic.checks.literals import argument, text
from azml_magic.checks.runtimes import Runtime, as_version, runtime_of, version_here
from azml_magic.checks.script import Call, Script
from azml_magic.checks.walk import Owner
from azml_magic.result import Finding

NEWER = Code("AZ620", "error", "API that the cloud's version of a package does not have yet")
OLDER = Code("AZ621", "warning", "API that only the cloud's version of a package still has")
CODES: tuple[Code, ...] = (NEWER, OLDER)

_PACKAGES = ("pandas", "numpy", "scipy", "sklearn", "matplotlib")
_FREQUENCY_CALLS = frozenset({"asfreq", "date_range", "period_range", "Grouper", "resample"})

_Use = tuple[int, str, str, str, str, str]
"""Line, package, what it is, since, until, instead."""


def find(script: Script, around: Surroundings) -> Iterator[Finding]:
    """Yield names that differ between the versions here and in the cloud (rule P2)."""
    runtime = runtime_of(around.profile)
    told: set[str] = set()
    for line, package, what, since, until, instead in sorted(set(_uses(script))):
        if what in told or script.walk.is_guarded(line):
            continue
        there, here = as_version(runtime.packages[package]), as_version(version_here(package))
        if since and there < as_version(since):
            told.add(what)
            message = f"{what} needs {package} {since}; the cloud's is {runtime.told(package)}"
            level = "" if runtime.is_exact else "warning"
            yield NEWER.at(line, message, f"write {instead}", "P2", level)
        elif until and there < as_version(until) <= here:
            told.add(what)
            message = (
                f"{what} is gone since {package} {until}: the cloud's {runtime.told(package)} has "
                f"it, {version_here(package)} here has not"
            )
            yield OLDER.at(line, message, f"{instead} works in both" if _lasts(instead, runtime)
                           else f"here write {instead}", "P2")
        elif until and as_version(until) <= there:
            told.add(what)
            message = f"{what} is gone since {package} {until}; the cloud's is {runtime.told(package)}"
            yield NEWER.at(line, message, f"write {instead}", "P2")


def _lasts(instead: str, runtime: Runtime) -> bool:
    """Tell whether a way to write it is plain enough to be old: no entry is newer."""
    name = instead.replace("pd.", "pandas.").replace("np.", "numpy.")
    since = NAMES[name][0] if name in NAMES else ""
    known = METHODS.get(name.split("(")[0].rpartition(".")[2])
    since = since or (known[1] if known else "")
    package = name.partition(".")[0] if name.partition(".")[0] in _PACKAGES else "pandas"
    return not since or as_version(since) <= as_version(runtime.packages[package])


def _uses(script: Script) -> Iterator[_Use]:
    present = {one.top for one in script.imported}
    for one in script.imported:
        yield from _named(one.line, one.name)
    for place in script.walk.places(ast.Attribute):
        node = place.node
        assert isinstance(node, ast.Attribute)
        name = script.dotted(node)
        if name.startswith(_PACKAGES):
            yield from _named(node.lineno, name)
        elif node.attr in METHODS and not name.startswith("?.str.is"):
            on, since, until, instead = METHODS[node.attr]
            is_frame = script.kinds.is_tabular(node.value, place.owner)
            is_group = script.kinds.of(node.value, place.owner) in {GROUPS, GROUP_SERIES}
            if is_frame or (on == ANY and not _is_import(script, node)):
                if not (is_group and node.attr in {"agg", "transform"}):
                    yield node.end_lineno or node.lineno, "pandas", f".{node.attr}", since, until, instead
    if "pandas" in present or script.entry is not None:
        for call in script.calls:
            yield from _arguments(call, script, call.owner)


def _is_import(script: Script, node: ast.Attribute) -> bool:
    root: ast.expr = node
    while isinstance(root, ast.Attribute):
        root = root.value
    return isinstance(root, ast.Name) and root.id in script.imports


def _named(line: int, name: str) -> Iterator[_Use]:
    """Yield the entry of a full name, or of the module that it lies in."""
    while name:
        if name in NAMES:
            since, until, instead = NAMES[name]
            yield line, name.partition(".")[0], name, since, until, instead
            return
        name = name.rpartition(".")[0]


def _arguments(call: Call, script: Script, owner: Owner) -> Iterator[_Use]:
    last, node = call.last_name, call.node
    receiver = node.func.value if isinstance(node.func, ast.Attribute) else None
    if receiver is None and call.name == last:
        return
    is_module = call.name.startswith(("pandas.", "numpy."))
    package = "numpy" if call.name.startswith("numpy.") else "pandas"
    if (package == "numpy") != (last in NUMPY_KEYWORDS and is_module):
        return
    line = node.lineno if is_module else (node.func.end_lineno or node.lineno)
    for keyword in node.keywords:
        entry = KEYWORDS.get((last, keyword.arg or ""))
        if entry is None or (last in NUMPY_KEYWORDS and package == "pandas"):
            continue
        if is_module or script.kinds.of(receiver, owner) or _is_literal_use(last):
            yield line, package, f"{last}({keyword.arg}=)", *entry
    if last in POSITIONS and not any(isinstance(one, ast.Starred) for one in node.args):
        most, until, instead = POSITIONS[last]
        if len(node.args) > most and (is_module or script.kinds.is_tabular(receiver, owner)):
            what = f"{last} with {len(node.args)} arguments by position"
            yield line, "pandas", what, "", until, instead
    if last in {"agg", "aggregate"} and script.kinds.of(receiver, owner) == GROUPS:
        if any(isinstance(one.value, ast.Tuple) for one in node.keywords):
            yield line, "pandas", "agg(name=(column, function))", *KEYWORDS["agg", "*"]
    if last in _FREQUENCY_CALLS:
        yield from _frequency(call, line)


def _is_literal_use(last: str) -> bool:
    """Tell whether a method's name says by itself that it is of pandas."""
    return last in {
        "drop_duplicates", "dropna", "fillna", "groupby", "pivot_table", "resample", "sort_values",
        "to_csv", "to_excel",
    }


def _frequency(call: Call, line: int) -> Iterator[_Use]:
    position = {"resample": 0, "asfreq": 0}.get(call.last_name, 99)
    given = text(argument(call, position, "freq", "rule")) or ""
    name = given.lstrip("0123456789").partition("-")[0]
    since, until = FREQUENCIES
    if name in OLD_FREQUENCIES:
        yield line, "pandas", f"the period {given!r}", "", until, _new_frequency(name)
    elif name in NEW_FREQUENCIES:
        yield line, "pandas", f"the period {given!r}", since, "", repr(name[:-1])


def _new_frequency(name: str) -> str:
    lower = {"H": "h", "T": "min", "S": "s", "L": "ms", "U": "us", "N": "ns"}
    yearly = {"A": "YE", "Y": "YE", "AS": "YS", "BA": "BYE", "BAS": "BYS"}
    return repr(lower.get(name) or yearly.get(name) or f"{name}E")
