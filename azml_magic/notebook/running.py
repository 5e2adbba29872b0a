"""From a parsed line to a result: what the magic and the port picker have in common."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from azml_magic import api
from azml_magic.errors import ModuleError, ModuleFailed, OptionError, did_you_mean
from azml_magic.module.module import Module
from azml_magic.notebook import cells, options, variables
from azml_magic.notebook.named import named_run
from azml_magic.notebook.names import KnownNames, missing_name_hint
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
        cell,
        label=current.label,
        first_line=2 + current.blank_lines,
        name=chosen.name,
        file=current.file,
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
    module = Module.from_function(magics.shell.user_ns[name], name=new_name)
    cell = cells.cell_of_file(magics.shell, module.file)
    if cell is None:
        return module
    first_line = module.first_line + cell.blank_lines
    return replace(module, label=cell.label, first_line=first_line)


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
        _explain(error, known, magics.shell.user_ns)
        raise
    variables.assign(magics.shell, outputs, result_name, result)
    if module.name:
        magics.runs[module.name] = named_run(magics, chosen, module, frames, result)
    return result


def _explain(error: ModuleFailed, known: KnownNames, user_variables: Any) -> None:
    """Say where a missing name is; leave out the finding that foresaw the same."""
    result = error.result
    if result is None or result.failure is None:
        return
    failure = result.failure
    error.hint = missing_name_hint(failure, known, user_variables) or error.hint
    foreseen = {"NameError": "AZ110", "SyntaxError": "AZ101"}.get(failure.kind)
    lines = {entry.line for entry in failure.traceback[-1:]}
    others = [item for item in result.findings if item.code != foreseen or item.line not in lines]
    error.result = result.replace(findings=tuple(others))


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
