"""Run a notebook cell as what it will be once it is operationalised.

``%load_ext azml_magic`` gives a notebook the ``%%azureml_module`` cell magic;
:func:`run` and :func:`check` are the same from Python, and ``azml-magic`` from a shell.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from azml_magic.api import check, run
    from azml_magic.errors import AzmlError, RunError
    from azml_magic.module.module import Module
    from azml_magic.result import Figure, Finding, Result

__version__ = "0.1.0"

__all__ = [
    "AzmlError",
    "Figure",
    "Finding",
    "Module",
    "Result",
    "RunError",
    "check",
    "run",
]

_PLACES = {
    "AzmlError": "errors",
    "Figure": "result",
    "Finding": "result",
    "Module": "module.module",
    "Result": "result",
    "RunError": "errors",
    "check": "api",
    "run": "api",
}


def __getattr__(name: str) -> Any:
    """Load a public name at its first use, so that importing the package stays light."""
    if name not in _PLACES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(import_module(f"{__name__}.{_PLACES[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})


def load_ipython_extension(shell: Any) -> None:
    """Register the magics; called by ``%load_ext azml_magic``."""
    from azml_magic.notebook.extension import load

    load(shell)


def unload_ipython_extension(shell: Any) -> None:
    """Remove the magics; called by ``%unload_ext azml_magic``."""
    from azml_magic.notebook.extension import unload

    unload(shell)
