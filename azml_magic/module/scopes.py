"""The scopes of a source, and the names that each binds and reads."""

# ruff: noqa: D102, N815  (visit_Name and the like are described by their class)

from __future__ import annotations

import ast
from collections.abc import Iterable
from dataclasses import dataclass, field

from azml_magic.module.guards import asks_for_version, catches_name_error, is_main_test

MODULE = "<module>"
"""Name of the code outside all functions, as in tracebacks."""

_Function = ast.FunctionDef | ast.AsyncFunctionDef
_Comprehension = ast.ListComp | ast.SetComp | ast.DictComp | ast.GeneratorExp


@dataclass
class Scope:
    """A module, class, function or comprehension.

    Attributes
    ----------
    kind : str
        ``"module"``, ``"class"``, ``"function"`` or ``"comprehension"``.
    name : str
        Name of the class or function; empty for the others.
    function : str
        The outermost function that runs it; ``"Class.method"`` for methods, ``"<module>"`` for
        the top level and for class bodies, which run on import.
    parent : Scope or None
        The enclosing scope.
    bound, in_module, outer : set of str
        Names that it binds, declares ``global``, and declares ``nonlocal``.
    reads : list of (str, int)
        Names that it reads, each with its line.
    """

    kind: str
    name: str = ""
    function: str = MODULE
    parent: Scope | None = None
    bound: set[str] = field(default_factory=set)
    in_module: set[str] = field(default_factory=set)
    outer: set[str] = field(default_factory=set)
    reads: list[tuple[str, int]] = field(default_factory=list)


