"""Reported traceback frames in the user's terms: cell or file, line, surrounding lines."""

from __future__ import annotations

from azml_magic.executors.worker_report import Entry, FailureReport
from azml_magic.module.module import Module
from azml_magic.result import TracebackEntry

LINES_BEFORE = 2
LINES_AFTER = 2


def person_entries(report: FailureReport, module: Module) -> tuple[TracebackEntry, ...]:
    """Return the frames in the user's own code, outermost first."""
    return tuple(_entry(entry, module) for entry in report.entries if entry.mine)


def entry_point_line(report: FailureReport) -> int | None:
    """Return the line in ``azureml_main`` where a failure occurred; ``None`` outside it."""
    for entry in report.entries:
        if entry.mine and entry.function == "azureml_main":
            return entry.line
    return None


def _entry(entry: Entry, module: Module) -> TracebackEntry:
    if entry.file != "module":
        known = ((entry.line, entry.text),) if entry.text else ()
        return TracebackEntry(entry.file, entry.line, entry.function, known)
    offset = module.first_line - 1
    lines = module.source.splitlines()
    first = max(1, entry.line - LINES_BEFORE)
    last = min(len(lines), entry.line + LINES_AFTER)
    source = tuple((number + offset, lines[number - 1]) for number in range(first, last + 1))
    return TracebackEntry(module.label, entry.line + offset, entry.function, source)
