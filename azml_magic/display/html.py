"""Results, errors, findings and figures as self-contained HTML without scripts."""

from __future__ import annotations

import base64
from collections.abc import Sequence

from azml_magic.display import wording
from azml_magic.display.frame_view import FrameView
from azml_magic.display.markup import (
    NO_MATH,
    cloud_fold,
    facts_line,
    findings_list,
    log_fold,
    output,
    section,
    status,
    traceback_block,
)
from azml_magic.display.sanitize import block, escape, one_line, with_breaks
from azml_magic.display.style import FIGURE
from azml_magic.errors import AzmlError
from azml_magic.result import Figure, Finding, Result

PREVIEW_WIDTH = 240


def result_html(
    result: Result,
    *,
    rows: int = 10,
    max_columns: int = 20,
    fold_table: bool = False,
    views: Sequence[FrameView | str] | None = None,
) -> str:
    """Return a result as one section: status, findings, outputs, folded log.

    Figures are separate outputs: see :func:`figure_html` and :func:`preview_html`.

    Parameters
    ----------
    result : Result
        Of a run that succeeded or failed.
    rows, max_columns : int
        How many to show of each output, at most.
    fold_table : bool
        Whether to fold the outputs, for a result assigned to a variable.
    views : sequence, optional
        The views of the outputs, if already created.
    """
    if views is None:
        views = wording.views(result, rows, max_columns)
    named = result.output2 is not None
    tables = [output(view, named=named, folded=fold_table) for view in views]
    head = [status(True, facts_line(result, "ran in"))]
    if result.failure is not None:
        title = f"<b>{with_breaks(wording.failure_title(result.failure))}</b>"
        head = [_failed(title, result), traceback_block(result.failure.traceback)]
    return section(
        "Azure ML module result",
        *head,
        findings_list(result.findings),
        *tables,
        log_fold(result),
        cloud_fold(result),
    )


def failure_html(error: AzmlError) -> str:
    """Return an error: message, traceback, hint, findings, log and Studio's log text."""
    result = getattr(error, "result", None)
    title = f"<b>{with_breaks(wording.error_title(error))}</b>"
    hint = f"<p>Hint: {with_breaks(block(error.hint))}</p>" if error.hint else ""
    if not isinstance(result, Result):
        return section("Azure ML module error", status(False, title), hint)
    entries = result.failure.traceback if result.failure is not None else ()
    return section(
        "Azure ML module error",
        _failed(title, result),
        traceback_block(entries),
        hint,
        findings_list(result.findings),
        log_fold(result),
        cloud_fold(result),
    )


def remains_html(error: AzmlError) -> str:
    """Return what a failed run left, to be shown beside an error that the notebook shows itself.

    That is the folded log and the text that Studio would log; empty if the run left neither.
    """
    result = getattr(error, "result", None)
    if not isinstance(result, Result):
        return ""
    parts = [part for part in (log_fold(result), cloud_fold(result)) if part]
    return section("What the failed run left", *parts) if parts else ""


def findings_html(findings: Sequence[Finding], label: str) -> str:
    """Return the findings of a check; `label` is that of the module."""
    title = escape(wording.findings_title(findings, label))
    return section("Azure ML module findings", status(not findings, title), findings_list(findings))


def figure_html(figure: Figure, index: int, count: int) -> str:
    """Return a figure with its name; `index` runs from 1 to `count`.

    The image is inline, so that it is saved with the notebook or page.
    """
    name = escape(one_line(figure.name, wording.LABEL))
    alt = f"{name}, figure {index} of {count}, from the module"
    return (
        f'<figure class="azml-figure {NO_MATH}">\n<style>{FIGURE}</style>\n'
        f'<img alt="{alt}" {_source(figure)} width="{int(figure.width)}" '
        f'style="background:white">\n<figcaption>{name}</figcaption>\n</figure>'
    )


def preview_html(figure: Figure) -> str:
    """Return a small image of a figure that was not saved, and the line that would save it."""
    width = max(min(int(figure.width), PREVIEW_WIDTH), 1)
    return (
        f'<figure class="azml-figure azml-preview {NO_MATH}">\n<style>{FIGURE}</style>\n'
        f'<img alt="Preview of a figure that was not saved" {_source(figure)} '
        f'width="{width}" style="background:white">\n'
        f"<figcaption>{wording.NOT_SAVED} To show it, add "
        f"<code>{escape(wording.SAVE_LINE)}</code></figcaption>\n</figure>"
    )


def _failed(title: str, result: Result) -> str:
    facts = facts_line(result, "failed after")
    return status(False, f'{title}<br><span class="azml-dim">{facts}</span>')


def _source(figure: Figure) -> str:
    return f'src="data:image/png;base64,{base64.b64encode(figure.png).decode("ascii")}"'
