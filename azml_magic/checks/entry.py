"""Family ``entry``: whether ``azureml_main`` exists and accepts the connected ports."""

from __future__ import annotations

import ast
import difflib
from collections.abc import Iterator

from azml_magic.checks.entry_point import EntryFunction, own_nodes
from azml_magic.checks.parsed_script import Script
from azml_magic.checks.surroundings import Surroundings
from azml_magic.findings import CODES
from azml_magic.module.global_names import ENTRY_POINT
from azml_magic.result import Finding

SYNTAX = CODES["AZ101"]
MISSING = CODES["AZ102"]
PARAMETERS = CODES["AZ103"]
KIND = CODES["AZ104"]
DROPPED = CODES["AZ108"]

_DATA_PORTS = ("dataset1", "dataset2")
_TEMPLATE = f"def {ENTRY_POINT}(dataframe1=None, dataframe2=None)"


def find(script: Script, around: Surroundings) -> Iterator[Finding]:
    """Yield findings about ``azureml_main`` (rules A1 to A14, L8)."""
    if script.error is not None:
        message = f"Python cannot compile the source: {script.error.msg}"
        fix = "fix this line; until then nothing of the module runs"
        yield SYNTAX.at(script.error.lineno, message, fix, "L8")
    elif ENTRY_POINT not in script.names.defined and not script.names.open_ended:
        yield MISSING.at(None, f"the module defines no {ENTRY_POINT}", _missing_fix(script), "A11")
    elif script.entry is not None:
        yield from _kind(script.entry)
        # A decorator may change how the function is called.
        if not getattr(script.entry, "decorator_list", []):
            yield from _parameters(script.entry, around)


def _missing_fix(script: Script) -> str:
    functions = [node.name for node in script.tree.body if isinstance(node, ast.FunctionDef)]
    lowered = {name.lower(): name for name in functions}
    close = difflib.get_close_matches(ENTRY_POINT, list(lowered), n=1, cutoff=0.7)
    if close:
        return f"rename {lowered[close[0]]} to {ENTRY_POINT}"
    if len(functions) == 1:
        return f"rename {functions[0]}, or add the line {ENTRY_POINT} = {functions[0]}"
    return f"add {_TEMPLATE}:"


def _kind(function: EntryFunction) -> Iterator[Finding]:
    if isinstance(function, ast.AsyncFunctionDef):
        message = f"{ENTRY_POINT} is asynchronous, so it returns a coroutine, not a frame"
        yield KIND.at(function.lineno, message, f"write def {ENTRY_POINT}(...)", "R11")
        return
    for node in own_nodes(function):
        if isinstance(node, ast.Yield | ast.YieldFrom):
            message = f"{ENTRY_POINT} is a generator function, so it does not return a frame"
            yield KIND.at(node.lineno, message, "collect the rows and return one frame", "R11")
            return


def _parameters(function: EntryFunction, around: Surroundings) -> Iterator[Finding]:
    arguments, line = function.args, function.lineno
    required = len(arguments.posonlyargs + arguments.args) - len(arguments.defaults)
    by_keyword = [
        parameter.arg
        for parameter, default in zip(arguments.kwonlyargs, arguments.kw_defaults, strict=True)
        if default is None
    ]
    if by_keyword:
        message = f"{ENTRY_POINT} requires {by_keyword[0]!r} by keyword; frames go by position"
        yield PARAMETERS.at(line, message, f"write {_TEMPLATE}", "A9")
    elif required > len(_DATA_PORTS):
        message = f"{ENTRY_POINT} requires {required} arguments, but there are two data ports"
        fix = "give the others defaults; files of the third port are in 'Script Bundle'"
        yield PARAMETERS.at(line, message, fix, "A7")
    elif around.profile.name == "designer":
        yield from _designer(arguments, line, around)
    elif around.connected is not None:
        ports = [port for port in _DATA_PORTS if port in around.connected]
        yield from _classic(arguments, line, required, ports)


def _classic(
    arguments: ast.arguments, line: int, required: int, ports: list[str]
) -> Iterator[Finding]:
    """Check the call with one argument per connected port, in port order (rule A1)."""
    names = [parameter.arg for parameter in arguments.posonlyargs + arguments.args]
    connected = " and ".join(ports) or "no dataset"
    if len(ports) < required:
        missing = ", ".join(names[len(ports) : required])
        message = f"only {connected} is connected" if ports else "no dataset is connected"
        message += f", so {ENTRY_POINT} gets no {missing}"
        fix = f"connect more, or give defaults: {_TEMPLATE}"
        yield PARAMETERS.at(line, message, fix, "A3" if ports else "A2")
    elif len(ports) > len(names) and arguments.vararg is None:
        message = (
            f"{ENTRY_POINT} gets {connected}, but the number of its parameters is {len(names)}"
        )
        yield PARAMETERS.at(line, message, f"write {_TEMPLATE}", "A5")
    elif ports == ["dataset2"] and names:
        message = f"only dataset2 is connected, so it is passed as the first parameter, {names[0]}"
        fix = "connect it to dataset1 to be safe in both profiles"
        yield DROPPED.at(line, message, fix, "A4", level="note")


def _designer(arguments: ast.arguments, line: int, around: Surroundings) -> Iterator[Finding]:
    """Check the call with one argument per parameter, ``None`` for open ports (rule A1)."""
    names = [parameter.arg for parameter in arguments.posonlyargs + arguments.args]
    if not names and arguments.vararg is None and (arguments.kwarg or arguments.kwonlyargs):
        message = f"{ENTRY_POINT} has no positional parameter; frames go by position"
        yield PARAMETERS.at(line, message, f"write {_TEMPLATE}", "A9")
        return
    taken = len(names) + (arguments.vararg is not None)
    lost = [port for port in _DATA_PORTS[taken:] if port in (around.connected or ())]
    if lost:
        listed = " and ".join(lost)
        message = f"{listed} is connected, but {ENTRY_POINT} has no parameter for it"
        yield DROPPED.at(line, message, f"write {_TEMPLATE}", "A5" if taken else "A2")
