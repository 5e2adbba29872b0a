"""The magics that export, import and serve a module."""

from __future__ import annotations

import argparse
import html
import shlex
from typing import TYPE_CHECKING, Any, NoReturn

from IPython.core.magic import Magics, line_magic, magics_class, no_var_expand
from IPython.display import display

from azml_magic.errors import AzmlError, OptionError, did_you_mean
from azml_magic.notebook import current_cell, running
from azml_magic.notebook.named import NamedRun
from azml_magic.notebook.workspace import Workspace
from azml_magic.protocol.settings import add_arguments, described, given
from azml_magic.serving.service_settings import ServiceSettings

if TYPE_CHECKING:
    from azml_magic.serving.running_service import RunningService


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        raise OptionError(message, f"see {self.prog}? for all options")


@magics_class
class DeploymentMagics(Magics):
    """Export and serve the modules that were named with ``-n``, and import a module."""

    def __init__(self, shell: Any, workspace: Workspace) -> None:
        super().__init__(shell)
        self._workspace = workspace
        self.services: dict[str, RunningService] = {}

    @no_var_expand
    @line_magic
    def azureml_export(self, line: str) -> None:
        """Write a module that has run with ``-n NAME`` as one zip.

        %azureml_export NAME PATH [--include NAME]... [--input-type TYPE] [--force]
        """
        __tracebackhide__ = True
        parser = _Parser(prog="%azureml_export", add_help=False)
        parser.add_argument("name")
        parser.add_argument("path")
        parser.add_argument("--include", action="append", default=[])
        parser.add_argument("--input-type", default="uri_file")
        parser.add_argument("--force", action="store_true")
        try:
            self._export(parser.parse_args(_words(line)))
        except AzmlError as error:
            raise current_cell.presentable(error, self.shell) from None

    @no_var_expand
    @line_magic
    def azureml_import(self, line: str) -> None:
        """Put the text of a script box, a .py file or a zip into the next cell.

        %azureml_import PATH [-z BUNDLE]
        """
        __tracebackhide__ = True
        from azml_magic.deployment import import_cell

        parser = _Parser(prog="%azureml_import", add_help=False)
        parser.add_argument("path")
        parser.add_argument("-z", "--zip")
        try:
            chosen = parser.parse_args(_words(line))
            taken = import_cell(chosen.path, chosen.zip)
        except AzmlError as error:
            raise current_cell.presentable(error, self.shell) from None
        self.shell.set_next_input(taken.cell)
        if taken.bundle and taken.bundle != chosen.zip:
            print(f"wrote {taken.bundle}")

    @no_var_expand
    @line_magic
    def azureml_serve(self, line: str) -> None:
        """Serve a module as a web service on this machine, until ``--stop`` or the kernel's end.

        %azureml_serve NAME [--port PORT] [--isolate worker|request] [--workers N] [-o VARIABLE]
            [--timeout SECONDS] [--memory SIZE] ...
        %azureml_serve NAME --stop

        It takes an option for every setting of ``azml_magic.ServiceSettings``.
        """
        __tracebackhide__ = True
        parser = _Parser(prog="%azureml_serve", add_help=False)
        parser.add_argument("name")
        add_arguments(parser, described(ServiceSettings), defaults=False)
        parser.add_argument("--include", action="append", default=[])
        parser.add_argument("-o", "--output", default="")
        parser.add_argument("--stop", action="store_true")
        try:
            self._serve(parser.parse_args(_words(line)))
        except AzmlError as error:
            raise current_cell.presentable(error, self.shell) from None

    def stop_services(self) -> None:
        """Stop all running services."""
        while self.services:
            self.services.popitem()[1].stop()

    def _named(self, name: str) -> NamedRun:
        if name in self._workspace.runs:
            return self._workspace.runs[name]
        return NamedRun(running.module_named(self._workspace, name, name), {})

    def _export(self, chosen: argparse.Namespace) -> None:
        from azml_magic.deployment import export

        named = self._named(chosen.name)
        made = export(
            named.module,
            chosen.path,
            name=chosen.name,
            include=chosen.include,
            recorded=named.recorded,
            input_type=chosen.input_type,
            force=chosen.force,
            **named.options,
        )
        notes = [f"{item.code} {item.message}" for item in made.findings if item.level != "note"]
        lines = [
            f"wrote {made.path}, sha256 {made.sha256}",
            *notes,
            f"script box, with the zip on the third port: {made.script_box.strip()}",
        ]
        if named.recorded is None:
            lines.append("no columns are recorded: run the module with -n first to record them")
        print("\n".join(lines))

    def _serve(self, chosen: argparse.Namespace) -> None:
        from azml_magic.deployment import serve

        if chosen.stop and chosen.name not in self.services:
            known = ", ".join(self.services) or "none"
            raise OptionError(
                f"no service named {chosen.name!r} is running",
                did_you_mean(chosen.name, self.services, f"running: {known}"),
            )
        if chosen.name in self.services:
            self.services.pop(chosen.name).stop()
        if chosen.stop:
            print(f"stopped {chosen.name}")
            return
        named = self._named(chosen.name)
        settings = ServiceSettings.of(**{"port": 0, **given(described(ServiceSettings), chosen)})
        service = serve(
            named.module,
            settings=settings,
            name=chosen.name,
            include=chosen.include,
            recorded=named.recorded,
            **named.options,
        )
        self.services[chosen.name] = service
        if chosen.output:
            self.shell.push({chosen.output: service})
        address = html.escape(service.url)
        link = f'<a href="{address}" target="_blank" rel="noopener">{address}</a>'
        text = f"{chosen.name} is served at {service.url}"
        page = f"{html.escape(chosen.name)} is served at {link}"
        display({"text/plain": text, "text/html": page}, raw=True)


def _words(line: str) -> list[str]:
    try:
        return shlex.split(line)
    except ValueError as error:
        raise OptionError(f"the line cannot be parsed: {error}", "close the quotation") from None
