"""A worker's reports about its run, as plain events; the notebook side checks every field."""

from __future__ import annotations

import os
import traceback
from typing import Any, Dict, List, Optional

from azml_magic.contract.returned_values import ReturnRefused
from azml_magic.languages.call import Progress
from azml_magic.result import Finding
from azml_magic.sentences import ComposedText

MESSAGE_CHARACTERS = 20_000
ENTRIES = 60
LINE_CHARACTERS = 500


def not_begun(error: BaseException) -> Dict[str, Any]:
    """Describe what prevented a module from being run."""
    return {"event": "not begun", "kind": _kind(error), "message": _message(error)}


def success(
    outputs: List[Optional[Any]],
    findings: List[Finding],
    unsaved: List[Dict[str, Any]],
    uploads: List[Dict[str, str]],
) -> Dict[str, Any]:
    """Describe a successful run; its frames follow the event."""
    return {
        "event": "result",
        "outputs": [frame is not None for frame in outputs],
        "findings": [_finding(finding) for finding in findings],
        "unsaved": unsaved,
        "uploads": uploads,
    }


def failure(error: BaseException, progress: Progress, filename: str, folder: str) -> Dict[str, Any]:
    """Describe the exception that ended a run, with the frames in the user's code marked."""
    if isinstance(error, ReturnRefused):
        return {
            "event": "refusal",
            "stage": progress.stage,
            "number": error.number,
            "message": error.message.to_json(),
            "hint": error.hint.to_json(),
        }
    return {
        "event": "failure",
        "stage": progress.stage,
        "kind": _kind(error),
        "message": _message(error),
        "errno": error.errno if isinstance(error, OSError) else None,
        "entries": _entries(error, filename, folder),
    }


def _finding(finding: Finding) -> Dict[str, Any]:
    """Describe a finding by the values that its kind does not determine."""
    message = finding.message
    assert isinstance(message, ComposedText), "findings of a run are composed of sentences"
    return {
        "code": finding.code,
        "level": finding.level,
        "rule": finding.rule,
        "message": message.to_json(),
        "line": finding.line,
        "port": finding.port,
    }


def _kind(error: BaseException) -> str:
    kind = type(error)
    if kind.__module__ in {"builtins", "__main__"}:
        return kind.__qualname__
    return f"{kind.__module__}.{kind.__qualname__}"


def _message(error: BaseException) -> str:
    try:
        if isinstance(error, SyntaxError):
            return str(error.msg)
        return str(error)[:MESSAGE_CHARACTERS]
    except BaseException:  # str() of a hostile or broken exception
        return "<the exception has no text>"


def _entries(error: BaseException, filename: str, folder: str) -> List[Dict[str, Any]]:
    """List the frames from the module's first one on: place, line, function, text, mine."""
    home = os.path.join(folder, "work")
    entries: List[Dict[str, Any]] = []
    for frame in traceback.extract_tb(error.__traceback__):
        place = _own_place(frame.filename, filename, home)
        if entries or place is not None:
            entries.append(
                {
                    "file": _library(frame.filename) if place is None else place,
                    "line": frame.lineno or 0,
                    "function": frame.name,
                    "text": (frame.line or "")[:LINE_CHARACTERS],
                    "mine": place is not None,
                }
            )
    if isinstance(error, SyntaxError) and error.filename:
        entries.append(
            {
                "file": _own_place(error.filename, filename, home) or _library(error.filename),
                "line": error.lineno or 0,
                "function": "<module>",
                "text": (error.text or "").rstrip()[:LINE_CHARACTERS],
                "mine": True,
            }
        )
    return (
        entries if len(entries) <= ENTRIES else entries[: ENTRIES // 2] + entries[-ENTRIES // 2 :]
    )


def _own_place(file: str, filename: str, home: str) -> Optional[str]:
    """Return the name of a file of the module for the user; ``None`` for a library's file."""
    if file == filename:
        return "module"
    path = os.path.normpath(os.path.join(home, file.replace("\\", "/")))
    return os.path.relpath(path, home) if path.startswith(home + os.sep) else None


def _library(file: str) -> str:
    """Shorten a library's path to the part below ``site-packages`` or the library folder."""
    for marker in ("site-packages" + os.sep, "dist-packages" + os.sep):
        if marker in file:
            return file.split(marker, 1)[1]
    return os.path.basename(file)
