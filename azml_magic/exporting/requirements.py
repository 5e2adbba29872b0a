"""The imports of a module, and the installed distributions that provide them."""

from __future__ import annotations

import ast
from collections.abc import Iterable

from azml_magic.exporting import pickled
from azml_magic.module.bundle import Bundle
from azml_magic.module.syntax import decode, parse
from azml_magic.protocol.interpreter import Interpreter

ALWAYS = ("numpy", "pandas", "pyarrow")
"""Requirements of the zip's own runtime; pyarrow is for Parquet."""


def imported(source: str) -> set[str]:
    """Return the top-level names that a source imports anywhere.

    Raises
    ------
    SyntaxError
        When Python cannot compile it.
    """
    names = set()
    for node in ast.walk(parse(source)):
        if isinstance(node, ast.Import):
            names |= {alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.level == 0 and node.module:
            names.add(node.module.partition(".")[0])
    return names


def imported_by_all(source: str, bundle: Bundle | None) -> set[str]:
    """Return the imports of the module and of the Python files and pickles in its bundle."""
    names = imported(source)
    for path, content in bundle.files if bundle is not None else ():
        if path.endswith(pickled.ENDINGS):
            names |= pickled.imported_by_pickle(content)
        elif path.endswith(".py"):
            try:
                names |= imported(decode(content))
            except SyntaxError:  # a bundle may contain files that are never imported
                continue
    return names


def installed(names: Iterable[str]) -> dict[str, str]:
    """Return the distributions that provide top-level names, with their versions.

    Parameters
    ----------
    names : iterable of str
        Import names; those of the standard library are ignored.

    Returns
    -------
    dict of str to str
        Versions by distribution, sorted.
    """
    here = Interpreter.here()
    known = here.distributions()
    distributions = {known[name] for name in {*names, *ALWAYS} - here.standard if name in known}
    return {name: here.version_of(name) for name in sorted(distributions, key=str.lower)}


def is_installed(name: str) -> bool:
    """Return whether a top-level name is in the standard library or in a distribution."""
    here = Interpreter.here()
    return name in here.standard or name in here.distributions()
