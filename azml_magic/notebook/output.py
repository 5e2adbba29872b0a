"""Cell output: live lines during a run, the result after it."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from types import TracebackType
from typing import Any

from IPython.display import display

from azml_magic.controls import live
from azml_magic.display.html import failure_html, figure_html, findings_html, preview_html
from azml_magic.display.mime import remains_mimebundle, result_mimebundle
from azml_magic.display.terminal import error_terminal, findings_terminal, result_terminal
from azml_magic.display.text import error_text, findings_text
from azml_magic.errors import AzmlError
from azml_magic.module.module import Module
from azml_magic.notebook.current_cell import in_kernel, wants_colors
from azml_magic.result import Finding, Result

PROGRESS_SECONDS = 2.0
"""Seconds before progress is shown; in shorter runs it would only flicker."""


class LiveOutput:
    """Shows what a module prints as it arrives, and progress after two seconds."""

    def __init__(self, shell: Any, *, quiet: bool) -> None:
        self._in_kernel = in_kernel(shell)
        self._quiet = quiet
        self._progress: Any = None
        self._second = 0

    def __enter__(self) -> LiveOutput:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._progress is not None and self._in_kernel:
            self._progress.update({"text/html": "", "text/plain": ""}, raw=True)
        self._wipe_line()

    def on_output(self, stream: str, text: str) -> None:
        """Print complete lines to the notebook's stream of the same name."""
        if self._quiet and stream == "stdout":
            return
        self._wipe_line()
        file = sys.stderr if stream == "stderr" else sys.stdout
        # A notebook renders colours; a terminal gets plain text without control sequences.
        file.write(live(text, colors=self._in_kernel))
        file.flush()

    def on_tick(self, seconds: float) -> None:
        """Show or update the progress, at most once per second."""
        if self._quiet or seconds < PROGRESS_SECONDS or int(seconds) == self._second:
            return
        self._second = int(seconds)
        text = f"The module has been running for {self._second} s ..."
        if not self._in_kernel:
            self._write_line(text)
            return
        html = f'<progress aria-label="module is running"></progress> {text}'
        data = {"text/html": html, "text/plain": text}
        if self._progress is None:
            self._progress = display(data, raw=True, display_id=True)
        else:
            self._progress.update(data, raw=True)

    def _write_line(self, text: str) -> None:
        # In a terminal, updating a display would print a new line each time.
        if sys.stderr.isatty():
            sys.stderr.write(f"\r{text}")
            sys.stderr.flush()
            self._progress = text

    def _wipe_line(self) -> None:
        if self._progress is not None and not self._in_kernel:
            sys.stderr.write("\r" + " " * len(self._progress) + "\r")
            sys.stderr.flush()
            self._progress = None


def show_result(result: Result, shell: Any, *, rows: int, fold_table: bool) -> None:
    """Show a result: status, findings, frames and log in one output, then each figure."""
    if not in_kernel(shell):
        colors = wants_colors(shell)
        print(result_terminal(result, rows, colors=colors, fold_table=fold_table))
        return
    display(result_mimebundle(result, rows=rows, fold_table=fold_table), raw=True)
    _show_figures(result)


def show_error(error: AzmlError, shell: Any) -> None:
    """Show an error instead of raising it."""
    if not in_kernel(shell):
        print(error_terminal(error, colors=wants_colors(shell)))
        return
    display({"text/html": failure_html(error), "text/plain": error_text(error)}, raw=True)
    _show_figures(getattr(error, "result", None))


def show_remains(error: AzmlError, shell: Any) -> None:
    """Show what a failed run left, folded, beside the error that the notebook itself shows."""
    if not in_kernel(shell):
        return  # its lines were printed as they arrived, and a terminal cannot fold
    data = remains_mimebundle(error)
    if data:
        display(data, raw=True)
    _show_figures(getattr(error, "result", None))


def show_findings(findings: Sequence[Finding], module: Module, shell: Any) -> None:
    """Show the findings of a check."""
    if not in_kernel(shell):
        print(findings_terminal(findings, module.label, colors=wants_colors(shell)))
        return
    data = {
        "text/html": findings_html(findings, module.label),
        "text/plain": findings_text(findings, module.label),
    }
    display(data, raw=True)


def whole_mimebundle(result: Result, rows: int) -> dict[str, str]:
    """Return a result with its figures as one output."""
    data = result_mimebundle(result, rows=rows)
    return {**data, "text/html": "\n".join([data["text/html"], *figures_html(result)])}


def figures_html(result: Result) -> list[str]:
    """Return the figures of a result, and the previews of those that were not saved."""
    count = len(result.figures)
    figures = [
        figure_html(figure, number, count) for number, figure in enumerate(result.figures, 1)
    ]
    return figures + [preview_html(figure) for figure in result.previews]


def _show_figures(result: Result | None) -> None:
    if result is None:
        return
    texts = figures_html(result)
    for html, figure in zip(texts, result.figures, strict=False):
        # The image itself is included for formats without HTML.
        display({"text/html": html, "image/png": figure.png, "text/plain": figure.name}, raw=True)
    for html in texts[len(result.figures) :]:
        display({"text/html": html, "text/plain": "(figure not saved)"}, raw=True)
