"""From a parsed line to a result: what the magic and the port picker have in common."""

from __future__ import annotations

import argparse
import inspect
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from azml_magic import api
from azml_magic.errors import ModuleError, ModuleFailed, OptionError, did_you_mean
from azml_magic.module.module import Module
from azml_magic.notebook import cells, options, variables
from azml_magic.notebook.names import KnownNames, defining_cell, missing_name_hint
from azml_magic.result import Finding, Result

if TYPE_CHECKING:
    from azml_magic.notebook.magics import AzmlMagics


@dataclass(frozen=True)
class Callbacks:
    """What is to be called while a run goes on."""

    on_output: Callable[[str, str], None] | None = None
    on_tick: Callable[[float], None] | None = None


def module_of_cell(magics: AzmlMagics, chosen: argparse.Namespace, cell: str) -> Module:
    """Return the module that a cell's body is.

    Raises
    ------
    OptionError
        When ``-f`` names another module.
    ModuleError
        When the body is empty.
    """
    if chosen.function:
        raise OptionError(
            "-f names a function of another cell, but this cell has a body",
            "use the line form, %azureml_module -f FUNCTION, or drop -f",
        )
    if not cell.strip():
        raise ModuleError("the cell has no code below its first line", "define azureml_main there")
    current = cells.current_cell(magics.shell)
    return Module.from_source(
        cell, label=current.label, first_line=2, name=chosen.name, file=current.file
    )


def module_named(magics: AzmlMagics, name: str, new_name: str = "") -> Module:
    """Return the module that a function of the notebook is, or one remembered by ``-n``.

    Raises
    ------
    ModuleError
        When there is neither.
    """
    if name in magics.modules and name not in magics.shell.user_ns:
        return magics.modules[name]
    known = [*variables.functions(magics.shell), *magics.modules]
    if name not in magics.shell.user_ns:
        raise ModuleError(
            f"no function and no module is named {name!r} in the notebook",
            did_you_mean(name, known, "run the cell that defines it first"),
        )
    function = magics.shell.user_ns[name]
    plain = inspect.unwrap(function) if callable(function) else function
    return Module.from_function(function, label=defining_cell(magics.shell, plain), name=new_name)


def run(
    magics: AzmlMagics, chosen: argparse.Namespace, module: Module, callbacks: Callbacks
) -> Result:
    """Run a module as its line says; assign what the line asks for."""
    outputs = options.output_variables(chosen.output)
    result_name = (options.output_variables(chosen.result) or [""])[0]
    frames = variables.bind(magics.shell, options.input_variables(chosen.input))
    known = KnownNames(magics.shell)
    try:
        result = api.run(
            module,
            dataset1=frames.get("dataset1"),
            dataset2=frames.get("dataset2"),
            bundle=chosen.zip,
            profile=chosen.profile or magics.profile,
            timeout=magics.timeout if chosen.timeout is None else chosen.timeout,
            memory=chosen.memory or magics.memory,
            dates=chosen.dates or magics.dates,
            text=chosen.text or magics.text,
            strict=chosen.strict or magics.strict,
            allow_network=chosen.allow_network,
            confinement=chosen.confinement or "strongest",
            debug=chosen.debug,
            known_names=known,
            on_output=callbacks.on_output,
            on_tick=callbacks.on_tick,
        )
    except ModuleFailed as error:
        if error.result is not None and error.result.failure is not None:
            hint = missing_name_hint(error.result.failure, known, magics.shell.user_ns)
            error.hint = hint or error.hint
        raise
    variables.assign(magics.shell, outputs, result_name, result)
    return result


def check(magics: AzmlMagics, chosen: argparse.Namespace, module: Module) -> tuple[Finding, ...]:
    """Read a module as its line says."""
    inputs = options.input_variables(chosen.input)
    return api.check(
        module,
        chosen.zip,
        profile=chosen.profile or magics.profile,
        connected=tuple(inputs) if inputs else None,
        known_names=KnownNames(magics.shell),
    )


def rows(magics: AzmlMagics, chosen: argparse.Namespace) -> int:
    """Return how many rows of an output are to be shown."""
    number: Any = magics.rows if chosen.rows is None else chosen.rows
    return int(number)
