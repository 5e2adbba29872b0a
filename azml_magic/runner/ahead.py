"""What the first run imports, imported while nobody waits for it."""

from __future__ import annotations

import threading
from importlib import import_module

PAUSE_SECONDS = 0.5
"""Until then the cell that loads the extension is over."""

# Of what the first run and its display import, those that bring all the others.
_MODULES = (
    "azml_magic.executors.local",
    "azml_magic.runner.result_of_run",
    "azml_magic.checks",
    "azml_magic.display.mime",
)

_timer: threading.Timer | None = None


def import_soon() -> None:
    """Import in the background, once and after a pause."""
    global _timer
    if _timer is None:
        _timer = threading.Timer(PAUSE_SECONDS, _import)
        _timer.daemon = True
        _timer.start()


def _import() -> None:
    for name in _MODULES:
        import_module(name)
