"""What the expressions of a source are: frames, series, arrays, lists; where reading can tell."""

from __future__ import annotations

import ast

from azml_magic.checks.entry_point import EntryFunction
from azml_magic.checks.walk import Owner, Walk, dotted

FRAME, SERIES, GROUPS, GROUP_SERIES = "frame", "series", "groups", "group series"
ARRAY, INDEX, SCALAR, PLAIN = "array", "index", "scalar", "plain"
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
_SERIES_TO_SCALAR = frozenset(
    "all any count item kurt max mean median min nunique prod sem skew std sum var".split()
)
_GROUPED = frozenset(
    "agg aggregate count first last max mean median min nunique prod size std sum var".split()
)
_TO_ARRAY = frozenset(["as_matrix", "to_numpy", "get_values", "unique"])
_PREDICTING = frozenset(["decision_function", "fit_predict", "predict", "predict_proba"])
_SCALAR_CALLS = frozenset("bool float int len repr str".split())
_PLAIN_CALLS = frozenset(
    "dict enumerate frozenset list open print range set sorted tuple type zip".split()
)
_PLAIN_NODES = (
    ast.Dict,
    ast.DictComp,
    ast.GeneratorExp,
    ast.Lambda,
    ast.List,
    ast.ListComp,
    ast.Set,
    ast.SetComp,
    ast.Tuple,
)
_SAME = "?"
_BY_WEIGHT = (FRAME, SERIES, ARRAY, _SAME, PLAIN, SCALAR)
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
        self._returned: dict[str, list[tuple[Binding, Owner]]] = {}
        self._depth = 0
        self._open = 0
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
        if isinstance(node, ast.Constant | ast.JoinedStr):
            return SCALAR
        if isinstance(node, _PLAIN_NODES):
            return PLAIN
        if isinstance(node, ast.BinOp | ast.Compare):
            right = node.right if isinstance(node, ast.BinOp) else node.comparators[0]
            sides = {self.of(node.left, owner), self.of(right, owner)}
            heaviest = next((kind for kind in _BY_WEIGHT if kind in sides), "")
            # A scalar or an array and something unknown may make a frame.
            return "" if "" in sides and heaviest not in {FRAME, SERIES} else heaviest
        if isinstance(node, ast.UnaryOp):
            return self.of(node.operand, owner)
        return ""

    def _of_name(self, name: str, owner: Owner) -> str:
        key = (owner, name)
        if key not in self._bindings:
            key = (None, name)
        return self._joined(key, self._bindings.get(key, [(None, None)]))

    def _joined(self, key: tuple[Owner, str], bindings: list[tuple[Binding, Owner]]) -> str:
        """Return the one kind that all bindings have."""
        if key in self._known:
            return self._known[key]
        # What is bound to something of itself keeps its kind.
        self._known[key] = _SAME
        self._open += 1
        found = {
            binding if isinstance(binding, str) else self.of(binding, place)
            for binding, place in bindings
        }
        self._open -= 1
        depends = _SAME in found
        found.discard(_SAME)
        kind = found.pop() if len(found) == 1 else ""
        if depends and not found and not kind and self._open:
            # It hangs on a name that is being looked at: ask again when that one is known.
            del self._known[key]
            return _SAME
        self._known[key] = kind
        return kind

    def _of_call(self, node: ast.Call, owner: Owner) -> str:
        function = node.func
        if isinstance(function, ast.Name) and function.id not in self._imports:
            if function.id in self._returned:
                return self._joined((None, f"{function.id}()"), self._returned[function.id])
            if function.id in _SCALAR_CALLS:
                return SCALAR
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
        base = self.of(function.value, owner)
        if not base and last in _PREDICTING and self._is_sklearn(function.value, owner):
            return ARRAY
        return _method_kind(base, last, node)

    def _is_sklearn(self, node: ast.expr, owner: Owner) -> bool:
        """Tell whether an expression makes a scikit-learn model, or is a name for one."""
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

        for place in walk.places(ast.Return):
            node, owner = place.node, place.owner
            if isinstance(node, ast.Return) and isinstance(owner, ast.FunctionDef):
                self._returned.setdefault(owner.name, []).append((node.value, owner))

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
    if base == _SAME:
        return _SAME if name in _FRAME_TO_FRAME | _SERIES_TO_SERIES else ""
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
        return SCALAR if name in _SERIES_TO_SCALAR else ""
    if base in {GROUPS, GROUP_SERIES} and name in _GROUPED:
        return FRAME if base == GROUPS and name != "size" else SERIES
    return ""


def _has_inplace(call: ast.Call) -> bool:
    return any(keyword.arg == "inplace" for keyword in call.keywords)
