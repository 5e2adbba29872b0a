"""A result as a MIME bundle for a notebook, or as a complete page for a browser."""

from __future__ import annotations

from azml_magic.display.html import (
    failure_html,
    figure_html,
    preview_html,
    remains_html,
    result_html,
)
from azml_magic.display.sanitize import escape, one_line
from azml_magic.display.style import PAGE
from azml_magic.display.text import remains_text, result_text
from azml_magic.display.wording import views
from azml_magic.errors import AzmlError
from azml_magic.result import Result

TITLE = 200
NOTEBOOK_COLUMNS = 20

# Nothing in a page is executed or fetched, whatever a run managed to write into it.
_POLICY = "default-src 'none'; img-src data:; style-src 'unsafe-inline'"


def result_mimebundle(
    result: Result, *, rows: int = 10, fold_table: bool = False
) -> dict[str, str]:
    """Return a result as ``text/html`` and ``text/plain``; figures are separate outputs."""
    shown = views(result, rows, NOTEBOOK_COLUMNS)
    return {
        "text/html": result_html(result, fold_table=fold_table, views=shown),
        "text/plain": result_text(result, views=[] if fold_table else shown),
    }


def remains_mimebundle(error: AzmlError) -> dict[str, str]:
    """Return the log and the cloud's text of a failed run; empty if there is neither."""
    html = remains_html(error)
    return {"text/html": html, "text/plain": remains_text(error)} if html else {}


def page(result: Result, title: str, *, rows: int = 10, error: AzmlError | None = None) -> str:
    """Return a standalone page with everything that a notebook shows of a run.

    Parameters
    ----------
    result : Result
        Of a run that succeeded or failed.
    title : str
        Heading and title of the page.
    rows : int
        Rows of each output to show, at most.
    error : AzmlError, optional
        What a failed run raised; its message and hint are shown at the top.
    """
    body = failure_html(error) if error is not None else result_html(result, rows=rows)
    figures = [
        figure_html(figure, number, len(result.figures))
        for number, figure in enumerate(result.figures, 1)
    ]
    previews = [preview_html(figure) for figure in result.previews]
    name = escape(one_line(title, TITLE))
    content = "\n".join([body, *figures, *previews])
    return (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        '<meta name="color-scheme" content="light dark">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}">\n'
        f"<title>{name}</title>\n<style>{PAGE}</style>\n</head>\n"
        f"<body>\n<main>\n<h1>{name}</h1>\n{content}\n</main>\n</body>\n</html>\n"
    )
