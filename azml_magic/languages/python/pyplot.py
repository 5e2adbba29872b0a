"""Matplotlib as a module finds it: without windows, whatever backend the script requests.

Rules W6 (open figures are not shown), W7 (``plt.show()`` does nothing useful) and W8
(a script may request any backend).
"""

from __future__ import annotations

import os
import sys
from typing import Any, Dict, List, Set

PREVIEWS = 3
PREVIEW_DPI = 50

_saved: Set[int] = set()


def preload() -> None:
    """Import pyplot with the Agg backend and do the one-time work of a first figure."""
    import io

    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    figure, axes = plt.subplots(figsize=(1, 1))
    axes.plot([0, 1])
    axes.set_title("title")
    figure.savefig(io.BytesIO(), format="png", dpi=10)
    plt.close(figure)
    _replace_backend_choice(matplotlib, plt)
    _record_saved_figures(matplotlib.figure.Figure)


def _replace_backend_choice(matplotlib: Any, plt: Any) -> None:
    agg = "agg"

    def use(backend: str, *, force: bool = True) -> None:
        """Accept any backend, but keep drawing with Agg."""
        matplotlib.rcsetup.validate_backend(backend)

    def switch_backend(newbackend: str) -> None:
        """Accept any backend, but keep drawing with Agg."""
        original_switch(agg)

    def show(*args: Any, **kwargs: Any) -> None:
        """Do nothing: there is no display, and figures stay open for ``savefig``."""

    original_switch = plt.switch_backend
    matplotlib.use = use
    plt.switch_backend = switch_backend
    plt.show = show
    matplotlib.figure.Figure.show = show


def _record_saved_figures(figure_class: Any) -> None:
    original = figure_class.savefig

    def savefig(self: Any, *args: Any, **kwargs: Any) -> Any:
        result = original(self, *args, **kwargs)
        _saved.add(id(self))
        return result

    savefig.__doc__ = original.__doc__
    figure_class.savefig = savefig


def unsaved(folder: str) -> List[Dict[str, Any]]:
    """Describe the figures left open and never saved, and draw small previews of some.

    Parameters
    ----------
    folder : str
        Folder for the previews ``1.png``, ``2.png``, ...

    Returns
    -------
    list of dict
        The ``number`` of each figure, and ``preview``: whether a preview was written.
    """
    plt = sys.modules.get("matplotlib.pyplot")
    if plt is None:
        return []
    described: List[Dict[str, Any]] = []
    for number in plt.get_fignums():
        figure = plt.figure(number)
        if id(figure) in _saved:
            continue
        preview = len(described) < PREVIEWS and _preview(figure, folder, len(described) + 1)
        described.append({"number": int(number), "preview": preview})
    return described


def _preview(figure: Any, folder: str, position: int) -> bool:
    try:
        figure.savefig(os.path.join(folder, f"{position}.png"), dpi=PREVIEW_DPI)
    except Exception:  # a broken figure may raise anything, and this is only a preview
        return False
    return True
