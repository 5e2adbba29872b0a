"""``%azureml_ports``: shows a picker, updates its list of frames, writes its line."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from IPython.display import display

from azml_magic.errors import ModuleError, OptionError, did_you_mean
from azml_magic.notebook import variables
from azml_magic.notebook.choice import Choice, table_html, table_text
from azml_magic.notebook.current_cell import in_kernel

if TYPE_CHECKING:
    import argparse

    from azml_magic.notebook.picker import Picker
    from azml_magic.notebook.workspace import Workspace


class Ports:
    """The pickers of a notebook, and the last choices."""

    def __init__(self, workspace: Workspace) -> None:
        self._workspace = workspace
        self.last: Choice | None = None
        self._pickers: dict[str, Picker] = {}

    def modules(self) -> list[str]:
        """Return what can be run: functions of the notebook, and modules named with ``-n``."""
        functions = variables.functions(self._workspace.shell)
        return functions + [name for name in self._workspace.modules if name not in functions]

    def show(self, chosen: argparse.Namespace) -> None:
        """Show a picker, or with ``--write`` replace the cell by the line chosen last.

        Raises
        ------
        ModuleError
            When there is no module of that name.
        OptionError
            When nothing has been chosen that could be written.
        """
        names = self.modules()
        if chosen.name and chosen.name not in names:
            raise ModuleError(
                f"the notebook has no function or module named {chosen.name!r}",
                did_you_mean(chosen.name, names, "run the cell that defines it first"),
            )
        if chosen.write:
            self._write(chosen.name)
            return
        first = Choice(module=chosen.name or (names[0] if names else ""))
        self.last = first if self.last is None or chosen.name else self.last
        self._show(first)

    def refresh(self, *_: Any) -> None:
        """Update the lists of all pickers; called after each cell."""
        if not self._pickers:
            return
        frames, names = variables.frames(self._workspace.shell), self.modules()
        for picker in self._pickers.values():
            picker.offer(frames, names)

    def _show(self, first: Choice) -> None:
        shell = self._workspace.shell
        frames, names = variables.frames(shell), self.modules()
        text = table_text(frames, names, self._suggested(first, frames))
        if not in_kernel(shell):
            print(text)
            return
        html = table_html(frames, names, self._suggested(first, frames))
        fallback = {"text/plain": text, "text/html": html}
        try:
            import ipywidgets  # noqa: F401
        except ImportError:
            display(fallback, raw=True)
            return
        from azml_magic.notebook.picker import Picker

        picker = Picker(self._workspace, first, self._remember, self.refresh)
        picker.offer(frames, names)
        picker.show(fallback)
        replaced = self._pickers.pop(_cell_id(shell), None)
        if replaced is not None:
            replaced.close()
        self._pickers[_cell_id(shell) or str(id(picker))] = picker

    def _remember(self, choice: Choice) -> None:
        self.last = choice

    @staticmethod
    def _suggested(first: Choice, frames: dict[str, Any]) -> Choice:
        return Choice(module=first.module, dataset1=next(iter(frames), ""))

    def _write(self, name: str) -> None:
        if self.last is None or not self.last.module or name not in ("", self.last.module):
            raise OptionError(
                f"nothing has been chosen yet{f' for {name}' if name else ''}",
                "run the cell without --write first, and choose",
            )
        cell = self.last.cell(self._workspace.modules)
        self._workspace.shell.set_next_input(cell, replace=True)


def _cell_id(shell: Any) -> str:
    """Return the id of the running cell, if the frontend sends it."""
    metadata = shell.kernel.get_parent().get("metadata", {})
    return str(metadata.get("cellId") or "")
