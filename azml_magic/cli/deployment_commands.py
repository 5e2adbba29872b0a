"""The commands that export, import and serve a module."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from azml_magic.controls import plain
from azml_magic.dataset_files import read_table
from azml_magic.display.terminal import findings_terminal, wants_color
from azml_magic.errors import OptionError
from azml_magic.module.module import Module
from azml_magic.protocol.options import DATA, Options
from azml_magic.protocol.settings import add_arguments, described, given
from azml_magic.serving.service_settings import ServiceSettings
from azml_magic.temporary import OwnFolder

if TYPE_CHECKING:
    from azml_magic.deployment import Export

_MODULE_OPTIONS = {name: described(Options)[name] for name in ("profile", *DATA)}


def add_commands(commands: Any) -> None:
    """Add the commands to the subparsers of the command line."""
    _add_export(commands)
    _add_import(commands)
    _add_serve(commands)


def _add_export(commands: Any) -> None:
    text = (
        "Write a module as one zip that is a script bundle, a program, a component, an endpoint "
        "and a model."
    )
    parser = commands.add_parser("export", help="write a module as one zip", description=text)
    parser.add_argument("module", help="a .py file that defines azureml_main, or a zip")
    parser.add_argument("path", help="the zip to write")
    _add_module_options(parser)
    add = parser.add_argument
    add("--input-type", default="uri_file",
        help="type of the component's inputs: uri_file (default) or uri_folder")  # fmt: skip
    parser.set_defaults(action=_export)


def _add_module_options(parser: Any) -> None:
    add = parser.add_argument
    add(
        "--dataset1",
        metavar="FILE",
        help="sample of the first dataset, to run the module and record its columns",
    )
    add("--dataset2", metavar="FILE", help="sample of the second dataset")
    add("--bundle", metavar="PATH", help="script bundle: a .zip or a folder")
    add("--name", default="", help="name of the module in the zip")
    add("--include", action="append", default=[], metavar="NAME",
        help="module or file next to the module to add to the bundle; repeatable")  # fmt: skip
    add_arguments(parser, _MODULE_OPTIONS)
    add("--force", action="store_true", help="export despite findings of level error")


def _add_import(commands: Any) -> None:
    text = "Print the text of a script box, a .py file or a zip as a notebook cell."
    parser = commands.add_parser("import", help="turn a module into a cell", description=text)
    add = parser.add_argument
    add("path", help="a .txt with the text of a script box, a .py file or a .zip")
    add("--bundle", metavar="PATH", help="script bundle of the module: a .zip or a folder")
    add("--folder", default=".", help="folder for a bundle that is contained in the zip")
    parser.set_defaults(action=_import)


def _add_serve(commands: Any) -> None:
    text = "Serve a module as a web service. Keys are read from a file or from AZML_PRIMARY_KEY."
    parser = commands.add_parser("serve", help="serve a module over HTTP", description=text)
    add = parser.add_argument
    add("module", help="a module zip, or a .py file that is exported first")
    _add_module_options(parser)
    add(
        "--key-file",
        metavar="FILE",
        help="file with the primary key, and optionally a secondary key on its second line",
    )
    add_arguments(parser, described(ServiceSettings))
    parser.set_defaults(action=_serve)


def _export(options: argparse.Namespace) -> int:
    module = Module.from_path(options.module)
    made = _exported(options, module, options.path)
    print(f"wrote {made.path} ({made.path.stat().st_size:,} bytes, sha256 {made.sha256})")
    if made.findings:
        print(findings_terminal(made.findings, module.label, colors=wants_color(sys.stdout)))
    print(f"script box, with the zip on the third port:\n    {made.script_box}", end="")
    return 0


def _exported(options: argparse.Namespace, module: Module, path: str) -> Export:
    from azml_magic.deployment import export

    return export(
        module,
        path,
        read_table(options.dataset1),
        read_table(options.dataset2),
        options.bundle,
        name=options.name,
        include=options.include,
        folder=Path(options.module).resolve().parent,
        **given(_MODULE_OPTIONS, options),
        input_type=getattr(options, "input_type", "uri_file"),
        force=options.force,
    )


def _import(options: argparse.Namespace) -> int:
    from azml_magic.deployment import import_cell

    taken = import_cell(options.path, options.bundle, folder=options.folder)
    # On a terminal, a person reads it first; a file receives it unchanged.
    cell = plain(taken.cell) if sys.stdout.isatty() else taken.cell
    print(cell, end="" if cell.endswith("\n") else "\n")
    if taken.bundle and taken.bundle != options.bundle:
        print(f"wrote {taken.bundle}", file=sys.stderr)
    return 0


def _serve(options: argparse.Namespace) -> int:
    from azml_magic.exporting.files import module_zip

    try:
        from azml_magic.serving.http_server import serve, stopping_ends_this_process
        from azml_magic.serving.keys import forget_keys
    except ModuleNotFoundError as error:
        raise OptionError(
            f"serving needs the package {error.name}", "pip install 'azml_magic[serve]'"
        ) from None
    settings = _settings(options)
    forget_keys()
    with stopping_ends_this_process(), OwnFolder("azml-service") as folder:
        path = options.module
        if module_zip(path) is None:
            module = Module.from_path(path)
            name = options.name or Path(path).stem
            path = str(_exported(options, module, f"{folder.path}/{name}.zip").path)
        serve(path, settings, lambda url: print(f"serving at {url}", flush=True))
    return 0


def _settings(options: argparse.Namespace) -> ServiceSettings:
    from azml_magic.serving.keys import read_keys

    chosen = given(described(ServiceSettings), options)
    return ServiceSettings.of(keys=read_keys(options.key_file), **chosen)
