"""Sanitizing of a run's text for display: bounded, and without control characters.

Everything that a module printed, named or returned is untrusted until it has passed through here.
Texts are cut before they are cleaned, so that the cost does not depend on their length.
"""

from __future__ import annotations

import html
import re

from azml_magic.controls import plain, visible

LOG_HEAD = 48 * 1024
LOG_TAIL = 16 * 1024
MESSAGE = 4_000

_WHITE = {"\t": r"\t", "\n": r"\n", "\r": r"\r"}


def one_line(text: str, limit: int) -> str:
    r"""Return a name or a cell on one line, with control characters escaped.

    Parameters
    ----------
    text : str
        The raw text.
    limit : int
        Maximum length, at least 4; a longer text ends in ``...``.

    Examples
    --------
    >>> one_line("a\nb\x1b[31m", 20)
    'a\\nb\\x1b[31m'
    >>> one_line("abcdefgh", 6)
    'abc...'
    """
    shown = text if len(text) <= limit else text[: max(limit - 3, 1)] + "..."
    if shown.isprintable():  # true of most texts, and of no unsafe one
        return shown
    return re.sub(r"[\t\n\r]", lambda match: _WHITE[match[0]], visible(shown))


def block(text: str, limit: int = MESSAGE) -> str:
    """Clean a text of several lines with :func:`~azml_magic.controls.plain`, cut to a limit.

    Parameters
    ----------
    text : str
        The raw text.
    limit : int
        Maximum length; the middle of a longer text is replaced by a note.
    """
    return plain(_without_middle(text, limit - limit // 4, limit // 4, ""))


def log(text: str) -> str:
    """Return a log for display; only the head and tail of one above 64 KB."""
    return plain(_without_middle(text, LOG_HEAD, LOG_TAIL, "; result.log has them all"))


def escape(text: str) -> str:
    """Return `text` escaped for HTML content and quoted attributes."""
    return html.escape(text, quote=True)


def with_breaks(text: str) -> str:
    """Return `text` escaped for HTML, with ``<br>`` for line ends."""
    return escape(text).replace("\n", "<br>")


def count_lines(text: str) -> int:
    """Return the number of lines of a text."""
    return text.count("\n") + (0 if text.endswith("\n") or not text else 1)


def _without_middle(text: str, head: int, tail: int, where: str) -> str:
    left_out = len(text) - head - tail
    if left_out <= 0:
        return text
    return f"{text[:head]}\n... {left_out:,} characters left out here{where} ...\n{text[-tail:]}"
