"""Uses of names, methods and keywords that exist only in some versions of a package."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass

from azml_magic.checks.api_table import (
    ANY,
    FREQUENCIES,
    KEYWORDS,
    METHODS,
    NAMES,
    NEW_FREQUENCIES,
    NUMPY_KEYWORDS,
    OLD_FREQUENCIES,
    PACKAGES,
    POSITIONS,
)
from azml_magic.checks.literals import argument, text
from azml_magic.checks.parsed_script import Call, Script
from azml_magic.checks.vocabulary import FRAME, GROUP_SERIES, GROUPS, SERIES
from azml_magic.checks.walk import Place
from azml_magic.checks.words import words

_FREQUENCY_CALLS = words("Grouper asfreq date_range period_range resample")
_OF_PANDAS = words(
    "drop_duplicates dropna fillna groupby pivot_table resample sort_values to_csv to_excel"
)
"""Methods whose names identify them as pandas methods."""


@dataclass(frozen=True, order=True)
class Use:
    """A use of an API that only some versions have.

    Attributes
    ----------
    line : int
        Line of the source, counted from 1.
    package, what : str
        The package, and the API that is used, for messages.
    since, until, instead : str
        As in the tables of ``api_table``.
    """

    line: int
    package: str
    what: str
    since: str
    until: str
    instead: str


def uses(script: Script) -> Iterator[Use]:
    """Yield every use, in no particular order, some of them twice."""
    for one in script.imported:
        yield from _named(one.line, one.name)
    for place in script.walk.places(ast.Attribute):
        yield from _attribute(place, script)
    for call in script.calls:
        if isinstance(call.node.func, ast.Attribute) or call.name.startswith(PACKAGES):
            yield from _keywords(call, script)
            yield from _positions(call, script)
            yield from _named_aggregation(call, script)
            yield from _frequency(call)


def _named(line: int, name: str) -> Iterator[Use]:
    """Yield the entry of a full name, or of the module that contains it."""
    while name:
        if name in NAMES:
            yield Use(line, name.partition(".")[0], name, *NAMES[name])
            return
        name = name.rpartition(".")[0]


def _attribute(place: Place, script: Script) -> Iterator[Use]:
    node = place.node
    assert isinstance(node, ast.Attribute)
    name = script.dotted(node)
    if name.startswith(PACKAGES):
        yield from _named(node.lineno, name)
    elif node.attr in METHODS:
        on, *entry = METHODS[node.attr]
        kind = script.kinds.of(node.value, place.owner)
        is_any = on == ANY and kind not in {GROUPS, GROUP_SERIES} and not _is_imported(node, script)
        if is_any or kind in {FRAME, SERIES}:
            yield Use(node.end_lineno or node.lineno, "pandas", f".{node.attr}", *entry)


def _is_imported(node: ast.expr, script: Script) -> bool:
    while isinstance(node, ast.Attribute):
        node = node.value
    return isinstance(node, ast.Name) and node.id in script.imports


def _kind_of_receiver(call: Call, script: Script) -> str:
    function = call.node.func
    if not isinstance(function, ast.Attribute):
        return ""
    return script.kinds.of(function.value, call.owner)


def _line(call: Call) -> int:
    """Return the line of a method's name, which in a chain is below the call's first line."""
    return call.node.func.end_lineno or call.line


def _keywords(call: Call, script: Script) -> Iterator[Use]:
    is_numpy = call.name.startswith("numpy.")
    last = call.last_name
    for keyword in call.node.keywords:
        entry = KEYWORDS.get((last, keyword.arg or ""))
        if entry is None or is_numpy != (last in NUMPY_KEYWORDS):
            continue
        is_known = call.name.startswith(("numpy.", "pandas.")) or last in _OF_PANDAS
        if is_known or _kind_of_receiver(call, script):
            package = "numpy" if is_numpy else "pandas"
            yield Use(_line(call), package, f"{last}({keyword.arg}=)", *entry)


def _positions(call: Call, script: Script) -> Iterator[Use]:
    arguments, last = call.node.args, call.last_name
    if last not in POSITIONS or any(isinstance(one, ast.Starred) for one in arguments):
        return
    most, until, instead = POSITIONS[last]
    if len(arguments) > most:
        is_method = _kind_of_receiver(call, script) in {FRAME, SERIES}
        if is_method or call.name.startswith("pandas."):
            what = f"{last} with {len(arguments)} arguments by position"
            yield Use(_line(call), "pandas", what, "", until, instead)


def _named_aggregation(call: Call, script: Script) -> Iterator[Use]:
    is_named = call.last_name in {"agg", "aggregate"} and any(
        isinstance(one.value, ast.Tuple) for one in call.node.keywords
    )
    if is_named and _kind_of_receiver(call, script) == GROUPS:
        what = "agg(name=(column, function))"
        yield Use(_line(call), "pandas", what, *KEYWORDS["agg", "*"])


def _frequency(call: Call) -> Iterator[Use]:
    if call.last_name not in _FREQUENCY_CALLS:
        return
    position = 0 if call.last_name in {"asfreq", "resample"} else 99
    given = text(argument(call, position, "freq", "rule")) or ""
    name = given.lstrip("0123456789").partition("-")[0]
    since, until = FREQUENCIES
    if name in OLD_FREQUENCIES:
        what = f"the period {given!r}"
        yield Use(_line(call), "pandas", what, "", until, _new_frequency(name))
    elif name in NEW_FREQUENCIES:
        yield Use(_line(call), "pandas", f"the period {given!r}", since, "", repr(name[:-1]))


def _new_frequency(name: str) -> str:
    lower = {"H": "h", "T": "min", "S": "s", "L": "ms", "U": "us", "N": "ns"}
    yearly = {"A": "YE", "Y": "YE", "AS": "YS", "BA": "BYE", "BAS": "BYS"}
    return repr(lower.get(name) or yearly.get(name) or f"{name}E")
