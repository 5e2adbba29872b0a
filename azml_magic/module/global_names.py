"""The global names of a source: those it defines, and those it reads but never defines."""

from __future__ import annotations

import ast
import builtins
from dataclasses import dataclass

from azml_magic.module.scopes import MODULE, Scope, ScopeReader

ENTRY_POINT = "azureml_main"

# IPython adds these to the builtins of a notebook; a module does not have them.
NOTEBOOK_BUILTINS = frozenset({"display", "get_ipython", "__IPYTHON__", "_"})
_ALWAYS_THERE = (frozenset(dir(builtins)) - NOTEBOOK_BUILTINS) | {
    "__annotations__",
    "__builtins__",
    "__class__",
    "__doc__",
    "__file__",
    "__loader__",
    "__name__",
    "__package__",
    "__spec__",
}


@dataclass(frozen=True)
class UndefinedName:
    """A global name that is read and that nothing in the source binds.

    Attributes
    ----------
    name : str
        The name.
    line : int
        The line where the function first reads it, counted from 1.
    function : str
        The function that reads it: its name, ``"Class.method"``, or ``"<module>"``.
    reached : bool
        Whether ``azureml_main`` or the top level uses that function, directly or through
        others.
    """

    name: str
    line: int
    function: str
    reached: bool = True


@dataclass(frozen=True)
class Names:
    """The global names of a source.

    Attributes
    ----------
    defined : frozenset of str
        Names that the source binds at module level.
    undefined : tuple of UndefinedName
        Names read and never bound, by line; empty when `open_ended`.
    open_ended : bool
        Whether a star import, ``exec`` or ``globals`` may define any name.
    """

    defined: frozenset[str] = frozenset()
    undefined: tuple[UndefinedName, ...] = ()
    open_ended: bool = False


def read_names(tree: ast.Module) -> Names:
    """Return the global names of a syntax tree, following Python's scopes.

    Blocks under ``if __name__ == "__main__"`` are ignored: a module never runs them. Reads
    guarded by ``except NameError`` count as tests for a name.
    """
    try:
        reader = ScopeReader(tree)
    except RecursionError:
        return Names(open_ended=True)
    defined = reader.scopes[0].bound.copy()
    for scope in reader.scopes:
        defined |= scope.bound & scope.in_module
    reads = _global_reads(reader.scopes)
    if reader.has_open_names:
        return Names(frozenset(defined), open_ended=True)
    reached = _reached(reads, reader.scopes)
    return Names(frozenset(defined), _undefined(reads, defined, reached))


def _global_reads(scopes: list[Scope]) -> list[UndefinedName]:
    """Return every read of a global name, once for each function."""
    found: dict[tuple[str, str], UndefinedName] = {}
    for scope in scopes:
        for name, line in scope.reads:
            if not _is_global(name, scope):
                continue
            key = (name, scope.function)
            if key not in found or line < found[key].line:
                found[key] = UndefinedName(name, line, scope.function)
    return list(found.values())


def _is_global(name: str, scope: Scope) -> bool:
    current: Scope | None = scope
    while current is not None and current.kind != "module":
        # The names of a class body are visible in the body itself, but in no scope inside it.
        visible = current is scope or current.kind != "class"
        if visible and name in current.in_module:
            return True
        if visible and name in current.bound and name not in current.outer:
            return False
        current = current.parent
    return True


def _reached(reads: list[UndefinedName], scopes: list[Scope]) -> set[str]:
    """Return the functions that can be reached from the top level or the entry point.

    All methods of a class that is used count. Without an entry point, everything is reached.
    """
    functions = {scope.function for scope in scopes}
    if ENTRY_POINT not in functions:
        return functions
    uses: dict[str, set[str]] = {}
    for read in reads:
        uses.setdefault(read.function, set()).add(read.name)
    methods: dict[str, set[str]] = {}
    for function in functions:
        methods.setdefault(function.partition(".")[0], set()).add(function)
    reached: set[str] = set()
    waiting = [MODULE, ENTRY_POINT]
    while waiting:
        function = waiting.pop()
        if function not in reached:
            reached.add(function)
            for name in uses.get(function, ()):
                waiting += methods.get(name, ())
    return reached


def _undefined(
    reads: list[UndefinedName], defined: set[str], reached: set[str]
) -> tuple[UndefinedName, ...]:
    missing = [
        UndefinedName(read.name, read.line, read.function, read.function in reached)
        for read in reads
        if read.name not in defined and read.name not in _ALWAYS_THERE
    ]
    return tuple(sorted(missing, key=lambda read: (read.line, read.name)))
