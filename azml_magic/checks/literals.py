"""Literals in the arguments of calls."""

from __future__ import annotations

import ast
import re

from azml_magic.checks.parsed_script import Call

_ABSOLUTE = re.compile(r"[A-Za-z]:[\\/]|[A-Za-z]:$|/|\\|~")
_ADDRESS = re.compile(r"(?:https?|ftps?|sftp|s3|gs|wasbs?|abfss?|adl)://", re.IGNORECASE)


def argument(call: Call, position: int, *keywords: str) -> ast.expr | None:
    """Return an argument of a call by its position or one of its keywords."""
    arguments = call.node.args
    if position < len(arguments):
        found = arguments[position]
        return None if isinstance(found, ast.Starred) else found
    for keyword in call.node.keywords:
        if keyword.arg in keywords:
            return keyword.value
    return None


def is_true(call: ast.Call, keyword: str) -> bool:
    """Return whether a keyword of a call is given as ``True``."""
    return any(
        one.arg == keyword and isinstance(one.value, ast.Constant) and one.value.value is True
        for one in call.keywords
    )


def text(node: ast.expr | None) -> str | None:
    """Return the value of a string literal; ``None`` for anything else."""
    return node.value if isinstance(node, ast.Constant) and isinstance(node.value, str) else None


def text_start(node: ast.expr | None) -> str:
    """Return the literal beginning of a string, an f-string, or a concatenation."""
    while isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add | ast.Mod):
        node = node.left
    if isinstance(node, ast.JoinedStr) and node.values:
        node = node.values[0]
    return text(node) or ""


def is_absolute(path: str) -> bool:
    r"""Return whether a path leads out of the run folder: by ``/``, ``C:\``, ``~`` or ``..``."""
    if path.startswith("/dev/"):
        return False
    return _ABSOLUTE.match(path) is not None or ".." in re.split(r"[\\/]", path)


def is_address(path: str) -> bool:
    """Return whether a text is a network address."""
    return _ADDRESS.match(path) is not None
