"""Findings from Python warnings about the user's own lines."""

from __future__ import annotations

import os
import warnings
from typing import Any, List, Optional, Set, TextIO, Tuple

from azml_magic.findings import CODES, Report
from azml_magic.result import Finding
from azml_magic.sentences import Detail, Sentence, joined

MOST = 20

_WARNED = Sentence("{word} says {said}")
_IN_FILE = Detail(", in line {number} of {said}")
# By the name of the category, as not all versions of pandas have all of them.
_BY_NAME = {
    "ChainedAssignmentError": Report(
        CODES["AZ510"],
        _WARNED,
        "assign in one step: frame.loc[rows, column] = value, or frame[column] = ...",
    ),
    "SettingWithCopyWarning": Report(
        CODES["AZ511"], _WARNED, "assign to frame.loc[rows, column], or make a copy() first"
    ),
}
_CHANGES = Report(
    CODES["AZ512"],
    _WARNED,
    "follow the warning; the behaviour may differ between versions",
)
KINDS = (*_BY_NAME.values(), _CHANGES)
_CHANGING = (FutureWarning, DeprecationWarning, PendingDeprecationWarning)


class Observer:
    """Collects the warnings of a run, which are still printed as usual.

    Parameters
    ----------
    filename : str
        Name of the module's file in tracebacks.
    home : str
        Folder of the run; files below it are the user's own too.

    Attributes
    ----------
    findings : list of Finding
        One per category and line, at most `MOST`.
    """

    def __init__(self, filename: str, home: str) -> None:
        self.findings: List[Finding] = []
        self._filename = filename
        self._home = home
        self._seen: Set[Tuple[str, str, int]] = set()
        self._print = warnings.showwarning

    def listen(self) -> None:
        """Start collecting warnings."""
        warnings.showwarning = self._show

    def _show(
        self,
        message: Any,
        category: Any,
        filename: str,
        lineno: int,
        file: Optional[TextIO] = None,
        line: Optional[str] = None,
    ) -> None:
        self._print(message, category, filename, lineno, file, line)
        self._note(message, category, filename, lineno)

    def _note(self, message: Any, category: Any, filename: str, lineno: int) -> None:
        name = category.__name__
        known = _BY_NAME.get(name)
        if known is None and issubclass(category, _CHANGING):
            known = _CHANGES
        place = self._place(filename)
        key = (name, filename, lineno)
        if known is None or place is None or key in self._seen or len(self.findings) == MOST:
            return
        self._seen.add(key)
        # pandas states the consequence first, followed by a long explanation.
        said = " ".join(str(message).split()).split(". ")[0]
        text = known.message(word=name, said=said)
        if place:
            text = joined(text, _IN_FILE(number=lineno, said=place))
        self.findings.append(known.at(text, line=None if place else lineno))

    def _place(self, filename: str) -> Optional[str]:
        """Return the name of a file of the bundle; empty for the module, ``None`` for a library."""
        if filename == self._filename:
            return ""
        path = os.path.normpath(os.path.join(self._home, filename.replace("\\", "/")))
        inside = path.startswith(self._home + os.sep)
        return os.path.relpath(path, self._home) if inside else None
