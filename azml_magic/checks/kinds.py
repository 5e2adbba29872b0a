"""What the expressions of a source are: frames, series, arrays, lists; where reading can tell."""

from __future__ import annotations

import ast

from azml_magic.checks.entry_point import EntryFunction
from azml_magic.checks.walk import Owner, Walk, dotted

FRAME, SERIES, GROUPS, GROUP_SERIES = "frame", "series", "groups", "group series"
ARRAY, INDEX, PLAIN = "array", "index", "plain"
"""Kinds of expressions; ``""`` is one that reading cannot tell."""

_MAKES_FRAME = frozenset(
    "DataFrame concat merge get_dummies pivot_table melt crosstab json_normalize "
    "merge_asof merge_ordered read_clipboard read_csv read_excel read_feather read_fwf "
    "read_json read_parquet read_pickle read_sql read_sql_query read_table".split()
)
_MAKES_SERIES = frozenset(["Series"])
_FRAME_TO_FRAME = frozenset(
    "abs add append applymap assign astype bfill clip combine_first convert_dtypes copy corr cov "
    "cummax cummin cumprod cumsum describe diff div drop drop_duplicates dropna explode ffill "
    "fillna filter head infer_objects interpolate isin isna isnull join mask melt merge mode mul "
    "nlargest notna notnull nsmallest pct_change pivot pivot_table query rank reindex rename "
    "replace reset_index round sample select_dtypes set_axis set_index shift sort sort_index "
    "sort_values sub tail transpose where".split()
)
_FRAME_TO_SERIES = frozenset(
    "all any count duplicated idxmax idxmin kurt max mean median min nunique prod "
    "sem skew std sum var".split()
)
_SERIES_TO_SERIES = frozenset(
    "abs add append astype between bfill clip copy cummax cummin cumprod cumsum diff div "
    "drop drop_duplicates dropna duplicated ffill fillna head interpolate isin isna isnull map "
    "mask mode mul notna notnull nlargest nsmallest order pct_change rank reindex rename "
    "replace round sample shift sort_index sort_values sub tail value_counts where".split()
)
_SERIES_TO_PLAIN = frozenset(
    "all any count idxmax idxmin item kurt max mean median min nunique prod sem skew std sum "
    "tolist to_list to_dict var".split()
)
_GROUPED = frozenset(
    "agg aggregate count first last max mean median min nunique prod size std sum var".split()
)
_TO_ARRAY = frozenset(["as_matrix", "to_numpy", "get_values", "unique"])
_PLAIN_CALLS = frozenset(
    "abs bool dict enumerate float frozenset int len list max min open print range repr round "
    "set sorted str sum tuple type zip".split()
)
_PLAIN_NODES = (
    ast.Constant,
    ast.Dict,
    ast.DictComp,
    ast.GeneratorExp,
    ast.JoinedStr,
    ast.Lambda,
    ast.List,
    ast.ListComp,
    ast.Set,
    ast.SetComp,
    ast.Tuple,
)
_SAME = "?"
_MOST_DEPTH = 40

Binding = ast.expr | str | None
"""What a name is bound to: an expression, a kind, or what reading cannot tell."""


