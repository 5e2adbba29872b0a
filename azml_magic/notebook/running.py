"""From a parsed line to a result: code shared by the magic and the port picker."""

from __future__ import annotations

import argparse
from dataclasses import asdict, replace
from typing import Any

from azml_magic import api
from azml_magic.errors import ModuleError, ModuleFailed, OptionError, did_you_mean
from azml_magic.module.module import Module
from azml_magic.notebook import current_cell, magic_options, variables
from azml_magic.notebook.known_names import KnownNames, missing_name_hint
from azml_magic.notebook.named import named_run
from azml_magic.notebook.workspace import Workspace
from azml_magic.result import Finding, Result


def module_of_cell(workspace: Workspace, chosen: argparse.Namespace, cell: str) -> Module:
    """Make a module from a cell's body.

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
    current = current_cell.current_cell(workspace.shell)
    return Module.from_source(
        cell,
        label=current.label,
        first_line=2 + current.blank_lines,
        name=chosen.name,
        file=current.file,
    )


def module_named(workspace: Workspace, name: str, new_name: str = "") -> Module:
    """Make a module from a function of the notebook, or return one remembered by ``-n``.

    Raises
    ------
    ModuleError
        When neither exists.
    """
    if name in workspace.modules and name not in workspace.shell.user_ns:
        return workspace.modules[name]
    known = [*variables.functions(workspace.shell), *workspace.modules]
    if name not in workspace.shell.user_ns:
        raise ModuleError(
            f"the notebook has no function or module named {name!r}",
            did_you_mean(name, known, "run the cell that defines it first"),
        )
    module = Module.from_function(workspace.shell.user_ns[name], name=new_name)
    cell = current_cell.cell_of_file(workspace.shell, module.file)
    if cell is None:
        return module
    first_line = module.first_line + cell.blank_lines
    return replace(module, label=cell.label, first_line=first_line)


def run(
    workspace: Workspace,
    chosen: argparse.Namespace,
    module: Module,
    **callbacks: Any,
) -> Result:
    """Run a module with the options of a line; assign the requested variables.

    Parameters
    ----------
    workspace : Workspace
        The workspace of the notebook.
    chosen : Namespace
        The parsed line.
    module : Module
        The module to run.
    **callbacks
        ``on_start``, ``on_output`` and ``on_tick`` of :func:`azml_magic.run`.
    """
    outputs = magic_options.output_variables(chosen.output)
    result_name = magic_options.result_variable(chosen.result, outputs)
    frames = variables.bind(workspace.shell, magic_options.input_variables(chosen.input))
    known = KnownNames(workspace.shell)
    run_options = workspace.options(chosen)
    try:
        result = api.run(
            module,
            dataset1=frames.get("dataset1"),
            dataset2=frames.get("dataset2"),
            bundle=chosen.zip,
            debug=chosen.debug,
            known_names=known,
            **callbacks,
            **asdict(run_options),
        )
    except ModuleFailed as error:
        if error.result is not None and error.result.failure is not None:
            hint = missing_name_hint(error.result.failure, known, workspace.shell.user_ns)
            error.hint = hint or error.hint
        raise
    variables.assign(workspace.shell, outputs, result_name, result)
    if module.name:
        rules = {"bundle": chosen.zip, "profile": run_options.profile, **run_options.data()}
        workspace.runs[module.name] = named_run(module, rules, frames, result)
    return result


def check(workspace: Workspace, chosen: argparse.Namespace, module: Module) -> tuple[Finding, ...]:
    """Check a module with the options of a line."""
    inputs = magic_options.input_variables(chosen.input)
    return api.check(
        module,
        chosen.zip,
        profile=workspace.options(chosen).profile,
        connected=tuple(inputs) if inputs else None,
        known_names=KnownNames(workspace.shell),
    )


def rows(workspace: Workspace, chosen: argparse.Namespace) -> int:
    """Return how many rows of an output to show."""
    number: Any = workspace.rows if chosen.rows is None else chosen.rows
    return int(number)
