"""What IPython knows: the cell that runs, and how it shows an error."""

from __future__ import annotations

import os
import re
import sys
from dataclasses import dataclass
from types import FrameType
from typing import Any

from azml_magic.display.terminal import error_notebook, error_terminal, wants_color
from azml_magic.errors import AzmlError


@dataclass(frozen=True)
class Cell:
    """The cell that runs now.

    Attributes
    ----------
    label : str
        Such as ``"Cell In[5]"``.
    file : str
        The file name that IPython, and a debugger, know its code by.
    blank_lines : int
        Empty lines at its top, which IPython drops before it counts.
    """

    label: str = "the cell"
    file: str = ""
    blank_lines: int = 0


def current_cell(shell: Any) -> Cell:
    """Return the cell that runs now.

    The counter of the shell differs between IPython 8 and 9 while a cell runs; the cell's
    own stack frame tells it right in both.
    """
    file = ""
    frame: FrameType | None = sys._getframe()
    while frame is not None:
        if shell.compile.format_code_name(frame.f_code.co_filename):
            file = frame.f_code.co_filename
        frame = frame.f_back
    return cell_of_file(shell, file) or Cell()


def cell_of_file(shell: Any, file: str) -> Cell | None:
    """Return the cell whose code IPython knows by a file name."""
    known = shell.compile.format_code_name(file)
    if not known:
        return None
    number = re.fullmatch(r"In\[(\d+)\]", known[1])
    sources = shell.history_manager.input_hist_raw
    source = sources[int(number[1])] if number and int(number[1]) < len(sources) else ""
    blank = len(source) - len(source.lstrip())
    return Cell(" ".join(known), file, source[:blank].count("\n"))


def presentable(error: AzmlError, shell: Any) -> AzmlError:
    """Make IPython show the error in our form, without a frame of our machinery.

    IPython asks an exception for ``_render_traceback_``; what it returns is also what a
    notebook saves.
    """

    def render() -> list[str]:
        # IPython keeps the traceback that it rendered itself for %debug; this one is newer.
        shell.InteractiveTB.tb = None
        show = error_notebook if in_kernel(shell) else error_terminal
        return show(error, colors=wants_colors(shell)).splitlines()

    error._render_traceback_ = render  # type: ignore[attr-defined]
    return error


def in_kernel(shell: Any) -> bool:
    """Whether a frontend shows rich output; in a terminal there is only text."""
    return hasattr(shell, "kernel")


def wants_colors(shell: Any) -> bool:
    """Whether text is to be coloured; a notebook's frontend understands ANSI colours too."""
    if str(getattr(shell, "colors", "")).lower() == "nocolor" or os.environ.get("NO_COLOR"):
        return False
    return in_kernel(shell) or wants_color(sys.stdout)
