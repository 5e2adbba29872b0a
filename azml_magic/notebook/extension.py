"""Loading and unloading the extension."""

from __future__ import annotations

from typing import Any

from azml_magic import api
from azml_magic.notebook.magics import AzmlMagics


def load(shell: Any) -> None:
    """Register the magics, and get the first run's processes ready in the background."""
    magics = AzmlMagics(shell)
    shell.register_magics(magics)
    shell.configurables.append(magics)
    api.warm_up()


def unload(shell: Any) -> None:
    """Remove the magics and end the processes that wait."""
    registered = shell.magics_manager.magics
    shell.configurables[:] = [
        item for item in shell.configurables if not isinstance(item, AzmlMagics)
    ]
    for kind in ("line", "cell"):
        for name in [name for name in registered[kind] if name.startswith("azureml_")]:
            del registered[kind][name]
    shell.magics_manager.registry.pop("AzmlMagics", None)
    api.shut_down()
