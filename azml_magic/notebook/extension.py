"""Loading and unloading the extension."""

from __future__ import annotations

from typing import Any

from azml_magic import api
from azml_magic.notebook.completion import matcher_of
from azml_magic.notebook.deployment_magics import DeploymentMagics
from azml_magic.notebook.magics import AzmlMagics
from azml_magic.notebook.output import whole_mimebundle
from azml_magic.result import Result

_ATTRIBUTE = "_azml_magic_loaded"


class _Loaded:
    """Everything that loading has registered in a shell."""

    def __init__(self, shell: Any) -> None:
        self.shell = shell
        self.magics = AzmlMagics(shell)
        self.deployment = DeploymentMagics(shell, self.magics)
        self.matcher = matcher_of(self.magics)
        shell.register_magics(self.magics, self.deployment)
        shell.Completer.custom_matchers.append(self.matcher)
        shell.events.register("pre_run_cell", self.wake)
        shell.events.register("post_run_cell", self.magics.ports.refresh)
        self._formatters().for_type(Result, self._show)

    def wake(self, _: Any) -> None:
        """Prepare the next run when a cell is executed after a long pause."""
        api.wake()

    def _formatters(self) -> Any:
        return self.shell.display_formatter.mimebundle_formatter

    def _show(self, result: Result, **_: Any) -> dict[str, str]:
        """Show a result that is the value of a cell, such as that of ``azml_magic.run(...)``."""
        return whole_mimebundle(result, self.magics.rows)

    def remove(self) -> None:
        shell = self.shell
        self._formatters().pop(Result)
        shell.events.unregister("pre_run_cell", self.wake)
        shell.events.unregister("post_run_cell", self.magics.ports.refresh)
        shell.Completer.custom_matchers.remove(self.matcher)
        self.deployment.stop_services()
        for magics in (self.magics, self.deployment):
            _unregister(shell, magics)


def _unregister(shell: Any, magics: Any) -> None:
    # Magics add themselves to these.
    shell.configurables[:] = [item for item in shell.configurables if item is not magics]
    registered = shell.magics_manager.magics
    for kind in ("line", "cell"):
        for name in magics.magics[kind]:
            registered[kind].pop(name, None)
    shell.magics_manager.registry.pop(type(magics).__name__, None)


def load(shell: Any) -> None:
    """Register magics and completion, and prepare the processes of the first run."""
    unload(shell)
    setattr(shell, _ATTRIBUTE, _Loaded(shell))
    api.warm_up()


def unload(shell: Any) -> None:
    """Unregister them, and end the prepared processes."""
    loaded = getattr(shell, _ATTRIBUTE, None)
    if loaded is not None:
        loaded.remove()
        delattr(shell, _ATTRIBUTE)
        api.shut_down()
