"""A notebook in a browser, driven as a person drives it."""

from __future__ import annotations

import json
from collections.abc import Iterable
from importlib.resources import files
from pathlib import Path
from typing import Any

import nbformat

BROWSERS = ("/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome")
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--force-color-profile=srgb",
]
# Synchronous predicates: one that returns a promise would count as true at once.
KERNEL_READY = """() => {
  const widget = window.jupyterapp && window.jupyterapp.shell.currentWidget;
  const kernel = widget && widget.sessionContext && widget.sessionContext.session
    && widget.sessionContext.session.kernel;
  return Boolean(kernel && kernel.connectionStatus === 'connected' && kernel.status === 'idle'
    && widget.context.isReady && widget.sessionContext.isReady);
}"""
COUNT = """number => {
  const widget = window.jupyterapp.shell.currentWidget;
  const cells = widget.content.widgets.filter(cell => cell.model.type === 'code');
  return cells[number].model.executionCount > 0
    && widget.sessionContext.session.kernel.status === 'idle';
}"""
SELECT = """number => {
  const panel = window.jupyterapp.shell.currentWidget;
  panel.content.activeCellIndex = number;
}"""
COMMAND = "command => { window.jupyterapp.commands.execute(command) }"
SAVE = "() => window.jupyterapp.shell.currentWidget.context.save()"
AXE = files("axe_playwright_python").joinpath("axe.min.js").read_text()
RULES = {"runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]}


class Notebook:
    """A page with an open notebook whose kernel is ready."""

    def __init__(self, page: Any, path: Path) -> None:
        self.page, self.path = page, path
        # Generous: it is only waited for as long as a busy machine needs.
        page.set_default_timeout(120_000)
        page.wait_for_function(KERNEL_READY, timeout=240_000)

    def command(self, name: str) -> None:
        """Execute a command of the frontend; does not wait for its end."""
        self.page.evaluate(COMMAND, name)

    def run_all(self) -> None:
        """Run every cell, and wait for the end of the last."""
        cells = self.page.evaluate(
            "() => window.jupyterapp.shell.currentWidget.content.widgets.length"
        )
        self.command("notebook:run-all-cells")
        self.wait_for_run(cells - 1)

    def wait_for_run(self, cell: int) -> None:
        """Wait until a cell has run."""
        self.page.wait_for_function(COUNT, arg=cell, timeout=240_000)

    def run(self, cell: int) -> None:
        """Start one cell."""
        self.page.evaluate(SELECT, cell)
        self.command("notebook:run-cell")

    def output(self, cell: int) -> Any:
        """Return the output area of a cell."""
        return self.page.locator(".jp-CodeCell").nth(cell).locator(".jp-OutputArea")

    def editor(self, cell: int) -> Any:
        """Return the editor of a cell."""
        return self.page.locator(".jp-CodeCell").nth(cell).locator(".cm-content")

    def save(self) -> None:
        """Save the notebook, and wait until it is saved."""
        self.page.evaluate(SAVE)

    def violations(self, *selectors: str) -> list[str]:
        """Return what axe-core finds in parts of the page."""
        # Run as a script of its own: the page's content security policy would refuse a tag.
        self.page.evaluate(AXE)
        found = self.page.evaluate(
            "([include, options]) => axe.run({include}, options)",
            [[[selector] for selector in selectors], RULES],
        )
        return [
            f"{item['id']}: {item['help']}: {json.dumps([n['html'][:200] for n in item['nodes']])}"
            for item in found["violations"]
        ]


def write(path: Path, cells: Iterable[str]) -> None:
    """Write a notebook with these code cells."""
    metadata = {"kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"}}
    made = [nbformat.v4.new_code_cell(source) for source in cells]
    nbformat.write(nbformat.v4.new_notebook(cells=made, metadata=metadata), path)
