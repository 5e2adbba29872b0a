"""Errors of runs that exceeded a limit: the limit, the value reached, the remedy."""

from __future__ import annotations

import errno

from azml_magic.errors import (
    DiskLimitError,
    LimitError,
    MemoryLimitError,
    ProcessLimitError,
    TimeLimitError,
)
from azml_magic.executors.worker_report import FailureReport
from azml_magic.protocol.limits import Limits
from azml_magic.protocol.messages import RunEnded
from azml_magic.result import Result
from azml_magic.sandbox.folders import BEYOND_MEASURE
from azml_magic.sentences import SAID_CHARACTERS, shortened

_MORE_MEMORY = "raise it with -m 4GB (memory='4GB'), or work on fewer rows"


def passed_limit(ended: RunEnded, limits: Limits, result: Result) -> LimitError | None:
    """Return the error of a run that the monitor ended at a limit; ``None`` for any other run."""
    reason, reached = ended.reason, ended.reached
    if reason == "time":
        return TimeLimitError(
            f"the run was ended after {limits.timeout:g} s, its time limit",
            "allow more with -t SECONDS (timeout=SECONDS); 0 for no limit",
            result,
        )
    if reason == "cpu":
        return TimeLimitError(
            f"the run used {reached:.1f} s of processor time and was ended; "
            f"its limit is {limits.cpu_seconds} s",
            "allow more with --cpu-seconds SECONDS (cpu_seconds=SECONDS), or work on fewer rows",
            result,
        )
    if reason == "memory":
        return MemoryLimitError(
            f"the run used {size(reached)} and was ended; its limit is {size(limits.memory)}",
            _MORE_MEMORY,
            result,
        )
    if reason == "files":
        return DiskLimitError(
            f"the run created more than {limits.files:,} files and folders and was ended",
            "write fewer, or allow more with --files 200000 (files=200_000)",
            result,
        )
    if reason == "locks":
        return LimitError(
            f"the run held more than {reached:,.0f} locks on ranges of files and was ended",
            "release locks, or lock whole files",
            result,
        )
    if reason == "disk" and reached >= BEYOND_MEASURE:
        return DiskLimitError(
            "the run nested folders too deeply to be measured and was ended",
            "nest folders less than 400 levels deep",
            result,
        )
    if reason == "disk":
        return DiskLimitError(
            f"the run wrote {size(reached)} to its folder and was ended; "
            f"its limit is {size(limits.disk)}",
            "write less: the folder is deleted after the run anyway",
            result,
        )
    return None


def met_limit(
    report: FailureReport, ended: RunEnded, limits: Limits, result: Result
) -> LimitError | None:
    """Return the error of a module that failed because of a limit; ``None`` for any other."""
    # NumPy and Arrow raise subclasses: _ArrayMemoryError, ArrowMemoryError.
    if report.kind.endswith("MemoryError"):
        asked = f" ({shortened(report.message, SAID_CHARACTERS)})" if report.message else ""
        return MemoryLimitError(
            f"the module ran out of memory{asked}; its limit is {size(limits.memory)}",
            _MORE_MEMORY,
            result,
        )
    if ended.tasks_refused and (report.kind == "RuntimeError" or report.errno == errno.EAGAIN):
        return ProcessLimitError(
            f"the module exceeded its limit of {limits.tasks} processes and threads: "
            f"{ended.tasks_refused} more were refused",
            "use fewer workers, for example n_jobs=2",
            result,
        )
    if report.errno == errno.EFBIG:
        return DiskLimitError(
            f"the module exceeded its limit of {size(limits.file_bytes)} for a file",
            "write less: the folder is deleted after the run anyway",
            result,
        )
    if report.errno in {errno.EMFILE, errno.ENFILE}:
        return LimitError(
            f"the module exceeded its limit of {limits.open_files} open files and sockets",
            "close files after use, ideally with a 'with' statement",
            result,
        )
    return None


def no_memory_for_inputs(limits: Limits, result: Result) -> LimitError:
    """Return the error of a run whose inputs alone exceed its memory limit."""
    return MemoryLimitError(
        "the datasets and the script bundle need more memory than the run may use; "
        f"its limit is {size(limits.memory)}",
        _MORE_MEMORY,
        result,
    )


def size(number: float) -> str:
    """Format a number of bytes, for example as ``"2 GB"``."""
    for unit, bytes_of_it in (("GB", 1 << 30), ("MB", 1 << 20), ("kB", 1 << 10)):
        if number >= bytes_of_it:
            return f"{number / bytes_of_it:.3g} {unit}"
    return f"{number:.0f} bytes"
