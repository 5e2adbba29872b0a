"""Results, errors and findings as plain text; ``terminal.py`` adds colours."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from azml_magic.display import wording
from azml_magic.display.aligned_columns import Paint, column_lines, fitting, plain
from azml_magic.display.frame_view import FrameView
from azml_magic.display.sanitize import block, one_line
from azml_magic.display.traceback_lines import traceback_lines
from azml_magic.errors import AzmlError
from azml_magic.result import Failure, Finding, Result

WIDTH = 100
RULE = "-" * 60
INDENT = "    "
MAX_COLUMNS = 50
FIGURE_NAMES = 20
_MARKS = {"error": " x  ", "warning": " !  ", "note": " -  "}


def result_text(
    result: Result,
    rows: int = 10,
    *,
    width: int = WIDTH,
    paint: Paint = plain,
    views: Sequence[FrameView | str] | None = None,
) -> str:
    """Return a result as text: status, findings, outputs, names of the figures.

    Parameters
    ----------
    result : Result
        Of a run that succeeded or failed.
    rows : int
        Rows of each output to show, at most.
    width : int
        Columns of the terminal; only tables are cut to it.
    paint : Paint
        Adds colours, or returns the text unchanged.
    views : sequence, optional
        The views of the outputs, if already created.
    """
    if views is None:
        views = wording.views(result, rows, MAX_COLUMNS)
    return "\n".join(_result_lines(result, views, width, paint))


def error_text(error: AzmlError, *, paint: Paint = plain) -> str:
    """Return an error as text: traceback, message, hint, and the findings of its run."""
    result = getattr(error, "result", None)
    lines: list[str] = []
    if isinstance(result, Result) and result.failure is not None:
        lines += _traceback(result.failure, paint)
    lines.append(paint("failed", wording.error_title(error)))
    if error.hint:
        lines.append(f"{paint('name', 'Hint:')} {block(error.hint)}")
    if isinstance(result, Result):
        lines += _findings(result.findings, paint)
    return "\n".join(lines)


def findings_text(findings: Sequence[Finding], label: str, *, paint: Paint = plain) -> str:
    """Return the findings of a check as text; `label` is that of the module."""
    title = wording.findings_title(findings, label)
    return "\n".join([paint("name" if findings else "ok", title), *_findings(findings, paint)])


def remains_text(error: AzmlError) -> str:
    """Return the profile's log text about a failed run; empty if there is none."""
    result = getattr(error, "result", None)
    if not isinstance(result, Result) or result.failure is None or not result.failure.cloud_text:
        return ""
    return f"{wording.CLOUD_TITLE}:\n{block(result.failure.cloud_text)}"


def _result_lines(
    result: Result, views: Sequence[FrameView | str], width: int, paint: Paint
) -> Iterator[str]:
    took = wording.duration(result.seconds)
    facts = ", ".join(wording.facts(result, "x"))
    if result.failure is None:
        yield f"{paint('ok', 'OK')}  module ran in {took}, {facts}"
    else:
        after = f"module failed after {took}"
        yield f"{paint('failed', 'FAILED')}  {after}{', ' if facts else ''}{facts}"
        yield from _traceback(result.failure, paint)
        yield paint("failed", wording.failure_title(result.failure))
    yield from _findings(result.findings, paint)
    for view in views:
        yield ""
        yield from _output(view, result.output2 is not None, width, paint)
    if result.figures:
        yield ""
        yield f"figures: {_figure_names(result)}"


def _output(view: FrameView | str, named: bool, width: int, paint: Paint) -> Iterator[str]:
    if isinstance(view, str):
        yield view
        return
    if named:
        yield f"{paint('name', view.port)}: {wording.shape(view.rows, view.columns, 'x')}"
    fitted = fitting(view, width)
    if fitted.shown:
        yield from column_lines(fitted, paint)
    remark = wording.remark(fitted)
    if remark:
        yield paint("dim", f"({remark})")


def _figure_names(result: Result) -> str:
    names = [one_line(figure.name, wording.LABEL) for figure in result.figures[:FIGURE_NAMES]]
    more = len(result.figures) - len(names)
    return ", ".join(names) + (f" and {more:,} more" if more else "")


def _findings(findings: Sequence[Finding], paint: Paint) -> Iterator[str]:
    for finding in findings[: wording.FINDINGS]:
        level = wording.level(finding)
        message = _indented(finding.message)
        yield f"{paint(level, _MARKS[level] + wording.place(finding))}: {message}"
        if finding.fix:
            yield f"{INDENT}Fix: {_indented(finding.fix)}"
    more = wording.more_findings(findings)
    if more:
        yield INDENT + more


def _indented(text: str) -> str:
    return block(text).replace("\n", "\n" + INDENT)


def _traceback(failure: Failure, paint: Paint) -> list[str]:
    lines = traceback_lines(failure.traceback)
    if not lines:
        return []
    return [paint("dim", RULE), *(paint(line.kind, line.text) for line in lines)]
