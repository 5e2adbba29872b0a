"""The input ports of a module that has not been run yet."""

from __future__ import annotations

import ast

from azml_magic.module.global_names import ENTRY_POINT
from azml_magic.module.syntax import parse

_PORTS = ("dataset1", "dataset2")


def likely_ports(source: str) -> tuple[str, ...]:
    """Return the ports that ``azureml_main`` requires, or at least one if it takes any."""
    found: tuple[str, ...] = _PORTS[:1]
    for node in parse(source).body:
        if isinstance(node, ast.FunctionDef) and node.name == ENTRY_POINT:
            parameters = len(node.args.posonlyargs) + len(node.args.args)
            required = parameters - len(node.args.defaults)
            found = _PORTS[: max(required, min(parameters, 1))]
    return found
