"""Import in the background what the first run needs."""

from __future__ import annotations

import threading
from importlib import import_module

PAUSE_SECONDS = 0.5
"""Seconds until the cell that loads the extension has certainly ended."""

# These import everything else that the first run and its display need.
_MODULES = (
    "azml_magic.executors.local",
    "azml_magic.runner.result_of_run",
    "azml_magic.checks",
    "azml_magic.display.mime",
)

_timer: threading.Timer | None = None


def import_soon() -> None:
    """Import in the background, once, after a pause."""
    global _timer
    if _timer is None:
        _timer = threading.Timer(PAUSE_SECONDS, _import)
        _timer.daemon = True
        _timer.start()


def _import() -> None:
    for name in _MODULES:
        import_module(name)
