"""Texts that HTML and plain text share."""

from __future__ import annotations

import math
from collections.abc import Sequence

from azml_magic.display.frame_view import FrameView, frame_view
from azml_magic.display.sanitize import block, one_line
from azml_magic.errors import AzmlError, ModuleFailed
from azml_magic.result import Failure, Finding, Result

FINDINGS = 50
LABEL = 80
CLOUD_TITLE = "As Studio would log it"
NOT_SAVED = "Preview only: this figure was not saved, so Studio would not show it."
SAVE_LINE = 'fig.savefig("name.png")'


def counted(number: int, noun: str) -> str:
    """Return ``"1 row"``, ``"768 rows"``, ``"1,000,000 rows"``."""
    return f"{number:,} {noun}" + ("" if number == 1 else "s")


def duration(seconds: float) -> str:
    """Return ``"0.56 s"``, ``"48.2 s"``, ``"2 min 5 s"``."""
    if not math.isfinite(seconds) or seconds < 10:
        return f"{seconds:.2f} s"
    if seconds < 60:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes:,} min {rest} s"


def shape(rows: int, columns: int, times: str) -> str:
    """Return ``"768 rows × 9 columns"``; `times` is the multiplication sign."""
    return f"{counted(rows, 'row')} {times} {counted(columns, 'column')}"


def facts(result: Result, times: str) -> list[str]:
    """Return the facts in the status line besides the duration: shapes, profile, confinement."""
    shapes = [
        f"{'output2: ' if port == 'output2' else ''}{shape(*frame.shape, times)}"
        for port, frame in zip(("output1", "output2"), result.outputs, strict=True)
        if frame is not None
    ]
    if not shapes and result.failure is None:
        shapes = ["no table"]
    figures = [counted(len(result.figures), "figure")] if result.figures else []
    profile = [f"{one_line(result.profile, LABEL)} profile"] if result.profile else []
    confined = [f"sandbox: {one_line(result.confinement, LABEL)}"] if result.confinement else []
    return shapes + figures + profile + confined


def views(result: Result, rows: int, max_columns: int) -> list[FrameView | str]:
    """Return the views of the outputs; a text in place of one that cannot be shown."""
    shown: list[FrameView | str] = []
    for port, frame in zip(("output1", "output2"), result.outputs, strict=True):
        if frame is None:
            continue
        try:
            shown.append(frame_view(frame, port, rows, max_columns))
        except Exception as error:
            shown.append(f"{port} cannot be shown: {type(error).__name__}")
    return shown


def remark(view: FrameView) -> str:
    """Describe the part of a frame that is not shown; empty if all is shown."""
    parts = []
    if not view.columns:
        parts.append("no columns")
    if not view.rows:
        parts.append("no rows")
    elif len(view.labels) < view.rows:
        parts.append(f"first {len(view.labels):,} of {counted(view.rows, 'row')}")
    more = view.columns - len(view.shown)
    if more:
        parts.append(f"and {counted(more, 'more column')}")
    return ", ".join(parts)


def level(finding: Finding) -> str:
    """Return a finding's level; an unknown one counts as a note."""
    return finding.level if finding.level in {"warning", "error"} else "note"


def place(finding: Finding) -> str:
    """Return ``"AZ401, line 9"`` or ``"AZ301, output1"``."""
    line = "" if finding.line is None else f"line {finding.line}"
    parts = (one_line(finding.code, LABEL), one_line(finding.port, LABEL), line)
    return ", ".join(part for part in parts if part)


def more_findings(findings: Sequence[Finding]) -> str:
    """Say how many findings are not listed; empty if all are."""
    more = len(findings) - FINDINGS
    return f"and {counted(more, 'more finding')}" if more > 0 else ""


def findings_title(findings: Sequence[Finding], label: str) -> str:
    """Return ``"2 findings in Cell In[3]"``."""
    where = f" in {one_line(label, LABEL)}" if label else ""
    return f"{counted(len(findings), 'finding') if findings else 'No findings'}{where}"


def error_title(error: AzmlError) -> str:
    """Return the title of an error: the module's own exception, or ours."""
    message = block(error.message)
    return message if isinstance(error, ModuleFailed) else f"{type(error).__name__}: {message}"


def failure_title(failure: Failure) -> str:
    """Return the module's exception as Python formats it."""
    return block(failure.title)


def log_of(result: Result) -> str:
    """Return the log in the profile's format, or else what the module printed."""
    return result.log or result.stdout + result.stderr
