"""A module's source as the checks look at it: read once, for all families."""

from __future__ import annotations

import ast
import re
from dataclasses import dataclass

from azml_magic.checks.entry_point import EntryFunction, entry_function
from azml_magic.module.guards import is_main_test
from azml_magic.module.names import Names, read_names
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
_LEAVES = (ast.Name, ast.Constant, ast.expr_context, ast.operator, ast.cmpop, ast.alias)


@dataclass(frozen=True)
class Call:
    """A call in the source.

    Attributes
    ----------
    name : str
        What is called, with imported names spelt out: ``"matplotlib.pyplot.savefig"``,
        ``"frame.plot"``; ``"?"`` stands for an expression, as in ``"?.head"``.
    node : ast.Call
        The call.
    in_function : bool
        Whether it stands in a function; otherwise it runs when the module is imported.
    """

    name: str
    node: ast.Call
    in_function: bool

    @property
    def line(self) -> int:
        """Line of the source, counted from 1."""
        return self.node.lineno

    @property
    def last_name(self) -> str:
        """The part of the name after its last dot."""
        return self.name.rpartition(".")[2]


@dataclass(frozen=True)
class Script:
    r"""A source, taken apart.

    Attributes
    ----------
    source : str
        Text, with ``\n`` line ends.
    lines : tuple of str
        Its lines.
    tree : ast.Module
        Its tree; empty when it is no Python.
    error : SyntaxError or None
        Why it is no Python.
    notebook_lines : tuple of int
        Lines in the notebook's own syntax, such as ``!pip``; `tree` is without them.
    names : Names
        Global names, defined and undefined.
    calls : tuple of Call
        All calls, by line, but those under ``if __name__ == "__main__"``.
    imports : dict of str to str
        What imported names stand for: ``{"plt": "matplotlib.pyplot"}``.
    main_blocks : tuple of int
        Lines of ``if __name__ == "__main__"``.
    entry : ast function or None
        The function that ``azureml_main`` is, where reading can tell.
    """

    source: str
    lines: tuple[str, ...]
    tree: ast.Module
    error: SyntaxError | None
    notebook_lines: tuple[int, ...]
    names: Names
    calls: tuple[Call, ...]
    imports: dict[str, str]
    main_blocks: tuple[int, ...]
    entry: EntryFunction | None


def read_script(source: str) -> Script:
    """Take a source apart; a source that is no Python gives a script without a tree."""
    source = source.replace("\r\n", "\n").replace("\r", "\n")
    lines = source.split("\n")
    tree, error, notebook_lines = _parse(list(lines))
    nodes = _Nodes(tree)
    return Script(
        source,
        tuple(lines),
        tree,
        error,
        notebook_lines,
        read_names(tree),
        nodes.calls(),
        nodes.imports,
        tuple(sorted(nodes.main_blocks)),
        entry_function(tree),
    )


def _parse(lines: list[str]) -> tuple[ast.Module, SyntaxError | None, tuple[int, ...]]:
    """Parse, passing over lines that only a notebook understands.

    The parser itself finds them: where it stops at a line of that form. So a ``%`` at the
    start of a line inside a string or an expression is none.
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


class _Nodes:
    """One walk over a tree, without recursion, for all that the families look for."""

    def __init__(self, tree: ast.Module) -> None:
        self.imports: dict[str, str] = {}
        self.main_blocks: list[int] = []
        self._calls: list[tuple[ast.Call, bool]] = []
        waiting: list[tuple[ast.AST, bool]] = [(tree, False)]
        while waiting:
            node, in_function = waiting.pop()
            fields: tuple[str, ...] = node._fields
            if isinstance(node, ast.Call):
                self._calls.append((node, in_function))
            elif isinstance(node, ast.Import | ast.ImportFrom):
                self._import(node)
            elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
                in_function = True
            elif isinstance(node, ast.If) and is_main_test(node.test):
                self.main_blocks.append(node.lineno)
                fields = ("orelse",)
            for name in fields:
                value = getattr(node, name, None)
                children = value if isinstance(value, list) else (value,)
                waiting += [
                    (child, in_function)
                    for child in children
                    if isinstance(child, ast.AST) and not isinstance(child, _LEAVES)
                ]

    def _import(self, node: ast.Import | ast.ImportFrom) -> None:
        for alias in node.names:
            if isinstance(node, ast.ImportFrom):
                self.imports[alias.asname or alias.name] = f"{node.module}.{alias.name}"
            elif alias.asname:
                self.imports[alias.asname] = alias.name
            else:
                top = alias.name.partition(".")[0]
                self.imports[top] = top

    def calls(self) -> tuple[Call, ...]:
        calls = [
            Call(self._dotted(node.func), node, in_function) for node, in_function in self._calls
        ]
        return tuple(sorted(calls, key=lambda call: (call.line, call.node.col_offset)))

    def _dotted(self, node: ast.expr) -> str:
        parts: list[str] = []
        while isinstance(node, ast.Attribute):
            parts.append(node.attr)
            node = node.value
        root = self.imports.get(node.id, node.id) if isinstance(node, ast.Name) else "?"
        return ".".join([root, *reversed(parts)])
