"""A single, non-recursive walk over a tree that collects what all families need."""

from __future__ import annotations

import ast
from dataclasses import dataclass

from azml_magic.module.guards import asks_for_version, is_main_test

Owner = ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda | None
"""The outermost function that encloses a node; ``None`` at the top level."""

_LEAVES = frozenset(
    {ast.Constant, ast.Load, ast.Store, ast.Del, ast.alias, ast.Pass, ast.Break, ast.Continue}
    | set(ast.operator.__subclasses__())
    | set(ast.cmpop.__subclasses__())
    | set(ast.unaryop.__subclasses__())
    | set(ast.boolop.__subclasses__())
)
_FUNCTIONS = frozenset({ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda})
_TRIES = frozenset({ast.Try, getattr(ast, "TryStar", ast.Try)})
_GUARDING = {"ImportError", "ModuleNotFoundError", "AttributeError", "Exception"}


@dataclass(frozen=True)
class Place:
    """A node, and the outermost function that encloses it."""

    node: ast.AST
    owner: Owner


class Walk:
    """The nodes of a tree by type, except those under ``if __name__ == "__main__"``.

    Attributes
    ----------
    main_blocks : list of int
        Lines of ``if __name__ == "__main__"``.
    """

    def __init__(self, tree: ast.Module) -> None:
        self.main_blocks: list[int] = []
        self._by_type: dict[type[ast.AST], list[tuple[ast.AST, Owner]]] = {}
        self._guards: list[tuple[int, int]] = []
        waiting: list[tuple[ast.AST, Owner]] = [(tree, None)]
        while waiting:
            node, owner = waiting.pop()
            kind = type(node)
            self._by_type.setdefault(kind, []).append((node, owner))
            if kind is ast.Name:
                continue
            fields = kind._fields
            if kind in _FUNCTIONS:
                owner = owner or node  # type: ignore[assignment]
            elif kind is ast.If:
                fields = self._condition(node)
            elif kind in _TRIES:
                self._attempt(node)
            for name in fields:
                value = getattr(node, name, None)
                if value.__class__ is list:
                    for child in value:
                        if child.__class__ not in _LEAVES and isinstance(child, ast.AST):
                            waiting.append((child, owner))
                elif value.__class__ not in _LEAVES and isinstance(value, ast.AST):
                    waiting.append((value, owner))

    def _condition(self, node: ast.AST) -> tuple[str, ...]:
        assert isinstance(node, ast.If)
        if is_main_test(node.test):
            self.main_blocks.append(node.lineno)
            return ("orelse",)
        if asks_for_version(node.test) or _asks_for_attribute(node.test):
            self._guards.append((node.lineno, node.end_lineno or node.lineno))
        return node._fields

    def _attempt(self, node: ast.AST) -> None:
        assert isinstance(node, ast.Try | getattr(ast, "TryStar", ast.Try))
        # ``except Exception`` around a lot of code is meant for other errors.
        is_short = (node.body[-1].end_lineno or 0) - node.body[0].lineno < 3
        caught = {name for handler in node.handlers for name in _caught(handler)}
        if caught & (_GUARDING if is_short else _GUARDING - {"Exception"}):
            self._guards.append((node.lineno, node.end_lineno or node.lineno))

    def places(self, *kinds: type[ast.AST]) -> list[Place]:
        """Return the nodes of some types, grouped by type, otherwise in no particular order."""
        return [Place(node, owner) for kind in kinds for node, owner in self._by_type.get(kind, ())]

    def has(self, kind: type[ast.AST]) -> bool:
        """Return whether the tree has a node of a type."""
        return kind in self._by_type

    def is_guarded(self, line: int) -> bool:
        """Return whether a line is guarded by a ``try`` or a condition, and so has a fallback."""
        return any(first <= line <= last for first, last in self._guards)


def _caught(handler: ast.ExceptHandler) -> list[str]:
    if handler.type is None:
        return ["Exception"]
    names = handler.type.elts if isinstance(handler.type, ast.Tuple) else [handler.type]
    return [name.id for name in names if isinstance(name, ast.Name)]


def _asks_for_attribute(test: ast.expr) -> bool:
    """Return whether a test checks for a version or an attribute."""
    for node in ast.walk(test):
        if isinstance(node, ast.Name) and node.id == "hasattr":
            return True
        if isinstance(node, ast.Attribute) and node.attr == "__version__":
            return True
    return False


def dotted(node: ast.expr, imports: dict[str, str]) -> str:
    """Return the dotted name of an expression, with imported names resolved.

    ``"matplotlib.pyplot.savefig"``, ``"frame.plot"``; ``"?"`` stands for an expression, as
    in ``"?.head"``.
    """
    parts: list[str] = []
    while isinstance(node, ast.Attribute):
        parts.append(node.attr)
        node = node.value
    root = imports.get(node.id, node.id) if isinstance(node, ast.Name) else "?"
    return ".".join([root, *reversed(parts)])
