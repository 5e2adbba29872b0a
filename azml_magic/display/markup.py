"""The building blocks of the HTML of results, errors and findings."""

from __future__ import annotations

from collections.abc import Sequence

from azml_magic.display import wording
from azml_magic.display.frame_view import FrameView
from azml_magic.display.sanitize import block, count_lines, escape, log, one_line, with_breaks
from azml_magic.display.style import SECTION
from azml_magic.display.traceback_lines import traceback_lines
from azml_magic.result import Finding, Result, TracebackEntry

# Notebooks typeset $...$ and TeX commands in HTML; text of a run must not be changed.
NO_MATH = "mathjax_ignore tex2jax_ignore"
TICK, CROSS = "\u2713", "\u2717"


def section(label: str, *parts: str) -> str:
    """Return a complete output: its style and its non-empty parts."""
    body = "\n".join(part for part in parts if part)
    return (
        f'<section class="azml {NO_MATH}" aria-label="{escape(label)}">\n'
        f"<style>{SECTION}</style>\n{body}\n</section>"
    )


def status(ok: bool, text: str) -> str:
    """Return the status line, with a tick or a cross; `text` is HTML."""
    kind, mark = ("ok", TICK) if ok else ("failed", CROSS)
    return (
        f'<div role="status" class="azml-status azml-{kind}">'
        f'<span aria-hidden="true">{mark}</span> {text}</div>'
    )


def facts_line(result: Result, verb: str) -> str:
    """Return duration, shapes, profile and confinement as HTML; `verb` is e.g. ``"ran in"``."""
    head = f"Module {verb} {wording.duration(result.seconds)}"
    return " \u00b7 ".join(escape(fact) for fact in (head, *wording.facts(result, "\u00d7")))


def findings_list(findings: Sequence[Finding]) -> str:
    """Return findings as a list of level, code, place, message, fix; empty if there are none."""
    if not findings:
        return ""
    items = [_finding(finding) for finding in findings[: wording.FINDINGS]]
    more = wording.more_findings(findings)
    if more:
        items.append(f"<li>{more}</li>")
    return '<ul class="azml-findings">\n' + "\n".join(items) + "\n</ul>"


def _finding(finding: Finding) -> str:
    level = wording.level(finding)
    fix = f"<br>Fix: {with_breaks(block(finding.fix))}" if finding.fix else ""
    return (
        f'<li class="azml-{level}"><b>{level.capitalize()}</b> '
        f"{escape(wording.place(finding))}: {with_breaks(block(finding.message))}{fix}</li>"
    )


def fold(summary: str, body: str, *, opened: bool = False) -> str:
    """Return a collapsible part; `summary` is text, `body` is HTML."""
    state = " open" if opened else ""
    return f"<details{state}><summary>{escape(summary)}</summary>\n{body}\n</details>"


def log_fold(result: Result) -> str:
    """Return the folded log; empty if there is none."""
    text = wording.log_of(result)
    if not text:
        return ""
    lines = wording.counted(count_lines(text), "line")
    return fold(f"Output log ({lines})", _pre(log(text), "Output log"))


def cloud_fold(result: Result) -> str:
    """Return the profile's log text about a failure, folded; empty if there is none."""
    if result.failure is None or not result.failure.cloud_text:
        return ""
    return fold(wording.CLOUD_TITLE, _pre(log(result.failure.cloud_text), wording.CLOUD_TITLE))


def traceback_block(entries: Sequence[TracebackEntry]) -> str:
    """Return the frames in the user's code, with arrows at their lines; empty if there are none."""
    lines = [
        f"<b>{escape(line.text)}</b>" if line.kind in {"place", "arrow"} else escape(line.text)
        for line in traceback_lines(entries)
    ]
    if not lines:
        return ""
    text = "\n".join(lines)
    return f'<pre class="azml-traceback" tabindex="0" aria-label="Traceback">{text}</pre>'


def output(view: FrameView | str, *, named: bool, folded: bool) -> str:
    """Return an output's table; `named` shows its port's name, `folded` folds it."""
    if isinstance(view, str):
        return f"<p>{escape(view)}</p>"
    title = f"{view.port}: {wording.shape(view.rows, view.columns, chr(0xD7))}"
    remark = wording.remark(view)
    below = f'<p class="azml-dim">{escape(remark)}</p>' if remark else ""
    body = "\n".join(part for part in (_table(view), below) if part)
    if folded:
        return fold(title, body)
    return f"<p><b>{escape(title)}</b></p>\n{body}" if named else body


def _table(view: FrameView) -> str:
    if not view.shown:
        return ""
    heads = "".join(
        f'<th scope="col"{_aligned(column.numeric)}>{escape(column.name)}<br>'
        f"<small>{escape(column.dtype)}</small></th>"
        for column in view.shown
    )
    rows = "\n".join(_row(view, number) for number in range(len(view.labels)))
    label = f"{view.port}, first rows"
    return (
        f'<div class="azml-scroll" role="region" tabindex="0" aria-label="{label}">\n'
        f"<table>\n<thead><tr><td></td>{heads}</tr></thead>\n<tbody>\n{rows}\n</tbody>\n"
        "</table>\n</div>"
    )


def _row(view: FrameView, number: int) -> str:
    cells = "".join(
        f"<td{_aligned(column.numeric)}>{escape(column.cells[number])}</td>"
        for column in view.shown
    )
    return f'<tr><th scope="row">{escape(view.labels[number])}</th>{cells}</tr>'


def _aligned(numeric: bool) -> str:
    return ' class="azml-number"' if numeric else ""


def _pre(text: str, label: str) -> str:
    name = escape(one_line(label, wording.LABEL))
    # HTML drops a leading newline in <pre>, and the log may begin with one.
    return f'<pre tabindex="0" aria-label="{name}">\n{escape(text)}</pre>'
