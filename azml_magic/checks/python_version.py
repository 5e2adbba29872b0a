"""Family ``python_version``: syntax and standard library modules that the cloud's Python lacks."""

from __future__ import annotations

import ast
import io
import re
import sys
import tokenize
from collections.abc import Iterator

from azml_magic.checks.parsed_script import Import, Script
from azml_magic.checks.runtimes import Version, runtime_of
from azml_magic.checks.standard_library import GONE, METHODS, NEW, PYTHON_2
from azml_magic.checks.surroundings import Surroundings
from azml_magic.findings import CODES
from azml_magic.result import Finding

SYNTAX = CODES["AZ601"]
LIBRARY = CODES["AZ602"]
GONE_HERE = CODES["AZ603"]

_UNDERSCORES = re.compile(r"(?<![\w.])\d+(?:_\d+)+")
_MARK = re.compile(r"""[A-Za-z]*(\"{3}|'{3}|"|')""")
_Feature = tuple[tuple[int, int], int, str, str]

# Node types that need a version by themselves: version, description, replacement.
_BY_TYPE = (
    (ast.JoinedStr, (3, 6), "an f-string", '"{}".format(value)'),
    (ast.NamedExpr, (3, 8), "an assignment expression (:=)", "assign it on a line before"),
    (ast.Match, (3, 10), "a match statement", "if and elif"),
    (getattr(ast, "TryStar", None), (3, 11), "except*", "except"),
    (getattr(ast, "TypeAlias", None), (3, 12), "a type statement", "a plain assignment"),
    (getattr(ast, "TemplateStr", None), (3, 14), "a template string", "str.format"),
)
_GENERIC = {"dict", "frozenset", "list", "set", "tuple", "type"}


def find(script: Script, around: Surroundings) -> Iterator[Finding]:
    """Yield features newer than the profile's Python (rule P1), each once, and removed ones."""
    python = runtime_of(around.profile).python
    reported: set[str] = set()
    for since, line, what, instead in sorted(_features(script), key=lambda one: one[1]):
        if since > python and what not in reported:
            reported.add(what)
            message = f"{what} needs Python {_dotted(since)}; the cloud's is {_dotted(python)}"
            yield SYNTAX.at(line, message, f"write {instead}", "P1")
    for line, name, since in _library(script):
        if since > python and name not in reported and not script.walk.is_guarded(line):
            reported.add(name)
            message = f"{name} needs Python {_dotted(since)}; the cloud's is {_dotted(python)}"
            yield LIBRARY.at(line, message, "avoid it, or put it into the bundle", "P1")
    for one in script.imported:
        if not script.walk.is_guarded(one.line) and one.top not in around.bundle_modules:
            yield from _gone(one, python, around)
    for call in script.calls:
        if "." in call.name and _is_gone(call.name, around):
            yield _gone_here(call.line, call.name)


def _gone(one: Import, python: Version, around: Surroundings) -> Iterator[Finding]:
    if one.top in PYTHON_2:
        message = f"{one.top} is a module of Python 2; the cloud's is {_dotted(python)}"
        yield LIBRARY.at(one.line, message, f"import {PYTHON_2[one.top]}", "P1")
        return
    name = next((name for name in (one.name, one.top) if _is_gone(name, around)), "")
    if name:
        yield _gone_here(one.line, name)


def _is_gone(name: str, around: Surroundings) -> bool:
    return name in GONE and around.interpreter.version >= GONE[name][0]


def _gone_here(line: int, name: str) -> Finding:
    until, instead = GONE[name]
    message = f"{name} was removed in Python {_dotted(until)}, so it fails here, not in the cloud"
    return GONE_HERE.at(line, message, f"use {instead}", "P1")


def _library(script: Script) -> Iterator[tuple[int, str, tuple[int, int]]]:
    for one in script.imported:
        name = next((name for name in (one.top, one.name) if name in NEW), "")
        if name:
            yield one.line, name, NEW[name]
    for call in script.calls:
        names = [f"{call.name}({keyword.arg}=)" for keyword in call.node.keywords]
        for name in (call.name, *names):
            if name in NEW:
                yield call.line, name, NEW[name]
        if call.last_name in METHODS and "." in call.name:
            yield call.line, f"str.{call.last_name}", METHODS[call.last_name]


