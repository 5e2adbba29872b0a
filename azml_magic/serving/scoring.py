"""Processing of a request: from its body, by a call of the module, to the response's body."""

from __future__ import annotations

import contextlib
import resource
import time
import traceback
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

import pandas as pd

from azml_magic.errors import (
    AzmlError,
    ContractError,
    InputError,
    MemoryLimitError,
    ModuleFailed,
    OutputLimitError,
    RunError,
    TimeLimitError,
)
from azml_magic.module.manifest import Manifest
from azml_magic.result import Result
from azml_magic.scoring.answers import AnswerLimits, write_answer
from azml_magic.scoring.faults import (
    Fault,
    broken,
    internal_error,
    mismatch,
    module_failed,
    out_of_memory,
    timed_out,
    too_large,
)
from azml_magic.scoring.request_frames import read_frames

Call = Callable[[Mapping[str, pd.DataFrame], "Clock"], Result]


@dataclass(frozen=True)
class Answer:
    """The response to a request.

    Attributes
    ----------
    status : int
        HTTP status.
    code : str
        Code of the error; empty if there is none.
    body : bytes
        JSON.
    rows : int
        The number of rows scored.
    reason : str
        The cause of an internal error, for the log; contains no value of a request.
    """

    status: int
    code: str
    body: bytes
    rows: int = 0
    reason: str = ""


@dataclass(frozen=True)
class RequestLimits:
    """Limits of a request.

    Attributes
    ----------
    rows : int
        Maximum rows of one input.
    cells, size : int
        Limits of the response: cells of all outputs together, bytes of its JSON.
    seconds : float
        Time limit for reading the request, the module, and writing the response.
    memory : int
        Memory for reading and writing, in bytes beyond what this process already has.
    """

    rows: int
    cells: int
    size: int
    seconds: float
    memory: int


class Clock:
    """The remaining time of a request, paused while a worker is made ready.

    Parameters
    ----------
    seconds : float
        The time limit.
    """

    def __init__(self, seconds: float) -> None:
        self._left = seconds
        self._started: float | None = time.monotonic()

    @property
    def left(self) -> float:
        """Remaining seconds; negative if it took too long."""
        return self._left - (0.0 if self._started is None else time.monotonic() - self._started)

    def stop(self) -> None:
        """Pause the clock."""
        self._left, self._started = self.left, None

    def go_on(self) -> None:
        """Resume the clock."""
        if self._started is None:
            self._started = time.monotonic()


def answer(
    call: Call, manifest: Manifest, body: bytes, form: str, *, details: bool, limits: RequestLimits
) -> Answer:
    """Compute the response to a request.

    Parameters
    ----------
    call : callable
        Runs the module with frames by port, and returns a Result or raises. It gets the
        paused clock, and resumes it when the module begins.
    manifest : Manifest
        The module's manifest.
    body : bytes
        The request's body.
    form : str
        Form of the response: ``"classic"``, ``"swagger"`` or ``"typed"``.
    details : bool
        Whether the classic form includes the columns.
    limits : RequestLimits
        The limits of the request.
    """
    clock = Clock(limits.seconds)
    try:
        with _memory_for(limits.memory):
            frames = read_frames(body, manifest.ports, manifest.inputs, limits.rows)
        clock.stop()
        try:
            result = call(frames, clock)
        except AzmlError as error:
            raise fault_of(error) from error
        clock.go_on()
        rows = max((len(frame) for frame in frames.values()), default=0)
        within = AnswerLimits(limits.cells, limits.size, time.monotonic() + clock.left)
        with _memory_for(limits.memory):
            written = write_answer(result.outputs, form, details=details, limits=within)
        return Answer(200, "", written, rows)
    except Fault as fault:
        return _refused(fault, fault.detail if fault.status >= 500 else "")
    except Exception as error:  # a bug of ours must not affect other requests
        return _refused(internal_error(), _place_of(error))


def _refused(fault: Fault, reason: str) -> Answer:
    return Answer(fault.status, fault.code, fault.body(), reason=reason)


@contextlib.contextmanager
def _memory_for(size: int) -> Iterator[None]:
    """Limit the memory of this process to `size` more bytes; refuse what needs more."""
    soft, hard = resource.getrlimit(resource.RLIMIT_DATA)
    needed = _data_bytes() + size
    if soft == resource.RLIM_INFINITY or needed < soft:
        resource.setrlimit(resource.RLIMIT_DATA, (needed, hard))
    try:
        yield
    except MemoryError:
        raise out_of_memory(
            f"The request or its answer needs more than {size:,} bytes outside the module."
        ) from None
    finally:
        resource.setrlimit(resource.RLIMIT_DATA, (soft, hard))


def _data_bytes() -> int:
    """Return the bytes that RLIMIT_DATA counts, plus the stack."""
    with open("/proc/self/statm") as file:
        return int(file.read().split()[5]) * resource.getpagesize()


def _place_of(error: Exception) -> str:
    """Describe an exception and its location without its text, which may contain a value."""
    frames = traceback.extract_tb(error.__traceback__)
    place = f" at {frames[-1].name}, line {frames[-1].lineno}" if frames else ""
    return f"{type(error).__name__}{place}"


def fault_of(error: AzmlError) -> Fault:
    """Return the fault that reports an error of a run to a client."""
    if isinstance(error, InputError):
        return mismatch(f"{error.message}.")
    if isinstance(error, TimeLimitError):
        return timed_out(error.message)
    if isinstance(error, MemoryLimitError):
        return out_of_memory(error.message)
    if isinstance(error, OutputLimitError):
        return too_large("AnswerTooLarge", f"{error.message}.")
    result = error.result if isinstance(error, RunError) else None
    failure = result.failure if result is not None else None
    if isinstance(error, (ModuleFailed, ContractError)) or failure is not None:
        return module_failed(failure.cloud_text if failure is not None else error.message)
    return broken(error.message)
