"""Run notebook cells as the Execute Python Script modules that they will become.

``%load_ext azml_magic`` gives a notebook the ``%%azureml_module`` cell magic;
:func:`run` and :func:`check` are the same from Python, and ``azml-magic`` from a shell.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from azml_magic.api import check, run
    from azml_magic.deployment import Export, export, import_cell, serve
    from azml_magic.errors import AzmlError, RunError
    from azml_magic.module.module import Module
    from azml_magic.result import Figure, Finding, Result
    from azml_magic.serving.keys import Keys
    from azml_magic.serving.service_settings import ServiceSettings

__version__ = "0.1.0"

__all__ = [
    "AzmlError",
    "Export",
    "Figure",
    "Finding",
    "Keys",
    "Module",
    "Result",
    "RunError",
    "ServiceSettings",
    "check",
    "export",
    "import_cell",
    "run",
    "serve",
]

_PLACES = {
    "AzmlError": "errors",
    "Export": "deployment",
    "Figure": "result",
    "Finding": "result",
    "Keys": "serving.keys",
    "Module": "module.module",
    "Result": "result",
    "RunError": "errors",
    "ServiceSettings": "serving.service_settings",
    "check": "api",
    "export": "deployment",
    "import_cell": "deployment",
    "run": "api",
    "serve": "deployment",
}


def __getattr__(name: str) -> Any:
    """Load a public name at its first use, so that importing the package stays light."""
    if name not in _PLACES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(import_module(f"{__name__}.{_PLACES[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({"__version__", *__all__})


def load_ipython_extension(shell: Any) -> None:
    """Register the magics; called by ``%load_ext azml_magic``."""
    from azml_magic.notebook.extension import load

    load(shell)


def unload_ipython_extension(shell: Any) -> None:
    """Remove the magics; called by ``%unload_ext azml_magic``."""
    from azml_magic.notebook.extension import unload

    unload(shell)
