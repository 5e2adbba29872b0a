"""The magics: parse the line, call the API, show the result."""

from __future__ import annotations

import argparse
import sys
from typing import Any

from IPython.core.magic import line_cell_magic, line_magic, magics_class, no_var_expand

from azml_magic import api
from azml_magic.errors import AzmlError, Interrupted, OptionError
from azml_magic.module.module import Module
from azml_magic.notebook import current_cell, magic_options, running
from azml_magic.notebook.output import (
    LiveOutput,
    show_error,
    show_findings,
    show_remains,
    show_result,
)
from azml_magic.notebook.ports import Ports
from azml_magic.notebook.workspace import Workspace

DEBUG_WARNING = (
    "Debug run: no sandbox. The module runs in the notebook's own process, "
    "and can read, write and reach whatever you can.\n"
)
EARLY = "the run was interrupted; nothing is left running"


@magics_class
class AzmlMagics(Workspace):
    """The magics of azml_magic; ``%config AzmlMagics`` sets the defaults."""

    def __init__(self, shell: Any) -> None:
        super().__init__(shell)
        self.ports = Ports(self)

    @no_var_expand
    @line_cell_magic
    def azureml_module(self, line: str, cell: str | None = None) -> None:
        """Run the cell as an Execute Python Script module."""
        __tracebackhide__ = True
        chosen: argparse.Namespace | None = None
        try:
            chosen = magic_options.parse(line, self.shell.user_ns)
            module = self._module(chosen, cell)
            if chosen.name:
                self.modules[chosen.name] = module
            if chosen.check:
                show_findings(running.check(self, chosen, module), module, self.shell)
            else:
                self._run(chosen, module)
        except KeyboardInterrupt as error:
            interrupted = error if isinstance(error, AzmlError) else Interrupted(EARLY)
            show_remains(interrupted, self.shell)
            raise current_cell.presentable(interrupted, self.shell) from None
        except AzmlError as error:
            if chosen is None or not chosen.no_raise_error:
                if chosen is None or not chosen.quiet:
                    show_remains(error, self.shell)
                raise current_cell.presentable(error, self.shell) from None
            show_error(error, self.shell)

    @no_var_expand
    @line_cell_magic
    def azureml_check(self, line: str, cell: str | None = None) -> None:
        """Report what would break or differ in the cloud, without running the cell.

        This is ``%%azureml_module -c``, and takes the same options.
        """
        __tracebackhide__ = True
        self.azureml_module(f"-c {line}", cell)

    @no_var_expand
    @line_magic
    def azureml_ports(self, line: str) -> None:
        """Show the port picker."""
        __tracebackhide__ = True
        try:
            self.ports.show(magic_options.parse_ports(line))
        except AzmlError as error:
            raise current_cell.presentable(error, self.shell) from None

    @no_var_expand
    @line_magic
    def azureml_doctor(self, line: str) -> None:
        """Print what this machine can enforce on a run, and check it with a real run."""
        from azml_magic.real_run import real_run

        __tracebackhide__ = True
        found = api.machine()
        print(api.machine_report(found), flush=True)
        if found.refusal:
            return
        try:
            print(f"\n{real_run().report()}")
        except Interrupted as error:
            raise current_cell.presentable(error, self.shell) from None

    def _module(self, chosen: argparse.Namespace, cell: str | None) -> Module:
        if cell is not None:
            return running.module_of_cell(self, chosen, cell)
        if not chosen.function:
            raise OptionError(
                "the line form needs a module to run",
                "%azureml_module -f azureml_main, or %%azureml_module above a cell's code",
            )
        return running.module_named(self, chosen.function, chosen.name)

    def _run(self, chosen: argparse.Namespace, module: Module) -> None:
        __tracebackhide__ = True
        if chosen.debug:
            sys.stderr.write(DEBUG_WARNING)
        with LiveOutput(self.shell, quiet=chosen.quiet) as live:
            result = running.run(
                self, chosen, module, on_output=live.on_output, on_tick=live.on_tick
            )
        if not chosen.quiet:
            rows = running.rows(self, chosen)
            show_result(result, self.shell, rows=rows, fold_table=bool(chosen.output))


AzmlMagics.azureml_module.__doc__ = magic_options.build_parser().format_help()
AzmlMagics.azureml_ports.__doc__ = magic_options.build_ports_parser().format_help()
