"""Results, errors and findings for a terminal, with optional colours."""

from __future__ import annotations

import os
import shutil
from collections.abc import Sequence
from typing import Any

from azml_magic.display.aligned_columns import Paint, plain
from azml_magic.display.text import error_text, findings_text, result_text
from azml_magic.errors import AzmlError
from azml_magic.result import Finding, Result

# Only bold and the sixteen colours that the terminal's theme defines.
_CODES = {
    "ok": "1;32",
    "failed": "1;31",
    "error": "31",
    "warning": "33",
    "note": "36",
    "name": "1",
    "dim": "2",
    "place": "36",
    "arrow": "1",
    "gap": "2",
}
# JupyterLab shows errors on a red background, on which neither red nor cyan is readable.
_BOLD_CODES = dict.fromkeys(("failed", "error", "warning", "name", "place", "arrow"), "1")


def result_terminal(
    result: Result,
    rows: int = 10,
    *,
    colors: bool,
    width: int | None = None,
    fold_table: bool = False,
) -> str:
    """Return a result for a terminal.

    Parameters
    ----------
    result : Result
        Of a run that succeeded or failed.
    rows : int
        Rows of each output to show, at most.
    colors : bool
        Whether to add ANSI colours; see :func:`wants_color`.
    width : int, optional
        Columns of the terminal; by default those of this process's terminal.
    fold_table : bool
        Whether to leave out the outputs, for a result assigned to a variable.
    """
    columns = shutil.get_terminal_size().columns if width is None else width
    return result_text(
        result,
        rows,
        width=max(columns, 20),
        paint=_painter(colors),
        views=[] if fold_table else None,
    )


def error_terminal(error: AzmlError, *, colors: bool) -> str:
    """Return an error for a terminal: traceback, message, hint, findings."""
    return error_text(error, paint=_painter(colors))


def error_notebook(error: AzmlError, *, colors: bool) -> str:
    """Return an error for the traceback of a notebook cell: with bold text, but no colours."""
    return error_text(error, paint=_bold if colors else plain)


def findings_terminal(findings: Sequence[Finding], label: str, *, colors: bool) -> str:
    """Return the findings of a check for a terminal; `label` is that of the module."""
    return findings_text(findings, label, paint=_painter(colors))


def wants_color(stream: Any) -> bool:
    """Return whether to write colours to a stream.

    ``NO_COLOR`` disables them; otherwise ``FORCE_COLOR`` enables them (``0`` disables them);
    otherwise ``TERM=dumb`` disables them; otherwise they are enabled for terminals.
    """
    if os.environ.get("NO_COLOR"):
        return False
    forced = os.environ.get("FORCE_COLOR")
    if forced:
        return forced != "0"
    if os.environ.get("TERM") == "dumb":
        return False
    try:
        return bool(stream.isatty())
    except (AttributeError, ValueError):  # not a stream, or a closed one
        return False


def _painter(colors: bool) -> Paint:
    return _painted if colors else plain


def _painted(role: str, text: str) -> str:
    return _coded(_CODES.get(role), text)


def _bold(role: str, text: str) -> str:
    return _coded(_BOLD_CODES.get(role), text)


def _coded(code: str | None, text: str) -> str:
    if code is None or not text:
        return text
    # Each line separately: pagers and notebooks split the text at line ends.
    return "\n".join(f"\x1b[{code}m{line}\x1b[0m" for line in text.split("\n"))
