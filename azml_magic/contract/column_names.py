"""Column names: text, and unique (rules N1 to N10, 2.3)."""

from __future__ import annotations

import re
from typing import Any, Dict, Iterable, List, Set

from azml_magic.contract.profile import Profile

_RESERVED = re.compile(r"__index_level_\d+__")


def unique_names(labels: Iterable[Any], profile: Profile) -> List[str]:
    """Return the column names that a dataset uses for these labels.

    Labels are converted to text, then repeated ones get a suffix (rule N3).

    Examples
    --------
    >>> from azml_magic.contract.profile import CLASSIC, DESIGNER
    >>> unique_names(["a", "a", 1, "1"], CLASSIC)
    ['a', 'a (2)', '1', '1 (2)']
    >>> unique_names(["a", "a", 1, "1"], DESIGNER)
    ['a', 'a_0', '1', '1_0']
    """
    names = [name_text(label) for label in labels]
    if len(set(names)) == len(names):
        return names
    # Classic avoids every existing name (rule N4); designer only those further left.
    taken: Set[str] = set(names) if profile.numbers_from_two else set()
    form, first = ("{} ({})", 2) if profile.numbers_from_two else ("{}_{}", 0)
    seen: Set[str] = set()
    numbers: Dict[str, int] = {}
    result = []
    for name in names:
        unique = name
        if name in seen:
            number = numbers.get(name, first)
            unique = form.format(name, number)
            while unique in taken or unique in seen:
                number += 1
                unique = form.format(name, number)
            numbers[name] = number + 1
        seen.add(unique)
        result.append(unique)
    return result


def name_text(label: object) -> str:
    """Return a label as text that can be encoded (rule N1)."""
    text = label if type(label) is str else str.__str__(str(label))
    # UTF-8 cannot encode a lone surrogate.
    return text if text.isascii() else text.encode("utf-8", "backslashreplace").decode("utf-8")


def is_reserved(name: str) -> bool:
    """Return whether a stored dataset uses the name for a level of its index (rule N9)."""
    return _RESERVED.fullmatch(name) is not None
