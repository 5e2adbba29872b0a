"""Text of a run without what acts on a terminal: the one gate, and the lowest floor of all.

Errors clean their texts as they are made, reports as they are read, output as it is shown. So no
control sequence of a module reaches a terminal, whichever way its text takes.
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
# What moves, reverses or hides text, or cannot be written as UTF-8: controls, direction marks
# and overrides, zero-width spaces, line separators, tag characters, lone surrogates. Joiners
# (U+200C, U+200D) stay: scripts and emoji need them.
_UNSAFE = re.compile(
    r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u00ad\u061c\u180e\u200b\u200e\u200f\u2028-\u202e"
    r"\u2060-\u206f\ufeff\ufff9-\ufffb\ufffe\uffff\ud800-\udfff\U000e0000-\U000e007f]"
)


def plain(text: str) -> str:
    r"""Return a text of several lines without escape sequences, other controls visible.

    A carriage return starts a new line: what it would overwrite in a terminal stays readable.

    Parameters
    ----------
    text : str
        As the run gave it.

    Examples
    --------
    >>> plain("\x1b[31mred\x1b[0m\r\n\u202eabc")
    'red\n\\u202eabc'
    """
    if text.isprintable():  # most are, and nothing of what is looked for here is
        return text
    return visible(_ESCAPE_SEQUENCE.sub("", text).replace("\r\n", "\n").replace("\r", "\n"))


def live(text: str, *, colors: bool = False) -> str:
    r"""Return output that is shown as it comes: carriage returns stay, for progress bars.

    Parameters
    ----------
    text : str
        Whole lines, as the run gave them.
    colors : bool
        Whether sequences that choose colours stay: for a notebook, which draws them.

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
    # Every second part is one of a colour.
    return "".join(part if place % 2 else visible(part) for place, part in enumerate(parts))


def visible(text: str) -> str:
    r"""Return a text with every control character but tabs and line ends written out.

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
