"""One request from its body to the body of the answer, around a call of the module."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import pandas as pd

from azml_magic.errors import (
    AzmlError,
    ContractError,
    InputError,
    MemoryLimitError,
    ModuleFailed,
    RunError,
    TimeLimitError,
)
from azml_magic.module.manifest import Manifest
from azml_magic.result import Result
from azml_magic.scoring.answers import write_answer
from azml_magic.scoring.faults import (
    Fault,
    broken,
    mismatch,
    module_failed,
    out_of_memory,
    timed_out,
)
from azml_magic.scoring.frames import read_frames

Call = Callable[[Mapping[str, pd.DataFrame]], Result]


@dataclass(frozen=True)
class Answer:
    """What a request is answered with.

    Attributes
    ----------
    status : int
        HTTP status.
    code : str
        The error's code; empty for an answer that is none.
    body : bytes
        JSON.
    rows : int
        Rows that were scored.
    """

    status: int
    code: str
    body: bytes
    rows: int = 0


def answer(
    call: Call, manifest: Manifest, body: bytes, form: str, *, details: bool, max_rows: int
) -> Answer:
    """Return the answer to a request.

    Parameters
    ----------
    call : callable
        Runs the module with frames by port, and returns a Result or raises.
    manifest : Manifest
        Of the module.
    body : bytes
        The request's body.
    form : str
        Of the answer: ``"classic"``, ``"swagger"`` or ``"typed"``.
    details : bool
        Whether the classic form names its columns.
    max_rows : int
        Limit of the rows of one input.
    """
    try:
        frames = read_frames(body, manifest.ports, manifest.inputs, max_rows)
        try:
            result = call(frames)
        except AzmlError as error:
            raise fault_of(error) from error
        rows = max((len(frame) for frame in frames.values()), default=0)
        return Answer(200, "", write_answer(result.outputs, form, details=details), rows)
    except Fault as fault:
        return Answer(fault.status, fault.code, fault.body())


def fault_of(error: AzmlError) -> Fault:
    """Return what a client is told of an error of a run."""
    if isinstance(error, InputError):
        return mismatch(f"{error.message}.")
    if isinstance(error, TimeLimitError):
        return timed_out(error.message)
    if isinstance(error, MemoryLimitError):
        return out_of_memory(error.message)
    result = error.result if isinstance(error, RunError) else None
    failure = result.failure if result is not None else None
    if isinstance(error, (ModuleFailed, ContractError)) or failure is not None:
        return module_failed(failure.cloud_text if failure is not None else error.message)
    return broken(error.message)
