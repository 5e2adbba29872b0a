"""The values bound to the names of a source, function by function."""

from __future__ import annotations

import ast

from azml_magic.checks.entry_point import EntryFunction
from azml_magic.checks.vocabulary import FRAME
from azml_magic.checks.walk import Owner, Walk

Binding = ast.expr | str | None
"""An expression, a kind, or ``None`` if unknown."""

Bound = tuple[Binding, Owner]
"""A binding, and the function that contains its expression."""

Key = tuple[Owner, str]
"""A name in a function, or at the top level."""

Bindings = dict[Key, list[Bound]]


def bindings(walk: Walk, entry: EntryFunction | None) -> Bindings:
    """Return all bindings of each name.

    The first two parameters of the entry point are frames. Parameters of other functions are
    bound to the arguments of their calls.
    """
    found: Bindings = {}
    for place in walk.places(ast.Assign, ast.AnnAssign, ast.NamedExpr):
        node = place.node
        if isinstance(node, ast.Assign):
            for target in node.targets:
                _bind(found, target, node.value, place.owner)
        elif isinstance(node, ast.AnnAssign | ast.NamedExpr) and node.value is not None:
            _bind(found, node.target, node.value, place.owner)
    for place in walk.places(ast.For, ast.AsyncFor, ast.comprehension, ast.withitem):
        parts = (getattr(place.node, field, None) for field in ("target", "optional_vars"))
        for part in parts:
            if part is not None:
                _bind(found, part, None, place.owner)
    _bind_parameters(found, walk, entry)
    return found


def returned(walk: Walk) -> dict[str, list[Bound]]:
    """Return the expressions that each function returns, by its name."""
    found: dict[str, list[Bound]] = {}
    for place in walk.places(ast.Return):
        if isinstance(place.node, ast.Return) and isinstance(place.owner, ast.FunctionDef):
            found.setdefault(place.owner.name, []).append((place.node.value, place.owner))
    return found


def _bind(found: Bindings, target: ast.AST, binding: Binding, owner: Owner) -> None:
    if isinstance(target, ast.Name):
        found.setdefault((owner, target.id), []).append((binding, owner))
    elif isinstance(target, ast.Tuple | ast.List):
        for part in target.elts:
            _bind(found, part, None, owner)
    elif isinstance(target, ast.Starred):
        _bind(found, target.value, None, owner)


def _bind_parameters(found: Bindings, walk: Walk, entry: EntryFunction | None) -> None:
    calls = _calls_by_name(walk)
    for place in walk.places(ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda):
        node = place.node
        assert isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda)
        owner = place.owner or node
        arguments = node.args
        callers = calls.get(getattr(node, "name", ""), []) if place.owner is None else []
        for position, one in enumerate(arguments.posonlyargs + arguments.args):
            bound = found.setdefault((owner, one.arg), [])
            if node is entry:
                bound.append((FRAME if position < 2 else None, None))
                continue
            bound += [
                (call.args[position] if position < len(call.args) else None, caller)
                for call, caller in callers
            ] or [(None, None)]
        for other in (*arguments.kwonlyargs, arguments.vararg, arguments.kwarg):
            if other is not None:
                found.setdefault((owner, other.arg), []).append((None, None))


def _calls_by_name(walk: Walk) -> dict[str, list[tuple[ast.Call, Owner]]]:
    calls: dict[str, list[tuple[ast.Call, Owner]]] = {}
    for place in walk.places(ast.Call):
        if isinstance(place.node, ast.Call) and isinstance(place.node.func, ast.Name):
            calls.setdefault(place.node.func.id, []).append((place.node, place.owner))
    return calls
