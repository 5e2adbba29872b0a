"""Merging the findings of static checks and of a run, so that each problem is reported once.

The run knows what happened; the static checks know the line and how serious it is.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

from azml_magic.checks.check import without_ignored
from azml_magic.errors import ContractError, RunError
from azml_magic.findings import CODES, READING
from azml_magic.module.module import Module
from azml_magic.result import LEVELS, Failure, Finding, Result


@dataclass(frozen=True)
class Foreseen:
    """A failure that static checks foresee.

    Attributes
    ----------
    kind : str
        Class of the exception.
    part : str
        A part of its message.
    codes : tuple of str
        The codes of the findings that foresee it.
    at_line : bool
        Whether these must be about the line that failed.
    """

    kind: str
    part: str
    codes: tuple[str, ...]
    at_line: bool = False


_NAMES = ("AZ110", "AZ111")
FORESEEN = (
    Foreseen("SyntaxError", "", ("AZ101",)),
    Foreseen("AttributeError", "'azureml_main'", ("AZ102",)),
    Foreseen("TypeError", "azureml_main()", ("AZ103",)),
    Foreseen("NameError", "", _NAMES, at_line=True),
    Foreseen(ContractError.__name__, "azureml_main returned", ("AZ105", "AZ112")),
)


def settle(result: Result, module: Module) -> Result:
    """Return a run's result with each problem once, without findings that the module ignores.

    A static finding is replaced by a finding of the run by the same rule, on the same line or
    without a line; the more serious level of both is kept.

    Parameters
    ----------
    result : Result
        With the findings of the static checks and of the run.
    module : Module
        Its ``# azml: ignore`` comments apply to both.
    """
    return result.replace(findings=_settled(result.findings, module))


def settle_error(error: RunError, module: Module) -> None:
    """Do the same for a failed run; a finding that foresaw the failure becomes its hint.

    Parameters
    ----------
    error : RunError
        Its ``result`` and its ``hint`` are replaced.
    module : Module
        As for :func:`settle`.
    """
    if error.result is None:
        return
    error.result = settle(error.result, module)
    failure = error.result.failure
    if failure is None:
        return
    proved = [one for one in error.result.findings if _is_proved(one, failure, module)]
    if len(proved) == 1:
        error.hint = _hint(error, proved[0])
        others = tuple(one for one in error.result.findings if one is not proved[0])
        error.result = error.result.replace(findings=others)


def _settled(findings: Iterable[Finding], module: Module) -> tuple[Finding, ...]:
    kept = without_ignored(findings, module)
    seen = [one for one in kept if not _is_read(one)]
    read = [one for one in kept if _is_read(one)]
    for position, one in enumerate(seen):
        same = [other for other in read if _is_same(other, one)]
        if same:
            level = max([one, *same], key=lambda each: LEVELS.index(each.level)).level
            line = same[0].line if one.line is None else one.line
            seen[position] = replace(one, line=line, level=level)
            read = [other for other in read if other not in same]
    return (*read, *seen)


def _is_read(finding: Finding) -> bool:
    return finding.code in CODES and CODES[finding.code].seen_by == READING


def _is_same(read: Finding, seen: Finding) -> bool:
    at_line = seen.line is None or seen.line == read.line
    return bool(seen.rule) and seen.rule == read.rule and at_line


def _is_proved(finding: Finding, failure: Failure, module: Module) -> bool:
    last = failure.traceback[-1] if failure.traceback else None
    # A line with that number in a file of the bundle is a different line.
    line = last.line if last is not None and last.place == module.label else None
    return any(
        finding.code in one.codes
        and one.kind == failure.kind
        and one.part in failure.message
        and (not one.at_line or (line is not None and finding.line == line))
        for one in FORESEEN
    )


def _hint(error: RunError, proved: Finding) -> str:
    # For a return, the run knows the value, and the static check knows the line.
    if isinstance(error, ContractError):
        return f"line {proved.line}: {error.hint}" if proved.line else error.hint
    if proved.code in _NAMES:
        return f"{proved.message}; {proved.fix}"
    return proved.fix or error.hint
