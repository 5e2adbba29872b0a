"""Output cells: live lines while a run goes on, the result when it is over."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from types import TracebackType
from typing import Any

from IPython.display import display

from azml_magic.display.html import failure_html, figure_html, findings_html, preview_html
from azml_magic.display.mime import result_mimebundle
from azml_magic.display.text import error_text, findings_text
from azml_magic.errors import AzmlError
from azml_magic.module.module import Module
from azml_magic.result import Finding, Result

PROGRESS_SECONDS = 2.0
"""Shorter runs show no progress: it would only flicker."""


class LiveOutput:
    """Shows what a module prints as it comes, and progress after two seconds."""

    def __init__(self, shell: Any, *, quiet: bool) -> None:
        self._in_notebook = hasattr(shell, "kernel")
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
        self._clear()

    def on_output(self, stream: str, text: str) -> None:
        """Print whole lines to the notebook's stream of the same name."""
        if self._quiet and stream == "stdout":
            return
        self._clear()
        file = sys.stderr if stream == "stderr" else sys.stdout
        file.write(text)
        file.flush()

    def on_tick(self, seconds: float) -> None:
        """Show or renew the progress, once a second at most."""
        if self._quiet or seconds < PROGRESS_SECONDS or int(seconds) == self._second:
            return
        self._second = int(seconds)
        text = f"The module has been running for {self._second} s ..."
        if not self._in_notebook:
            sys.stderr.write(f"\r{text}")
            sys.stderr.flush()
            self._progress = True
            return
        html = f'<progress aria-label="module is running"></progress> {text}'
        data = {"text/html": html, "text/plain": text}
        if self._progress is None:
            self._progress = display(data, raw=True, display_id=True)
        else:
            self._progress.update(data, raw=True)

    def _clear(self) -> None:
        if self._progress is None:
            return
        if self._in_notebook:
            self._progress.update({"text/html": "", "text/plain": ""}, raw=True)
            return
        sys.stderr.write("\r" + " " * 60 + "\r")
        self._progress = None


def show_result(result: Result, *, rows: int, fold_table: bool) -> None:
    """Show a result: status, findings, frame and log in one output, then each figure."""
    display(result_mimebundle(result, rows=rows, fold_table=fold_table), raw=True)
    _show_figures(result)


def show_error(error: AzmlError) -> None:
    """Show an error that is not raised."""
    display({"text/html": failure_html(error), "text/plain": error_text(error)}, raw=True)
    result = getattr(error, "result", None)
    if isinstance(result, Result):
        _show_figures(result)


def show_findings(findings: Sequence[Finding], module: Module) -> None:
    """Show what was found by reading only."""
    data = {
        "text/html": findings_html(findings, module.label),
        "text/plain": findings_text(findings, module.label),
    }
    display(data, raw=True)


def _show_figures(result: Result) -> None:
    for number, figure in enumerate(result.figures, 1):
        html = figure_html(figure, number, len(result.figures))
        # The image itself goes along for formats that show no HTML.
        display({"text/html": html, "image/png": figure.png, "text/plain": figure.name}, raw=True)
    for figure in result.previews:
        display({"text/html": preview_html(figure), "text/plain": "(figure not saved)"}, raw=True)
