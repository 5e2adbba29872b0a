"""The outcome of a run: a Result, or the exception that says why there is none."""

from __future__ import annotations

import errno
import signal
from dataclasses import replace

from azml_magic.contract.log_text import RAISED, error_text, failure_details, log_text
from azml_magic.contract.profile import Profile
from azml_magic.errors import (
    AzmlError,
    ContractError,
    Interrupted,
    ModuleFailed,
    OutputLimitError,
    ResultRefused,
    RunError,
    SandboxBroken,
    WorkerDied,
)
from azml_magic.executors.account import Account, Received
from azml_magic.executors.worker_report import FailureReport, RefusalReport, SuccessReport
from azml_magic.module.module import Module
from azml_magic.monitor.client import broken
from azml_magic.protocol.limits import Limits
from azml_magic.protocol.messages import Broken, RunEnded
from azml_magic.result import Failure, Result
from azml_magic.runner.passed_limits import met_limit, no_memory_for_inputs, passed_limit
from azml_magic.runner.reported_traceback import entry_point_line, person_entries

_AGAIN = "run the cell again; if this repeats, run `azml-magic doctor`"


def result_of(account: Account, module: Module, profile: Profile) -> Result:
    """Return the result of a run that succeeded.

    Parameters
    ----------
    account : Account
        What the run reported.
    module : Module
        The module that was run.
    profile : Profile
        The rules.

    Raises
    ------
    SandboxError
        When no code of the module has run.
    RunError
        When the run failed; ``result`` has the log, figures and findings. If the module ran in this
        process, the traceback ends in the frame that failed.
    """
    try:
        return _judged(account, module, profile)
    except RunError as error:
        if account.trace is None:
            raise
        raise error.with_traceback(account.trace) from None


def _judged(account: Account, module: Module, profile: Profile) -> Result:
    received = account.received
    report = received.report
    result = _result(account, module, profile)
    if received.interrupted:
        raise Interrupted("the run was interrupted; its processes have been ended", result=result)
    ended = received.ended
    if isinstance(ended, Broken):
        if ended.hint:
            raise broken(ended)
        raise SandboxBroken(
            f"the fork server ended during the run: {ended.message}".rstrip(": "),
            "run the cell again; it will use a new one",
        )
    # A debug run has no worker that could have ended.
    ended = ended or RunEnded()
    if account.limits is not None and not isinstance(report, SuccessReport):
        passed = passed_limit(ended, account.limits, result)
        if passed is not None:
            raise passed
    if received.too_large:
        raise OutputLimitError(
            f"the module returned {received.refusal}", "return fewer rows or columns", result
        )
    if received.refusal:
        raise ResultRefused(
            f"the worker sent an invalid result: {received.refusal}",
            "a module must not write to its process's internal file descriptors",
            result,
        )
    if not received.begun:
        raise _not_begun(received, ended, account.limits, result)
    if isinstance(report, SuccessReport):
        return result
    if isinstance(report, RefusalReport):
        raise _refusal(report, account, module, profile)
    if isinstance(report, FailureReport):
        raise _failure(report, account, ended, module, profile)
    raise _died(ended, result)


def _result(account: Account, module: Module, profile: Profile, error: str = "") -> Result:
    report = account.received.report
    reported = report.findings if isinstance(report, SuccessReport) else ()
    output1, output2 = account.received.frames
    # The worker counts lines of the source, a user those of the cell.
    placed = [
        replace(one, line=one.line + module.first_line - 1) if one.line is not None else one
        for one in reported
    ]
    return Result(
        output1=output1,
        output2=output2,
        figures=account.images.figures,
        previews=account.images.previews,
        stdout=account.stdout,
        stderr=account.stderr,
        log=log_text(account.stdout, account.stderr, profile, error=error),
        findings=(*account.findings, *placed, *account.images.findings),
        seconds=account.seconds,
        profile=profile.name,
        confinement=account.confinement,
        module=module.label,
    )


def _refusal(
    report: RefusalReport, account: Account, module: Module, profile: Profile
) -> ContractError:
    details = failure_details(
        ContractError.__name__, report.message, [], report.stage, None, profile
    )
    cloud_text = error_text(report.number, details, profile)
    failure = Failure(ContractError.__name__, report.message, cloud_text=cloud_text)
    result = _result(account, module, profile, error=cloud_text).replace(failure=failure)
    return ContractError(report.message, report.hint, result)


def _failure(
    report: FailureReport,
    account: Account,
    ended: RunEnded,
    module: Module,
    profile: Profile,
) -> RunError:
    details = failure_details(
        report.kind,
        report.message,
        report.entries,
        report.stage,
        entry_point_line(report),
        profile,
    )
    cloud_text = error_text(RAISED, details, profile)
    failure = Failure(
        kind=report.kind,
        message=report.message,
        traceback=person_entries(report, module),
        cloud_text=cloud_text,
    )
    result = _result(account, module, profile, error=cloud_text).replace(failure=failure)
    if account.limits is not None:
        met = met_limit(report, ended, account.limits, result)
        if met is not None:
            return met
    return ModuleFailed(failure.title, _hint(report), result)


def _hint(report: FailureReport) -> str:
    if report.kind == "NameError":
        return (
            "the module runs in a separate process, without the names that other cells define; "
            "pass frames in by ports, and define or import everything else in the module"
        )
    if report.errno == errno.ENOENT:
        return (
            "a module sees only its working directory and installed packages; pass data in by "
            "ports, and files in the script bundle"
        )
    if report.errno in {errno.EPERM, errno.EACCES}:
        return "a module may only read and write its working directory, and has no network"
    if report.stage == "find" and report.kind in {"AttributeError", "TypeError"}:
        return "define azureml_main(dataframe1=None, dataframe2=None) in the module"
    if report.kind in {"ModuleNotFoundError", "ImportError"}:
        return "install the package where azml_magic is installed, or put it into the script bundle"
    if report.kind == "SystemExit":
        return "a module ends by returning; remove the call to sys.exit() or quit()"
    return ""


def _not_begun(
    received: Received, ended: RunEnded, limits: Limits | None, result: Result
) -> AzmlError:
    """Return the error of a run that failed before any line of the module ran."""
    obstacle = received.obstacle
    if obstacle is not None and limits is not None and obstacle.kind.endswith("MemoryError"):
        return no_memory_for_inputs(limits, result)
    if obstacle is not None:
        cause = f"{obstacle.kind}: {obstacle.message}"
    else:
        cause = ended.failure or f"its process {_ending(ended)}"
    return SandboxBroken(f"the run could not be started: {cause}", _AGAIN)


def _died(ended: RunEnded, result: Result) -> AzmlError:
    hint = "remove calls that end the process, such as os._exit()"
    if ended.status & 0x7F:
        hint = "a native library crashed, or the machine ran out of memory; see the log"
    return WorkerDied(f"the worker {_ending(ended)} before the module returned", hint, result)


def _ending(ended: RunEnded) -> str:
    code = ended.status
    if code & 0x7F:
        return f"was ended by {_signal_name(code & 0x7F)}"
    return f"ended (exit status {code >> 8})"


def _signal_name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"
