"""Access to IPython: the running cell, and the display of errors."""

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
    """The running cell.

    Attributes
    ----------
    label : str
        Label such as ``"Cell In[5]"``.
    file : str
        The file name under which IPython and debuggers know its code.
    blank_lines : int
        Empty lines at its top, which IPython removes before it counts lines.
    """

    label: str = "the cell"
    file: str = ""
    blank_lines: int = 0


def current_cell(shell: Any) -> Cell:
    """Return the running cell.

    The shell's counter differs between IPython 8 and 9 while a cell runs; the cell's own stack
    frame is correct in both.
    """
    file = ""
    frame: FrameType | None = sys._getframe()
    while frame is not None:
        if shell.compile.format_code_name(frame.f_code.co_filename):
            file = frame.f_code.co_filename
        frame = frame.f_back
    return cell_of_file(shell, file) or Cell()


def cell_of_file(shell: Any, file: str) -> Cell | None:
    """Return the cell whose code IPython knows under a file name."""
    known = shell.compile.format_code_name(file)
    if not known:
        return None
    number = re.fullmatch(r"In\[(\d+)\]", known[1])
    sources = shell.history_manager.input_hist_raw
    source = sources[int(number[1])] if number and int(number[1]) < len(sources) else ""
    blank = len(source) - len(source.lstrip())
    return Cell(" ".join(known), file, source[:blank].count("\n"))


def presentable(error: AzmlError, shell: Any) -> AzmlError:
    """Make IPython show an error in our form, without frames of our code.

    IPython calls the ``_render_traceback_`` of an exception; a notebook also saves its result.
    """

    def render() -> list[str]:
        # %debug uses the traceback that IPython itself rendered last; this one is newer.
        shell.InteractiveTB.tb = None
        show = error_notebook if in_kernel(shell) else error_terminal
        return show(error, colors=wants_colors(shell)).splitlines()

    error._render_traceback_ = render  # type: ignore[attr-defined]
    return error


def in_kernel(shell: Any) -> bool:
    """Return whether a frontend shows rich output; a terminal only shows text."""
    return hasattr(shell, "kernel")


def wants_colors(shell: Any) -> bool:
    """Return whether to colour text; frontends of notebooks support ANSI colours too."""
    if str(getattr(shell, "colors", "")).lower() == "nocolor" or os.environ.get("NO_COLOR"):
        return False
    return in_kernel(shell) or wants_color(sys.stdout)
