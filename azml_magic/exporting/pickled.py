"""Find the packages that loading a pickle would import, without loading it."""

from __future__ import annotations

import pickletools
from typing import Any

ENDINGS = (".pkl", ".pickle", ".joblib")
_STRINGS = {"SHORT_BINUNICODE", "BINUNICODE", "BINUNICODE8", "UNICODE"}
_KEEP = {"MEMOIZE", "BINPUT", "LONG_BINPUT", "PUT"}
_RECALL = {"BINGET", "LONG_BINGET", "GET"}


def imported_by_pickle(content: bytes) -> set[str]:
    """Return the top-level names of the modules that a pickle refers to.

    Parameters
    ----------
    content : bytes
        The content of the file. If it is not a pickle, or damaged, the names found up to that
        point are returned.
    """
    names: set[str] = set()
    memo: dict[int, Any] = {}
    strings: list[str] = []
    last: Any = None
    argument: Any
    try:
        for operation, argument, _ in pickletools.genops(content):
            kind = operation.name
            if kind in _STRINGS:
                last = argument
                strings.append(argument)
            elif kind in _KEEP:
                memo[len(memo) if kind == "MEMOIZE" else int(argument)] = last
            elif kind in _RECALL:
                last = memo.get(int(argument))
                if isinstance(last, str):
                    strings.append(last)
            elif kind == "GLOBAL":
                names.add(argument.split(" ")[0].partition(".")[0])
                last = None
            elif kind == "STACK_GLOBAL" and len(strings) >= 2:
                names.add(strings[-2].partition(".")[0])
                last = None
            else:
                last = None
    except (ValueError, TypeError):
        return names
    return names
