"""The command line: ``azml-magic run|check|export|import|serve|doctor|demo``."""

from __future__ import annotations

import argparse
import os
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from azml_magic import __version__, api
from azml_magic.cli import check_command, deployment_commands, first_process
from azml_magic.controls import live, visible
from azml_magic.dataset_files import read_table, write_table
from azml_magic.display.mime import page
from azml_magic.display.terminal import (
    error_terminal,
    result_terminal,
    wants_color,
)
from azml_magic.errors import (
    AzmlError,
    Interrupted,
    OptionError,
    RunError,
    SandboxError,
    UsageError,
)
from azml_magic.module.module import Module
from azml_magic.protocol.options import Options
from azml_magic.protocol.settings import add_arguments, described, given
from azml_magic.result import Result

EXIT_FAILED, EXIT_USAGE, EXIT_SANDBOX, EXIT_INTERRUPTED = 1, 2, 3, 130
PROGRESS_SECONDS = 2.0
_OPTIONS = described(Options)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; return its exit status.

    0 is success, 1 a failed run or findings, 2 a usage error, 3 a machine that cannot confine
    runs, 130 an interrupt.
    """
    if arguments is None and os.getpid() == 1:
        first_process.stand_aside()
    options = build_parser().parse_args(arguments)
    try:
        status: int = options.action(options)
    except KeyboardInterrupt as error:
        if isinstance(error, AzmlError):
            _print_error(error)
        return EXIT_INTERRUPTED
    except AzmlError as error:
        _print_error(error)
        return _exit_status(error)
    return status


def build_parser() -> argparse.ArgumentParser:
    """Return the parser of the command line."""
    parser = argparse.ArgumentParser(
        prog="azml-magic",
        description="Run Python modules as Azure ML Studio's Execute Python Script runs them.",
    )
    parser.add_argument("--version", action="version", version=f"azml-magic {__version__}")
    commands = parser.add_subparsers(title="commands", required=True, metavar="COMMAND")
    _add_run(commands)
    check_command.add_command(commands)
    deployment_commands.add_commands(commands)
    doctor = commands.add_parser(
        "doctor", help="print what this machine can enforce, and check it with a real run"
    )
    doctor.set_defaults(action=_doctor)
    demo = commands.add_parser("demo", help="rank the features of the Pima diabetes data")
    demo.add_argument("--folder", type=Path, default=Path("azml-demo"), help="folder for the page")
    demo.set_defaults(action=_demo)
    return parser


def _add_run(commands: Any) -> None:
    run = commands.add_parser("run", help="run a module", description="Run a module.")
    add = run.add_argument
    add("module", help="a .py file that defines azureml_main, or a zip")
    add("--dataset1", metavar="FILE", help="first dataset: .csv, .tsv, .parquet or .feather")
    add("--dataset2", metavar="FILE", help="second dataset")
    add("--bundle", metavar="PATH", help="script bundle: a .zip or a folder")
    add("--output", metavar="FILE", help="file for the first output frame")
    add("--output2", metavar="FILE", help="file for the second output frame")
    add("--figures", metavar="FOLDER", type=Path, help="folder for the figures")
    add("--html", metavar="FILE", type=Path, help="write an HTML page with the complete result")
    add_arguments(run, _OPTIONS, letters=True)
    add("--rows", type=int, default=10, help="number of output rows to print")
    add("--quiet", action="store_true", help="print nothing if the run succeeds")
    run.set_defaults(action=_run)


def _run(options: argparse.Namespace) -> int:
    module = Module.from_path(options.module)
    show = not options.quiet
    progress = _Progress()
    try:
        result = api.run(
            module,
            dataset1=read_table(options.dataset1),
            dataset2=read_table(options.dataset2),
            bundle=options.bundle,
            **given(_OPTIONS, options),
            on_output=progress.on_output if show else None,
            on_tick=progress.on_tick if show and sys.stderr.isatty() else None,
        )
    except RunError as error:
        progress.clear()
        if error.result is not None:
            _save(options, error.result)
        raise
    progress.clear()
    if show:
        print(result_terminal(result, rows=options.rows, colors=wants_color(sys.stdout)))
    for path in _save(options, result):
        if show:
            print(f"wrote {visible(str(path))}")
    return 0


def _save(options: argparse.Namespace, result: Result) -> list[Path]:
    written = []
    for target, frame in ((options.output, result.output1), (options.output2, result.output2)):
        if target is not None and frame is not None:
            written.append(write_table(frame, target))
    if options.figures is not None:
        written += save_figures(result, options.figures)
    if options.html is not None:
        written.append(_write_page(options.html, result, result.module))
    return written


def _write_page(path: Path, result: Result, title: str) -> Path:
    _make_folder(path.parent)
    try:
        path.write_text(page(result, title), encoding="utf-8")
    except OSError as error:
        raise OptionError(f"{path} cannot be written: {error.strerror}") from error
    return path


def _make_folder(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OptionError(f"the folder {folder} cannot be created: {error.strerror}") from error


def save_figures(result: Result, folder: Path) -> list[Path]:
    """Write the figures of a result to `folder` under safe names; return their paths."""
    _make_folder(folder)
    written: list[Path] = []
    for figure in result.figures:
        # A figure's name comes from the run: only its last part, and never a hidden file.
        name = Path(figure.name.replace("\\", "/")).name.lstrip(".") or "figure.png"
        path = folder / name
        number = 2
        while path in written:
            path = folder / f"{Path(name).stem}-{number}.png"
            number += 1
        figure.save(path)
        written.append(path)
    return written


def _doctor(options: argparse.Namespace) -> int:
    from azml_magic.real_run import real_run

    capabilities = api.machine()
    print(api.machine_report(capabilities), flush=True)
    if capabilities.refusal:
        return EXIT_SANDBOX
    seen = real_run()
    print(f"\n{seen.report()}")
    return 0 if seen.error is None else _exit_status(seen.error)


def _demo(options: argparse.Namespace) -> int:
    from azml_magic.demo import SOURCE, patients

    folder: Path = options.folder
    started = time.perf_counter()
    progress = _Progress()
    result = api.run(
        Module.from_source(SOURCE, label="demo"),
        patients(),
        on_output=progress.on_output,
        on_tick=progress.on_tick if sys.stderr.isatty() else None,
    )
    progress.clear()
    print(result_terminal(result, rows=10, colors=wants_color(sys.stdout)))
    print()
    whole_page = _write_page(folder / "index.html", result, "Features of the Pima diabetes data")
    for path in (*save_figures(result, folder), whole_page):
        print(f"wrote {visible(str(path))}")
    print(f"{time.perf_counter() - started:.1f} s in all")
    return 0


class _Progress:
    """Live output and, on a terminal, a line that shows that the run is still going."""

    def __init__(self) -> None:
        self._shown = False

    def on_output(self, stream: str, text: str) -> None:
        self.clear()
        file = sys.stderr if stream == "stderr" else sys.stdout
        file.write(live(text))
        file.flush()

    def on_tick(self, seconds: float) -> None:
        if seconds >= PROGRESS_SECONDS:
            sys.stderr.write(f"\rrunning for {seconds:.0f} s ...")
            sys.stderr.flush()
            self._shown = True

    def clear(self) -> None:
        if self._shown:
            sys.stderr.write("\r" + " " * 40 + "\r")
            self._shown = False


def _print_error(error: AzmlError) -> None:
    print(error_terminal(error, colors=wants_color(sys.stderr)), file=sys.stderr)


def _exit_status(error: AzmlError) -> int:
    if isinstance(error, Interrupted):
        return EXIT_INTERRUPTED
    if isinstance(error, UsageError):
        return EXIT_USAGE
    if isinstance(error, SandboxError):
        return EXIT_SANDBOX
    return EXIT_FAILED
