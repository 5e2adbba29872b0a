"""From what ``azureml_main`` returned to the frames of the output ports (rules R1 to R17)."""

from __future__ import annotations

from typing import Any, List, Optional, Sequence, Tuple

import numpy as np
import pandas as pd

from azml_magic import sentences
from azml_magic.contract.cell_types import name_of
from azml_magic.contract.profile import Profile
from azml_magic.contract.values_as_tables import NoTable, table_of
from azml_magic.findings import CODES, Report
from azml_magic.result import Finding
from azml_magic.sentences import OUTPUTS, ComposedText, Sentence

FRAMES = List[Optional[pd.DataFrame]]
_FIX = sentences.RETURN_FRAME.text
_NOTHING = Sentence("azureml_main returned nothing, so the module has no output")
_NOWHERE = {
    1: Sentence("azureml_main returned {number} more than the port takes; only the first is used"),
    2: Sentence("azureml_main returned {number} more than the ports take; only two are used"),
}
NOTHING = {
    level: Report(CODES["AZ330"], _NOTHING, _FIX, level=level) for level in ("note", "warning")
}
NOWHERE = {
    ports: Report(
        CODES["AZ331"],
        message,
        "return what the next module needs, or use another module for the rest",
        rule="R6" if ports == 1 else "R7",
    )
    for ports, message in _NOWHERE.items()
}
A_LIST = Report(
    CODES["AZ332"], Sentence("azureml_main returned a list, which the designer refuses"), _FIX
)
A_VALUE = Report(
    CODES["AZ333"],
    Sentence("azureml_main returned {type}; the designer makes a table of it"),
    "return a frame to choose names and types",
)
KINDS = (*NOTHING.values(), *NOWHERE.values(), A_LIST, A_VALUE)


class ReturnRefused(Exception):
    """The profile refuses what was returned.

    Parameters
    ----------
    message : ComposedText
        The problem, in one line.
    hint : ComposedText
        The remedy, in one line.
    number : str, optional
        ``"0085"``, or ``"0018"`` for a frame that cannot be written.
    """

    def __init__(self, message: ComposedText, hint: ComposedText, number: str = "0085") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint
        self.number = number


def collect_outputs(returned: object, profile: Profile) -> Tuple[FRAMES, List[Finding]]:
    """Return the frames of the two output ports, and findings.

    Parameters
    ----------
    returned : object
        The return value of the call.
    profile : Profile
        The rules.

    Raises
    ------
    ReturnRefused
        When the profile does not accept such a value.
    """
    if returned is None:
        return [None, None], [_nothing(profile)]
    if isinstance(returned, pd.DataFrame):
        return [returned, None], []
    if not profile.values_allowed:
        return _classic(returned)
    return _designer(returned)


def _classic(returned: object) -> Tuple[FRAMES, List[Finding]]:
    """Take the first frame of a sequence; others have no port (rules R1, R3 to R6, R8, R10)."""
    items = _items(returned)
    if items is None:
        if isinstance(returned, np.ndarray):
            raise _refused(sentences.ARRAY_NOT_A_FRAME(dtype=returned.dtype))
        raise _refused(sentences.NOT_A_FRAME(type=name_of(returned)))
    if not items:
        raise _refused(sentences.EMPTY(word=name_of(returned)))
    first = items[0]
    if not isinstance(first, pd.DataFrame):
        what = "None" if first is None else name_of(first)
        raise _refused(sentences.BEGINS_WITH(type=name_of(returned), type_2=what))
    findings = [A_LIST.at(A_LIST.message())] if isinstance(returned, list) else []
    frames: FRAMES = [first, *[None] * (len(OUTPUTS) - 1)]
    return frames, findings + _without_port(items[1:], 1)


def _designer(returned: object) -> Tuple[FRAMES, List[Finding]]:
    """Take a tuple of up to two values, or one value; convert what is not a frame (rule R11)."""
    items: Sequence[Any] = (returned,)
    if isinstance(returned, tuple):
        items = list(tuple.__iter__(returned))
        if not items:
            raise _refused(sentences.EMPTY(word="tuple"))
    frames: FRAMES = [None] * len(OUTPUTS)
    findings: List[Finding] = []
    for number, item in enumerate(items[: len(OUTPUTS)]):
        if item is None or isinstance(item, pd.DataFrame):
            frames[number] = item
            continue
        try:
            frames[number] = table_of(item)
        except NoTable as error:
            raise _refused(error.message, error.hint) from None
        findings.append(_made(item, OUTPUTS[number]))
    return frames, findings + _without_port(items[len(OUTPUTS) :], len(OUTPUTS))


def _items(returned: object) -> Optional[List[Any]]:
    """Return the items of a sequence that may hold frames; ``None`` for anything else."""
    # The __iter__ of a subclass cannot be trusted.
    if isinstance(returned, tuple):
        return list(tuple.__iter__(returned))
    if isinstance(returned, list):
        return list(list.__iter__(returned))
    if isinstance(returned, np.ndarray) and returned.dtype == object and returned.ndim == 1:
        return list(returned)
    return None


def _refused(message: ComposedText, hint: Optional[ComposedText] = None) -> ReturnRefused:
    return ReturnRefused(message, sentences.RETURN_FRAME() if hint is None else hint)


def _nothing(profile: Profile) -> Finding:
    kind = NOTHING["note" if profile.second_output else "warning"]
    return kind.at(kind.message(), port="output1")


def _without_port(items: Sequence[Any], ports: int) -> List[Finding]:
    lost = [item for item in items if item is not None]
    return [NOWHERE[ports].at(NOWHERE[ports].message(number=len(lost)))] if lost else []


def _made(item: object, port: str) -> Finding:
    return A_VALUE.at(A_VALUE.message(type=name_of(item)), port=port)