def _features(script: Script) -> Iterator[_Feature]:
    for kind, since, what, instead in _BY_TYPE:
        if kind is not None:
            for place in script.walk.places(kind):
                yield since, getattr(place.node, "lineno", 1), what, instead
    yield from _signatures(script)
    for place in script.walk.places(ast.AnnAssign):
        if isinstance(place.node, ast.AnnAssign):
            yield (3, 6), place.node.lineno, "an annotated variable", "a comment"
    for place in script.walk.places(ast.Return):
        node = place.node
        assert isinstance(node, ast.Return)
        if isinstance(node.value, ast.Tuple) and _is_bare_unpacking(node.value, script.lines):
            yield (3, 8), node.lineno, "return *values without parentheses", "return (*values,)"
    for one in script.imported:
        if one.name == "__future__.annotations":
            yield (3, 7), one.line, "from __future__ import annotations", "no annotations"
    if _UNDERSCORES.search(script.source):
        yield from _numbers(script)
    if script.walk.has(ast.JoinedStr) and not script.notebook_lines:
        yield from _quotes(script.source)


def _signatures(script: Script) -> Iterator[_Feature]:
    is_lazy = "annotations" in script.imports
    functions = (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda)
    for place in script.walk.places(*functions, ast.ClassDef):
        node = place.node
        line: int = node.lineno  # type: ignore[attr-defined]
        if getattr(node, "type_params", []):
            yield (3, 12), line, "a type parameter", "typing.TypeVar"
        for decorator in getattr(node, "decorator_list", []):
            if not _is_plain_decorator(decorator):
                yield (3, 9), decorator.lineno, "this decorator", "a name, or a call of one"
        if isinstance(node, ast.ClassDef):
            continue
        assert isinstance(node, functions)
        if node.args.posonlyargs:
            yield (3, 8), line, "a positional-only parameter (/)", "an ordinary parameter"
        if not is_lazy and not isinstance(node, ast.Lambda):
            parameters = [*node.args.args, *node.args.kwonlyargs]
            for note in [one.annotation for one in parameters] + [node.returns]:
                yield from _annotation(note)


def _annotation(note: ast.expr | None) -> Iterator[_Feature]:
    if note is None:
        return
    for part in ast.walk(note):
        if isinstance(part, ast.BinOp) and isinstance(part.op, ast.BitOr):
            yield (3, 10), part.lineno, "X | Y in an annotation", "typing.Optional or Union"
        elif isinstance(part, ast.Subscript) and getattr(part.value, "id", "") in _GENERIC:
            name = ast.unparse(part.value)
            yield (3, 9), part.lineno, f"{name}[...] in an annotation", f"typing.{name.title()}"


def _is_plain_decorator(node: ast.expr) -> bool:
    if isinstance(node, ast.Call):
        node = node.func
    while isinstance(node, ast.Attribute):
        node = node.value
    return isinstance(node, ast.Name)


def _is_bare_unpacking(node: ast.Tuple, lines: tuple[str, ...]) -> bool:
    has_star = any(isinstance(item, ast.Starred) for item in node.elts)
    # Offsets count bytes of UTF-8.
    start = lines[node.lineno - 1].encode(errors="replace")[node.col_offset :]
    return has_star and not start.startswith(b"(")


def _numbers(script: Script) -> Iterator[_Feature]:
    """Yield numbers written with underscores."""
    lines = {number for number, line in enumerate(script.lines, 1) if _UNDERSCORES.search(line)}
    for node in ast.walk(script.tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, int | float | complex):
            if node.lineno not in lines:
                continue
            # Offsets count bytes of UTF-8.
            line = script.lines[node.lineno - 1].encode(errors="replace")
            written = line[node.col_offset : node.end_col_offset].decode(errors="replace")
            if "_" in written:
                yield (3, 6), node.lineno, "a number with underscores", written.replace("_", "")


def _quotes(source: str) -> Iterator[_Feature]:
    """Yield f-strings that reuse their quotation mark inside braces."""
    # Before 3.12 an f-string is a single token, and such a source does not compile.
    if sys.version_info < (3, 12):
        return
    around: list[str] = []
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        kind = tokenize.tok_name[token.type]
        if kind in {"FSTRING_START", "STRING"}:
            mark = _MARK.match(token.string)
            quote = mark[1] if mark is not None else ""
            if around and quote == around[-1]:
                yield (3, 12), token.start[0], "a quotation mark again in an f-string", "the other"
            if kind == "FSTRING_START":
                around.append(quote)
        elif kind == "FSTRING_END":
            around.pop()


def _dotted(version: tuple[int, ...]) -> str:
    return ".".join(str(part) for part in version)
