"""Static inference of the kinds of expressions: frames, series, arrays, lists."""

from __future__ import annotations

import ast

from azml_magic.checks.bindings import Bound, Key, bindings, returned
from azml_magic.checks.entry_point import EntryFunction
from azml_magic.checks.vocabulary import (
    ARRAY,
    FRAME,
    FRAME_TO_FRAME,
    FRAME_TO_SERIES,
    GROUP_SERIES,
    GROUPED,
    GROUPS,
    INDEX,
    MAKES_FRAME,
    MAKES_SERIES,
    PLAIN,
    PLAIN_CALLS,
    PLAIN_NODES,
    PREDICTING,
    SCALAR,
    SCALAR_CALLS,
    SERIES,
    SERIES_TO_SCALAR,
    SERIES_TO_SERIES,
    TO_ARRAY,
)
from azml_magic.checks.walk import Owner, Walk, dotted

_SAME = "?"
_BY_WEIGHT = (FRAME, SERIES, ARRAY, _SAME, PLAIN, SCALAR)
_MOST_DEPTH = 40


class Kinds:
    """The kinds of the expressions of a tree.

    A name has a kind if everything that its function binds it to has that kind. The first two
    parameters of the entry point are frames; parameters of other functions have the kinds of the
    arguments of their calls.
    """

    def __init__(self, walk: Walk, entry: EntryFunction | None, imports: dict[str, str]) -> None:
        self._imports = imports
        self._bindings = bindings(walk, entry)
        self._known: dict[tuple[Owner, str], str] = {}
        self._returned = returned(walk)
        self._depth = 0
        self._open = 0

    def of(self, node: ast.expr | None, owner: Owner) -> str:
        """Return the kind of an expression in a function."""
        if node is None or self._depth > _MOST_DEPTH:
            return ""
        self._depth += 1
        try:
            return self._of(node, owner)
        finally:
            self._depth -= 1

    def bound_to(self, name: str, owner: Owner) -> list[ast.expr]:
        """Return the known expressions that a name is bound to in a function."""
        found = self._bindings.get((owner, name), [])
        return [binding for binding, _ in found if isinstance(binding, ast.expr)]

    def _of(self, node: ast.expr, owner: Owner) -> str:
        if isinstance(node, ast.Name):
            return self._of_name(node.id, owner)
        if isinstance(node, ast.Call):
            return self._of_call(node, owner)
        if isinstance(node, ast.Subscript):
            return self._of_subscript(node, owner)
        if isinstance(node, ast.Attribute):
            return self._of_attribute(node, owner)
        if isinstance(node, ast.Constant | ast.JoinedStr):
            return SCALAR
        if isinstance(node, PLAIN_NODES):
            return PLAIN
        if isinstance(node, ast.BinOp | ast.Compare):
            right = node.right if isinstance(node, ast.BinOp) else node.comparators[0]
            sides = {self.of(node.left, owner), self.of(right, owner)}
            heaviest = next((kind for kind in _BY_WEIGHT if kind in sides), "")
            # A scalar or an array combined with something unknown may give a frame.
            return "" if "" in sides and heaviest not in {FRAME, SERIES} else heaviest
        if isinstance(node, ast.UnaryOp):
            return self.of(node.operand, owner)
        return ""

    def _of_name(self, name: str, owner: Owner) -> str:
        key = (owner, name)
        if key not in self._bindings:
            key = (None, name)
        return self._joined(key, self._bindings.get(key, [(None, None)]))

    def _joined(self, key: Key, places: list[Bound]) -> str:
        """Return the kind that all bindings share."""
        if key in self._known:
            return self._known[key]
        # A name bound to an expression of itself keeps its kind.
        self._known[key] = _SAME
        self._open += 1
        found = {
            binding if isinstance(binding, str) else self.of(binding, place)
            for binding, place in places
        }
        self._open -= 1
        depends = _SAME in found
        found.discard(_SAME)
        kind = found.pop() if len(found) == 1 else ""
        if depends and not found and not kind and self._open:
            # It depends on a name that is still being resolved: do not cache it.
            del self._known[key]
            return _SAME
        self._known[key] = kind
        return kind

    def _of_call(self, node: ast.Call, owner: Owner) -> str:
        function = node.func
        if isinstance(function, ast.Name) and function.id not in self._imports:
            if function.id in self._returned:
                return self._joined((None, f"{function.id}()"), self._returned[function.id])
            if function.id in SCALAR_CALLS:
                return SCALAR
            return PLAIN if function.id in PLAIN_CALLS else ""
        name = dotted(function, self._imports)
        top, _, last = name.rpartition(".")
        if top == "pandas":
            if last in {"to_datetime", "to_numeric"} and node.args:
                return SERIES if self.of(node.args[0], owner) == SERIES else ""
            return FRAME if last in MAKES_FRAME else SERIES if last in MAKES_SERIES else ""
        if name.startswith("numpy.") and name.count(".") == 1:
            return ARRAY if last in {"array", "zeros", "ones", "arange", "asarray"} else ""
        if not isinstance(function, ast.Attribute) or _has_inplace(node):
            return ""
        base = self.of(function.value, owner)
        if not base and last in PREDICTING and self._is_sklearn(function.value, owner):
            return ARRAY
        return _method_kind(base, last, node)

    def _is_sklearn(self, node: ast.expr, owner: Owner) -> bool:
        """Return whether an expression creates a scikit-learn model, or is a name for one."""
        if isinstance(node, ast.Name):
            sources = self.bound_to(node.id, owner)
            return len(sources) == 1 and self._is_sklearn(sources[0], owner)
        if isinstance(node, ast.Call):
            if isinstance(node.func, ast.Attribute) and node.func.attr == "fit":
                return self._is_sklearn(node.func.value, owner)
            return dotted(node.func, self._imports).startswith("sklearn.")
        return False

    def _of_subscript(self, node: ast.Subscript, owner: Owner) -> str:
        value, key = node.value, node.slice
        if isinstance(value, ast.Attribute) and value.attr in {"loc", "iloc", "ix"}:
            base = self.of(value.value, owner)
            column = key.elts[1] if isinstance(key, ast.Tuple) and len(key.elts) == 2 else None
            if base not in {FRAME, _SAME}:
                return ""
            if column is None or isinstance(column, ast.Slice | ast.List):
                rows = key.elts[0] if isinstance(key, ast.Tuple) else key
                is_several = isinstance(rows, ast.Slice | ast.List | ast.Compare)
                return base if is_several else ""
            return SERIES if isinstance(column, ast.Constant | ast.UnaryOp) else ""
        base = self.of(value, owner)
        if base == GROUPS:
            return GROUPS if isinstance(key, ast.List) else GROUP_SERIES
        if base == FRAME:
            if isinstance(key, ast.Constant):
                return SERIES
            is_rows = isinstance(key, ast.List | ast.Slice | ast.Compare | ast.BinOp | ast.UnaryOp)
            return FRAME if is_rows or self.of(key, owner) == SERIES else ""
        if base in {SERIES, _SAME} and isinstance(key, ast.Slice | ast.Compare | ast.List):
            return base
        return ARRAY if base == ARRAY and not isinstance(key, ast.Constant) else ""

    def _of_attribute(self, node: ast.Attribute, owner: Owner) -> str:
        base = self.of(node.value, owner)
        if base in {FRAME, SERIES}:
            if node.attr == "values":
                return ARRAY
            if node.attr in {"index", "columns"}:
                return INDEX
            if node.attr == "T":
                return base
            return SERIES if node.attr == "dtypes" else ""
        return base if base == ARRAY and node.attr == "T" else ""


def _method_kind(base: str, name: str, call: ast.Call) -> str:
    if base == _SAME:
        return _SAME if name in FRAME_TO_FRAME | SERIES_TO_SERIES else ""
    if base in {FRAME, SERIES}:
        if name in TO_ARRAY:
            return ARRAY
        if name == "groupby":
            if any(keyword.arg == "as_index" for keyword in call.keywords):
                return ""  # one column of such groups gives a frame
            return GROUPS if base == FRAME else GROUP_SERIES
        if name == "to_frame" or (base == SERIES and name == "reset_index"):
            drops = any(keyword.arg == "drop" for keyword in call.keywords)
            return SERIES if drops and base == SERIES else FRAME
    if base == FRAME:
        return FRAME if name in FRAME_TO_FRAME else SERIES if name in FRAME_TO_SERIES else ""
    if base == SERIES:
        if name in SERIES_TO_SERIES:
            return SERIES
        return SCALAR if name in SERIES_TO_SCALAR else ""
    if base in {GROUPS, GROUP_SERIES} and name in GROUPED:
        return FRAME if base == GROUPS and name != "size" else SERIES
    return ""


def _has_inplace(call: ast.Call) -> bool:
    return any(keyword.arg == "inplace" for keyword in call.keywords)
