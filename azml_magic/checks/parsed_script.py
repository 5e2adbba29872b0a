"""A module's source as the checks see it, parsed once for all families."""

from __future__ import annotations

import ast
import re
from dataclasses import dataclass
from functools import cached_property

from azml_magic.checks.entry_point import EntryFunction, entry_function
from azml_magic.checks.expressions import Kinds
from azml_magic.checks.walk import Owner, Walk, dotted
from azml_magic.module.global_names import Names, read_names
from azml_magic.module.syntax import parse

_NOTEBOOK_LINE = re.compile(
    r"""\s*(
        !                              # !pip install ...
        | %{1,2}[A-Za-z_]              # %matplotlib inline, %%time
        | \?{1,2}[\w%]                 # ?frame
        | [\w.,\ \t]+=\s*(!|%[A-Za-z])   # files = !ls
        | [\w.%]+\?{1,2}\s*$           # frame?
    )""",
    re.VERBOSE,
)
_MOST_NOTEBOOK_LINES = 20


@dataclass(frozen=True)
class Call:
    """A call in the source.

    Attributes
    ----------
    name : str
        The callee, with imported names resolved: ``"matplotlib.pyplot.savefig"``,
        ``"frame.plot"``; ``"?"`` stands for an expression, as in ``"?.head"``.
    node : ast.Call
        The call.
    owner : ast function or None
        The outermost enclosing function; ``None`` at the top level.
    """

    name: str
    node: ast.Call
    owner: Owner

    @property
    def in_function(self) -> bool:
        """Whether it is in a function; otherwise it runs when the module is imported."""
        return self.owner is not None

    @property
    def line(self) -> int:
        """Line of the source, counted from 1."""
        return self.node.lineno

    @property
    def last_name(self) -> str:
        """The part of the name after its last dot."""
        return self.name.rpartition(".")[2]


@dataclass(frozen=True)
class Import:
    """An imported name.

    Attributes
    ----------
    name : str
        The full name, such as ``"sklearn.svm.SVC"`` for ``from sklearn.svm import SVC``.
    bound, meaning : str
        The name that it binds, and what that name refers to.
    line : int
        Line of the source, counted from 1.
    """

    name: str
    bound: str
    meaning: str
    line: int

    @property
    def top(self) -> str:
        """The top-level package or module."""
        return self.name.partition(".")[0]


@dataclass(frozen=True)
class Script:
    r"""A parsed source.

    Attributes
    ----------
    source : str
        The text, with ``\n`` line endings.
    lines : tuple of str
        Its lines.
    tree : ast.Module
        Its syntax tree; empty if it is not Python.
    error : SyntaxError or None
        Why it is not Python.
    notebook_lines : tuple of int
        Lines in IPython syntax, such as ``!pip``; not part of `tree`.
    names : Names
        Global names, defined and undefined.
    calls : tuple of Call
        All calls, by line, except those under ``if __name__ == "__main__"``.
    walk : Walk
        Its nodes by type, except those under ``if __name__ == "__main__"``.
    imported : tuple of Import
        Its imports, by line.
    imports : dict of str to str
        What imported names refer to: ``{"plt": "matplotlib.pyplot"}``.
    entry : ast function or None
        The function that ``azureml_main`` is bound to, if known.
    """

    source: str
    lines: tuple[str, ...]
    tree: ast.Module
    error: SyntaxError | None
    notebook_lines: tuple[int, ...]
    names: Names
    calls: tuple[Call, ...]
    walk: Walk
    imported: tuple[Import, ...]
    imports: dict[str, str]
    entry: EntryFunction | None

    @cached_property
    def kinds(self) -> Kinds:
        """The kinds of its expressions."""
        return Kinds(self.walk, self.entry, self.imports)

    def dotted(self, node: ast.expr) -> str:
        """Return the dotted name of an expression, with imported names resolved."""
        return dotted(node, self.imports)


def read_script(source: str) -> Script:
    """Parse a source; one that is not Python gives a script with an empty tree."""
    source = source.replace("\r\n", "\n").replace("\r", "\n")
    lines = source.split("\n")
    tree, error, notebook_lines = _parse(list(lines))
    walk = Walk(tree)
    imported = _imports(walk)
    imports = {one.bound: one.meaning for one in imported}
    return Script(
        source,
        tuple(lines),
        tree,
        error,
        notebook_lines,
        read_names(tree),
        _calls(walk, imports),
        walk,
        imported,
        imports,
        entry_function(tree),
    )


def _parse(lines: list[str]) -> tuple[ast.Module, SyntaxError | None, tuple[int, ...]]:
    """Parse a source, skipping lines in IPython syntax.

    The parser finds these lines by failing at them. So a ``%`` at the start of a line inside a
    string or an expression is not mistaken for a magic.
    """
    found: list[int] = []
    while True:
        try:
            return parse("\n".join(lines)), None, tuple(found)
        except SyntaxError as error:
            number = error.lineno or 0
            line = lines[number - 1] if 0 < number <= len(lines) else ""
            if len(found) == _MOST_NOTEBOOK_LINES or not _NOTEBOOK_LINE.match(line):
                return ast.Module([], []), error, tuple(found)
            found.append(number)
            lines[number - 1] = line[: len(line) - len(line.lstrip())] + "pass"


def _imports(walk: Walk) -> tuple[Import, ...]:
    found: list[Import] = []
    for place in walk.places(ast.Import, ast.ImportFrom):
        node = place.node
        if isinstance(node, ast.Import):
            for alias in node.names:
                top = alias.name.partition(".")[0]
                bound, meaning = (alias.asname, alias.name) if alias.asname else (top, top)
                found.append(Import(alias.name, bound, meaning, node.lineno))
        elif isinstance(node, ast.ImportFrom) and node.level == 0:
            for alias in node.names:
                name = f"{node.module}.{alias.name}"
                found.append(Import(name, alias.asname or alias.name, name, node.lineno))
    return tuple(sorted(found, key=lambda one: (one.line, one.name)))


def _calls(walk: Walk, imports: dict[str, str]) -> tuple[Call, ...]:
    calls = [
        Call(dotted(place.node.func, imports), place.node, place.owner)
        for place in walk.places(ast.Call)
        if isinstance(place.node, ast.Call)
    ]
    return tuple(sorted(calls, key=lambda call: (call.line, call.node.col_offset)))