class Kinds:
    """Kinds of the expressions of a tree.

    A name has a kind when everything that its function binds it to has that kind. The
    first two parameters of the entry point are frames; parameters of other functions are
    what they are called with.
    """

    def __init__(self, walk: Walk, entry: EntryFunction | None, imports: dict[str, str]) -> None:
        self._imports = imports
        self._bindings: dict[tuple[Owner, str], list[tuple[Binding, Owner]]] = {}
        self._known: dict[tuple[Owner, str], str] = {}
        self._depth = 0
        self._collect(walk)
        self._parameters(walk, entry)

    def of(self, node: ast.expr | None, owner: Owner) -> str:
        """Return the kind of an expression that stands in a function."""
        if node is None or self._depth > _MOST_DEPTH:
            return ""
        self._depth += 1
        try:
            return self._of(node, owner)
        finally:
            self._depth -= 1

    def is_tabular(self, node: ast.expr | None, owner: Owner) -> bool:
        """Tell whether an expression is a frame or a series."""
        return self.of(node, owner) in {FRAME, SERIES}

    def bound_to(self, name: str, owner: Owner) -> list[ast.expr]:
        """Return the expressions that a name is bound to in a function, as far as known."""
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
        if isinstance(node, _PLAIN_NODES):
            return PLAIN
        if isinstance(node, ast.BinOp | ast.Compare):
            right = node.right if isinstance(node, ast.BinOp) else node.comparators[0]
            sides = {self.of(node.left, owner), self.of(right, owner)}
            return next((kind for kind in (FRAME, SERIES, ARRAY, PLAIN) if kind in sides), "")
        if isinstance(node, ast.UnaryOp):
            return self.of(node.operand, owner)
        return ""

    def _of_name(self, name: str, owner: Owner) -> str:
        key = (owner, name)
        if key not in self._bindings:
            key = (None, name)
        if key not in self._known:
            # A name that is bound to something of itself keeps its kind.
            self._known[key] = _SAME
            found = {
                binding if isinstance(binding, str) else self.of(binding, place)
                for binding, place in self._bindings.get(key, [(None, None)])
            }
            found.discard(_SAME)
            self._known[key] = found.pop() if len(found) == 1 else ""
        return self._known[key]

    def _of_call(self, node: ast.Call, owner: Owner) -> str:
        function = node.func
        if isinstance(function, ast.Name) and function.id not in self._imports:
            return PLAIN if function.id in _PLAIN_CALLS else ""
        name = dotted(function, self._imports)
        top, _, last = name.rpartition(".")
        if top == "pandas":
            if last in {"to_datetime", "to_numeric"} and node.args:
                return SERIES if self.of(node.args[0], owner) == SERIES else ""
            return FRAME if last in _MAKES_FRAME else SERIES if last in _MAKES_SERIES else ""
        if name.startswith("numpy.") and name.count(".") == 1:
            return ARRAY if last in {"array", "zeros", "ones", "arange", "asarray"} else ""
        if not isinstance(function, ast.Attribute) or _has_inplace(node):
            return ""
        return _method_kind(self.of(function.value, owner), function.attr, node)

    def _of_subscript(self, node: ast.Subscript, owner: Owner) -> str:
        value, key = node.value, node.slice
        if isinstance(value, ast.Attribute) and value.attr in {"loc", "iloc", "ix"}:
            base = self.of(value.value, owner)
            column = key.elts[1] if isinstance(key, ast.Tuple) and len(key.elts) == 2 else None
            if base != FRAME:
                return ""
            if column is None or isinstance(column, ast.Slice | ast.List):
                rows = key.elts[0] if isinstance(key, ast.Tuple) else key
                is_several = isinstance(rows, ast.Slice | ast.List | ast.Compare)
                return FRAME if is_several else ""
            return SERIES if isinstance(column, ast.Constant | ast.UnaryOp) else ""
        base = self.of(value, owner)
        if base == GROUPS:
            return GROUPS if isinstance(key, ast.List) else GROUP_SERIES
        if base == FRAME:
            if isinstance(key, ast.Constant):
                return SERIES
            is_rows = isinstance(key, ast.List | ast.Slice | ast.Compare | ast.BinOp | ast.UnaryOp)
            return FRAME if is_rows or self.of(key, owner) == SERIES else ""
        if base == SERIES and isinstance(key, ast.Slice | ast.Compare):
            return SERIES
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

    def _bind(self, target: ast.AST, binding: Binding, owner: Owner) -> None:
        if isinstance(target, ast.Name):
            self._bindings.setdefault((owner, target.id), []).append((binding, owner))
        elif isinstance(target, ast.Tuple | ast.List):
            for part in target.elts:
                self._bind(part, None, owner)
        elif isinstance(target, ast.Starred):
            self._bind(target.value, None, owner)

    def _collect(self, walk: Walk) -> None:
        for place in walk.places(ast.Assign, ast.AnnAssign, ast.NamedExpr):
            node = place.node
            if isinstance(node, ast.Assign):
                for target in node.targets:
                    self._bind(target, node.value, place.owner)
            elif isinstance(node, ast.AnnAssign | ast.NamedExpr) and node.value is not None:
                self._bind(node.target, node.value, place.owner)
        for place in walk.places(ast.For, ast.AsyncFor, ast.comprehension, ast.withitem):
            node = place.node
            target = getattr(node, "target", None) or getattr(node, "optional_vars", None)
            if target is not None:
                self._bind(target, None, place.owner)

    def _parameters(self, walk: Walk, entry: EntryFunction | None) -> None:
        calls: dict[str, list[tuple[ast.Call, Owner]]] = {}
        for place in walk.places(ast.Call):
            if isinstance(place.node, ast.Call) and isinstance(place.node.func, ast.Name):
                calls.setdefault(place.node.func.id, []).append((place.node, place.owner))
        for place in walk.places(ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda):
            node = place.node
            assert isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda)
            owner = place.owner or node
            arguments = node.args
            names = [one.arg for one in arguments.posonlyargs + arguments.args]
            callers = calls.get(getattr(node, "name", ""), []) if place.owner is None else []
            for position, name in enumerate(names):
                bound = self._bindings.setdefault((owner, name), [])
                if node is entry:
                    bound.append((FRAME if position < 2 else None, None))
                    continue
                bound += [
                    (call.args[position] if position < len(call.args) else None, caller)
                    for call, caller in callers
                ] or [(None, None)]
            others = [*arguments.kwonlyargs, arguments.vararg, arguments.kwarg]
            for other in others:
                if other is not None:
                    self._bindings.setdefault((owner, other.arg), []).append((None, None))


def _method_kind(base: str, name: str, call: ast.Call) -> str:
    if base in {FRAME, SERIES}:
        if name in _TO_ARRAY:
            return ARRAY
        if name == "groupby":
            return GROUPS if base == FRAME else GROUP_SERIES
        if name == "to_frame" or (base == SERIES and name == "reset_index"):
            drops = any(keyword.arg == "drop" for keyword in call.keywords)
            return SERIES if drops and base == SERIES else FRAME
    if base == FRAME:
        return FRAME if name in _FRAME_TO_FRAME else SERIES if name in _FRAME_TO_SERIES else ""
    if base == SERIES:
        if name in _SERIES_TO_SERIES:
            return SERIES
        return PLAIN if name in _SERIES_TO_PLAIN else ""
    if base in {GROUPS, GROUP_SERIES} and name in _GROUPED:
        return FRAME if base == GROUPS and name != "size" else SERIES
    return ""


def _has_inplace(call: ast.Call) -> bool:
    return any(keyword.arg == "inplace" for keyword in call.keywords)
