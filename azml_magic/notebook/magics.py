"""The magics: read the line, find the frames, call the API, show what came back."""

from __future__ import annotations

import argparse
from typing import Any

from IPython.core.magic import Magics, line_cell_magic, line_magic, magics_class, no_var_expand
from traitlets import Bool, Enum, Float, Integer, Unicode
from traitlets.config.configurable import Configurable

from azml_magic import api
from azml_magic.errors import AzmlError, ModuleError, OptionError, PortError, did_you_mean
from azml_magic.module.module import Module
from azml_magic.notebook import cells, options
from azml_magic.notebook.output import LiveOutput, show_error, show_findings, show_result
from azml_magic.result import Result


@magics_class
class AzmlMagics(Magics, Configurable):
    """The magics of azml_magic; defaults by ``%config AzmlMagics``."""

    profile = Enum(["classic", "designer"], "classic", help="Rules of the run.").tag(config=True)
    timeout = Float(600.0, help="Time limit of a run, in seconds; 0 for none.").tag(config=True)
    memory = Unicode("2GB", help="Memory limit of a run.").tag(config=True)
    rows = Integer(10, min=0, help="Rows of an output frame to show.").tag(config=True)
    strict = Bool(False, help="Whether findings are errors.").tag(config=True)
    dates = Enum(
        ["epoch", "datetime"], "epoch", help="How classic hands dates over (rule 2.7)."
    ).tag(config=True)
    text = Enum(["object", "str"], "object", help="How text is handed over (rule 2.17).").tag(
        config=True
    )

    def __init__(self, shell: Any) -> None:
        super().__init__(shell)
        self.modules: dict[str, Module] = {}

    @no_var_expand
    @line_cell_magic
    def azureml_module(self, line: str, cell: str | None = None) -> None:
        """Run the cell as an Execute Python Script module."""
        chosen: argparse.Namespace | None = None
        try:
            chosen = options.parse(line, self.shell.user_ns)
            module = self._module(chosen, cell)
            if chosen.name:
                self.modules[chosen.name] = module
            if chosen.check:
                self._check(chosen, module)
            else:
                self._run(chosen, module)
        except AzmlError as error:
            # Only what a run left behind can be shown and passed over.
            if chosen is None or not chosen.no_raise_error:
                raise cells.presentable(error, self.shell) from None
            show_error(error)

    @no_var_expand
    @line_magic
    def azureml_doctor(self, line: str) -> None:
        """Print what this machine enforces for a run, and how."""
        print(api.machine().report())

    def _module(self, chosen: argparse.Namespace, cell: str | None) -> Module:
        if cell is not None:
            if chosen.function:
                raise OptionError(
                    "-f names a function of another cell, but this cell has a body",
                    "use the line form, %azureml_module -f FUNCTION, or drop -f",
                )
            if not cell.strip():
                raise ModuleError(
                    "the cell has no code below its first line", "define azureml_main there"
                )
            return Module.from_source(
                cell, label=cells.current_cell(self.shell), first_line=2, name=chosen.name
            )
        if not chosen.function:
            raise OptionError(
                "the line form needs a function to run",
                "%azureml_module -f azureml_main, or %%azureml_module above a cell's code",
            )
        return cells.module_of_function(self.shell, chosen.function, chosen.name)

    def _check(self, chosen: argparse.Namespace, module: Module) -> None:
        inputs = options.input_variables(chosen.input)
        findings = api.check(
            module,
            chosen.zip,
            profile=chosen.profile or self.profile,
            connected=tuple(inputs) if inputs else None,
            known_names=cells.known_names(self.shell),
        )
        show_findings(findings, module)

    def _run(self, chosen: argparse.Namespace, module: Module) -> None:
        outputs = options.output_variables(chosen.output)
        frames = self._frames(options.input_variables(chosen.input))
        with LiveOutput(self.shell, quiet=chosen.quiet) as live:
            result = api.run(
                module,
                **frames,
                bundle=chosen.zip,
                profile=chosen.profile or self.profile,
                timeout=self.timeout if chosen.timeout is None else chosen.timeout,
                memory=chosen.memory or self.memory,
                dates=chosen.dates or self.dates,
                text=chosen.text or self.text,
                strict=chosen.strict or self.strict,
                allow_network=chosen.allow_network,
                known_names=cells.known_names(self.shell),
                on_output=live.on_output,
                on_tick=live.on_tick,
            )
        self._assign(chosen, outputs, result)
        if not chosen.quiet:
            rows = self.rows if chosen.rows is None else chosen.rows
            show_result(result, rows=rows, fold_table=bool(outputs))

    def _frames(self, inputs: dict[str, str]) -> dict[str, Any]:
        import pandas as pd

        variables = self.shell.user_ns
        frames = {
            name: value
            for name, value in variables.items()
            if isinstance(value, pd.DataFrame) and not name.startswith("_")
        }
        listed = (
            f"frames here: {', '.join(sorted(frames))}" if frames else "no frame is defined yet"
        )
        for port, name in inputs.items():
            if name not in variables:
                raise PortError(
                    f"no variable named {name!r} for {port}", did_you_mean(name, frames, listed)
                )
            if not isinstance(variables[name], pd.DataFrame):
                kind = type(variables[name]).__name__
                raise PortError(f"{name!r} for {port} is a {kind}, not a DataFrame", listed)
        return {port: variables[name] for port, name in inputs.items()}

    def _assign(self, chosen: argparse.Namespace, outputs: list[str], result: Result) -> None:
        assigned: dict[str, Any] = {}
        for position, name in enumerate(outputs):
            frame = result.outputs[position]
            if frame is None:
                raise PortError(
                    f"the module returned no frame for {name!r} (output{position + 1})",
                    f"return it from azureml_main, or leave {name} out of -o",
                )
            assigned[name] = frame
        if chosen.result:
            assigned.update({options.output_variables(chosen.result)[0]: result})
        self.shell.push(assigned)


AzmlMagics.azureml_module.__doc__ = options.build_parser().format_help()
