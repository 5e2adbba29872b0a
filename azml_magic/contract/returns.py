"""What ``azureml_main`` returned, to the frames of the output ports (rules R1 to R17)."""

from __future__ import annotations

from typing import Any, List, Optional, Sequence, Tuple

import numpy as np
import pandas as pd

from azml_magic.contract.cells import described
from azml_magic.contract.profile import Profile
from azml_magic.contract.tables import NoTable, table_of
from azml_magic.result import Finding

FRAMES = List[Optional[pd.DataFrame]]
_FIX = "return the frame in a tuple: return frame,"


class ReturnRefused(Exception):
    """What was returned is not what the profile takes.

    Parameters
    ----------
    message : str
        What is so, in one line.
    hint : str
        What to do, in one line.
    number : str, optional
        ``"0085"``, or ``"0018"`` for a frame that cannot be written.
    """

    def __init__(self, message: str, hint: str, number: str = "0085") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint
        self.number = number


def collect_outputs(returned: Any, profile: Profile) -> Tuple[FRAMES, List[Finding]]:
    """Return the frames of the two output ports, and findings.

    Parameters
    ----------
    returned : object
        What the call gave back.
    profile : Profile
        The rules.

    Raises
    ------
    ReturnRefused
        When the profile takes no such value.
    """
    if returned is None:
        return [None, None], [_nothing(profile)]
    if isinstance(returned, pd.DataFrame):
        return [returned, None], []
    if not profile.values_allowed:
        return _classic(returned)
    return _designer(returned)


def _classic(returned: Any) -> Tuple[FRAMES, List[Finding]]:
    """Take the frame inside a sequence; another has no port (rules R1, R3 to R6, R8, R10)."""
    items = _items(returned)
    if items is None:
        if isinstance(returned, np.ndarray):
            raise ReturnRefused(
                f"azureml_main returned an array of {returned.dtype} values, not a frame", _FIX
            )
        raise ReturnRefused(f"azureml_main returned {described(returned)}, not a frame", _FIX)
    if not items:
        raise ReturnRefused(f"azureml_main returned an empty {type(returned).__name__}", _FIX)
    first = items[0]
    if not isinstance(first, pd.DataFrame):
        what = "None" if first is None else described(first)
        raise ReturnRefused(
            f"azureml_main returned {described(returned)} that begins with {what}, not a frame",
            _FIX,
        )
    findings = []
    if isinstance(returned, list):
        findings.append(
            Finding(
                "AZ332",
                "note",
                "azureml_main returned a list, which the designer refuses",
                _FIX,
                rule="R4",
            )
        )
    return [first, None], findings + _without_port(items[1:], 1)


def _designer(returned: Any) -> Tuple[FRAMES, List[Finding]]:
    """Take a tuple of up to two, or one value; make tables of what is no frame (rule R11)."""
    items: Sequence[Any] = (returned,)
    if isinstance(returned, tuple):
        items = list(tuple.__iter__(returned))
        if not items:
            raise ReturnRefused("azureml_main returned an empty tuple", _FIX)
    frames: FRAMES = [None, None]
    findings: List[Finding] = []
    for number, item in enumerate(items[:2]):
        if item is None or isinstance(item, pd.DataFrame):
            frames[number] = item
            continue
        try:
            frames[number] = table_of(item)
        except NoTable as error:
            raise ReturnRefused(f"azureml_main returned {error}", error.hint or _FIX) from None
        findings.append(_made(item, f"output{number + 1}"))
    return frames, findings + _without_port(items[2:], 2)


def _items(returned: Any) -> Optional[List[Any]]:
    """Return the items of a sequence that may hold frames; ``None`` for anything else."""
    # A subclass may have an __iter__ of its own, which need not be trusted.
    if isinstance(returned, tuple):
        return list(tuple.__iter__(returned))
    if isinstance(returned, list):
        return list(list.__iter__(returned))
    if isinstance(returned, np.ndarray) and returned.dtype == object and returned.ndim == 1:
        return list(returned)
    return None


def _nothing(profile: Profile) -> Finding:
    level = "note" if profile.second_output else "warning"
    message = "azureml_main returned nothing, so the module gives no table"
    return Finding("AZ330", level, message, _FIX, rule="R9", port="output1")


def _without_port(items: Sequence[Any], ports: int) -> List[Finding]:
    lost = [item for item in items if item is not None]
    if not lost:
        return []
    room = "the first frame has" if ports == 1 else "the first two have"
    count = "one more value" if len(lost) == 1 else f"{len(lost)} more values"
    return [
        Finding(
            "AZ331",
            "warning",
            f"azureml_main returned {count} that went nowhere: only {room} a port",
            "return what the next module needs, or use another module for the rest",
            rule="R6" if ports == 1 else "R7",
        )
    ]


def _made(item: Any, port: str) -> Finding:
    return Finding(
        "AZ333",
        "note",
        f"azureml_main returned {described(item)}; the designer makes a table of it",
        "return a frame to choose names and types",
        rule="R11",
        port=port,
    )
