"""Removal of terminal control sequences from a run's text: the one place, which imports nothing.

Errors clean their texts when they are created, reports when they are read, output when it is
shown. So no control sequence of a module reaches a terminal, whatever path its text takes.
"""

from __future__ import annotations

import re
from re import Match

# Complete escape sequences of terminals: colours, cursor moves, titles, hyperlinks.
_ESCAPE_SEQUENCE = re.compile(
    r"(?:\x1b\[|\x9b)[0-?]{0,200}[ -/]{0,20}[@-~]|\x1b\][^\x07\x1b\n]{0,2000}(?:\x07|\x1b\\)"
)
_NO_COLOUR = re.compile(r"(?!\x1b\[[0-9;:]{0,40}m)" + f"(?:{_ESCAPE_SEQUENCE.pattern})")
_COLOUR = re.compile(r"(\x1b\[[0-9;:]{0,40}m)")
# Characters that move, reverse or hide text, or cannot be encoded as UTF-8: controls, direction
# marks and overrides, zero-width spaces, line separators, tag characters, lone surrogates.
# Joiners (U+200C, U+200D) are kept: scripts and emoji need them.
_UNSAFE = re.compile(
    r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u00ad\u061c\u180e\u200b\u200e\u200f\u2028-\u202e"
    r"\u2060-\u206f\ufeff\ufff9-\ufffb\ufffe\uffff\ud800-\udfff\U000e0000-\U000e007f]"
)


def plain(text: str) -> str:
    r"""Return text without escape sequences and with other control characters escaped.

    A carriage return starts a new line, so that text it would overwrite in a terminal stays
    readable.

    Parameters
    ----------
    text : str
        The raw text, of one or more lines.

    Examples
    --------
    >>> plain("\x1b[31mred\x1b[0m\r\n\u202eabc")
    'red\n\\u202eabc'
    """
    if text.isprintable():  # true of most texts, and of none with a control character
        return text
    return visible(_ESCAPE_SEQUENCE.sub("", text).replace("\r\n", "\n").replace("\r", "\n"))


def live(text: str, *, colors: bool = False) -> str:
    r"""Return output to be shown as it arrives; carriage returns are kept for progress bars.

    Parameters
    ----------
    text : str
        Complete lines of raw text.
    colors : bool
        Whether to keep colour sequences, which a notebook renders.

    Examples
    --------
    >>> live("50 %\r\x1b]0;title\x07")
    '50 %\r'
    """
    if text.isprintable():
        return text
    if not colors:
        return visible(_ESCAPE_SEQUENCE.sub("", text))
    parts = _COLOUR.split(_NO_COLOUR.sub("", text))
    # Every second part is a colour sequence.
    return "".join(part if place % 2 else visible(part) for place, part in enumerate(parts))


def visible(text: str) -> str:
    r"""Return text with every control character except tabs and line ends escaped.

    Examples
    --------
    >>> visible("a\x1bb")
    'a\\x1bb'
    """
    return _UNSAFE.sub(_as_escape, text)


def _as_escape(match: Match[str]) -> str:
    number = ord(match[0])
    if number < 0x100:
        return f"\\x{number:02x}"
    return f"\\u{number:04x}" if number < 0x10000 else f"\\U{number:08x}"