class ScopeReader(ast.NodeVisitor):
    """Collects the scopes of a tree in ``scopes``, and sets ``has_open_names``.

    ``has_open_names`` is whether names may come from a source that static analysis cannot see: a
    star import, ``exec`` or ``globals``.
    """

    def __init__(self, tree: ast.Module) -> None:
        self.scope = Scope("module")
        self.scopes = [self.scope]
        self.has_open_names = False
        self._lazy_annotations = False
        self._guarded = 0
        self.visit(tree)

    def generic_visit(self, node: ast.AST) -> None:
        """Visit the children of a node; faster than the inherited method."""
        for name in node._fields:
            value = getattr(node, name, None)
            if isinstance(value, list):
                self._visit_all(value)
            elif isinstance(value, ast.AST):
                self.visit(value)

    def _visit_all(self, nodes: Iterable[ast.AST | None]) -> None:
        for node in nodes:
            if isinstance(node, ast.AST):
                self.visit(node)

    def _enter(self, kind: str, name: str = "") -> Scope:
        outer = self.scope
        function = outer.function
        if kind == "function" and name and function == MODULE:
            function = f"{outer.name}.{name}" if outer.kind == "class" else name
        self.scope = Scope(kind, name, function, outer)
        self.scopes.append(self.scope)
        return outer

    def bind(self, name: str | None) -> None:
        """Bind a name in the current scope."""
        if name:
            self.scope.bound.add(name)

    def visit_Constant(self, node: ast.Constant) -> None:
        return

    def visit_Name(self, node: ast.Name) -> None:
        if not isinstance(node.ctx, ast.Load):
            # A module-level ``del`` removes a name that an assignment has bound; in a function it
            # makes the name local.
            if isinstance(node.ctx, ast.Store) or self.scope.kind != "module":
                self.bind(node.id)
        elif not self._guarded:
            self.scope.reads.append((node.id, node.lineno))
            if node.id in {"exec", "globals"}:
                self.has_open_names = True

    def visit_FunctionDef(self, node: _Function) -> None:
        self._visit_all(node.decorator_list)
        self.bind(node.name)
        outer = self.scope
        self._enter_type_parameters(node)
        self._visit_signature(node.args, node.returns)
        self._enter("function", node.name)
        self._bind_parameters(node.args)
        self._visit_all(node.body)
        self.scope = outer

    visit_AsyncFunctionDef = visit_FunctionDef

    def visit_Lambda(self, node: ast.Lambda) -> None:
        self._visit_signature(node.args, None)
        outer = self._enter("function")
        self._bind_parameters(node.args)
        self.visit(node.body)
        self.scope = outer

    def _enter_type_parameters(self, node: ast.AST) -> None:
        """Open the scope of ``def f[T]``; bounds of type parameters are evaluated lazily."""
        parameters = getattr(node, "type_params", [])
        if parameters:
            self._enter("comprehension")
            self.scope.bound |= {parameter.name for parameter in parameters}

    def _visit_signature(self, arguments: ast.arguments, returns: ast.expr | None) -> None:
        self._visit_all([*arguments.defaults, *arguments.kw_defaults])
        if not self._lazy_annotations:
            self._visit_all([parameter.annotation for parameter in _parameters(arguments)])
            self._visit_all([returns])

    def _bind_parameters(self, arguments: ast.arguments) -> None:
        self.scope.bound |= {parameter.arg for parameter in _parameters(arguments)}

    def visit_ClassDef(self, node: ast.ClassDef) -> None:
        self._visit_all(node.decorator_list)
        self.bind(node.name)
        outer = self.scope
        self._enter_type_parameters(node)
        self._visit_all([*node.bases, *node.keywords])
        self._enter("class", node.name)
        self.scope.bound |= {"__module__", "__qualname__"}
        self._visit_all(node.body)
        self.scope = outer

    def _visit_comprehension(self, node: _Comprehension) -> None:
        self.visit(node.generators[0].iter)
        outer = self._enter("comprehension")
        for position, part in enumerate(node.generators):
            if position:
                self.visit(part.iter)
            self.visit(part.target)
            self._visit_all(part.ifs)
        if isinstance(node, ast.DictComp):
            self.visit(node.key)
            self.visit(node.value)
        else:
            self.visit(node.elt)
        self.scope = outer

    visit_ListComp = visit_SetComp = _visit_comprehension
    visit_DictComp = visit_GeneratorExp = _visit_comprehension

    def visit_NamedExpr(self, node: ast.NamedExpr) -> None:
        self.visit(node.value)
        scope = self.scope
        while scope.kind == "comprehension" and scope.parent is not None:
            scope = scope.parent
        scope.bound.add(node.target.id)

    def visit_Import(self, node: ast.Import) -> None:
        for alias in node.names:
            self.bind(alias.asname or alias.name.partition(".")[0])

    def visit_ImportFrom(self, node: ast.ImportFrom) -> None:
        for alias in node.names:
            self.bind(alias.asname or alias.name)
            self.has_open_names |= alias.name == "*"
            is_future = node.module == "__future__" and alias.name == "annotations"
            self._lazy_annotations |= is_future

    def visit_Global(self, node: ast.Global) -> None:
        self.scope.in_module.update(node.names)

    def visit_Nonlocal(self, node: ast.Nonlocal) -> None:
        self.scope.outer.update(node.names)

    def visit_AnnAssign(self, node: ast.AnnAssign) -> None:
        in_function = self.scope.kind == "function"
        if not self._lazy_annotations and not (in_function and node.simple):
            self.visit(node.annotation)
        if node.value is not None:
            self.visit(node.value)
        if node.value is not None or in_function or not isinstance(node.target, ast.Name):
            self.visit(node.target)

    def visit_ExceptHandler(self, node: ast.ExceptHandler) -> None:
        self.bind(node.name)
        self.generic_visit(node)

    def visit_MatchAs(self, node: ast.MatchAs) -> None:
        self.bind(node.name)
        self.generic_visit(node)

    def visit_MatchStar(self, node: ast.MatchStar) -> None:
        self.bind(node.name)

    def visit_MatchMapping(self, node: ast.MatchMapping) -> None:
        self.bind(node.rest)
        self.generic_visit(node)

    def visit_TypeAlias(self, node: ast.AST) -> None:
        # Its value is evaluated lazily, so its names need not exist.
        self.bind(getattr(getattr(node, "name", None), "id", None))

    def visit_If(self, node: ast.If) -> None:
        if is_main_test(node.test):
            self._visit_all(node.orelse)
            return
        guards = asks_for_version(node.test)
        self._guarded += guards
        self.generic_visit(node)
        self._guarded -= guards

    def visit_Try(self, node: ast.Try) -> None:
        guards = any(catches_name_error(handler) for handler in node.handlers)
        self._guarded += guards
        self._visit_all(node.body)
        self._guarded -= guards
        self._visit_all([*node.handlers, *node.orelse, *node.finalbody])


def _parameters(arguments: ast.arguments) -> list[ast.arg]:
    several = [*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs]
    return several + [one for one in (arguments.vararg, arguments.kwarg) if one is not None]
