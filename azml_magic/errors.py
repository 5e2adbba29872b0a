"""The exceptions of azml_magic.

::

    AzmlError                     everything that azml_magic raises
    ├── UsageError                the call itself is wrong; nothing was run
    │   ├── OptionError           an unknown option, or an invalid value of an option
    │   ├── PortError             an unknown port or variable, or one that is not a DataFrame
    │   ├── InputError            a frame that the profile cannot deliver to a module
    │   ├── ModuleError           no source, no such file, not a function
    │   ├── BundleError           a script bundle that cannot be unpacked (Error 0102)
    │   └── ExportError           a module that cannot be exported as it is
    ├── SandboxError              nothing was run because it could not be confined
    │   ├── SandboxUnavailable    this machine cannot enforce the confinement
    │   └── SandboxBroken         the monitor or the fork server could not start, or died
    │       └── NoTemporaryFolder temporary files cannot be written
    └── RunError                  the run started and failed; ``result`` has what it left behind
        ├── ModuleFailed          the module raised an exception (Error 0085)
        ├── ContractError         the module returned what the profile refuses (Error 0085 or 0018)
        ├── FindingsError         there are findings, under ``strict``
        ├── LimitError            the run exceeded a limit and was ended
        │   ├── TimeLimitError
        │   ├── MemoryLimitError
        │   ├── ProcessLimitError
        │   ├── DiskLimitError
        │   └── OutputLimitError
        ├── WorkerDied            the worker ended without a result (signal, ``os._exit``)
        ├── ResultRefused         the worker sent an invalid result
        └── Interrupted           the user interrupted the run (also a KeyboardInterrupt)

Each has a ``message`` (the problem) and a ``hint`` (the remedy), one line each.
"""

from __future__ import annotations

import difflib
from typing import TYPE_CHECKING, Iterable, Optional

from azml_magic.controls import plain

if TYPE_CHECKING:
    from azml_magic.result import Result


class AzmlError(Exception):
    """Base class of all exceptions of azml_magic.

    Parameters
    ----------
    message : str
        The problem, in one line.
    hint : str, optional
        The remedy, in one line.
    """

    def __init__(self, message: str, hint: str = "") -> None:
        # A message may quote a module, and Python prints it to a terminal.
        self.message = plain(message)
        self.hint = plain(hint)
        super().__init__(self.message)

    def __str__(self) -> str:
        return f"{self.message}\nHint: {self.hint}" if self.hint else self.message


class UsageError(AzmlError):
    """The call itself is wrong; nothing was run."""


class OptionError(UsageError):
    """An option is unknown or has an invalid value."""


class PortError(UsageError):
    """A port or variable does not exist, or is not a DataFrame."""


class InputError(UsageError):
    """The profile cannot deliver a frame to a module."""


class ModuleError(UsageError):
    """There is no module to run: empty source, no such file, not a Python function."""


class BundleError(UsageError):
    """A script bundle cannot be unpacked (Error 0102 in both profiles)."""


class ExportError(UsageError):
    """A module cannot be exported as it is, because of findings, names or files."""


class SandboxError(AzmlError):
    """Nothing was run because it could not be confined."""


class SandboxUnavailable(SandboxError):
    """The confinement of a run cannot be enforced on this machine."""


class SandboxBroken(SandboxError):
    """The monitor or the fork server could not be started, or died."""


class NoTemporaryFolder(SandboxBroken):
    """Temporary files cannot be written: the root is read-only, or the disk is full."""


class RunError(AzmlError):
    """The run started and failed.

    Attributes
    ----------
    result : Result or None
        What the run left behind: log, figures, findings. It has no outputs.
    """

    def __init__(self, message: str, hint: str = "", result: Optional[Result] = None) -> None:
        super().__init__(message, hint)
        self.result = result


class ModuleFailed(RunError):
    """The module raised an exception; ``result.failure`` says where (Error 0085)."""


class ContractError(RunError):
    """The profile refuses what the module returned (Error 0085, or 0018 when written)."""


class FindingsError(RunError):
    """There are findings, and the caller requested none (``strict``)."""


class LimitError(RunError):
    """The run exceeded a limit and was ended."""


class TimeLimitError(LimitError):
    """The run took longer than its time limit."""


class MemoryLimitError(LimitError):
    """The run used more memory than its limit."""


class ProcessLimitError(LimitError):
    """The run started more processes and threads than its limit."""


class DiskLimitError(LimitError):
    """The run wrote more to its folder than its limit."""


class OutputLimitError(LimitError):
    """The run printed or returned more than its limit."""


class WorkerDied(RunError):
    """The worker ended without a result: a signal, or ``os._exit``."""


class ResultRefused(RunError):
    """The worker sent an invalid result."""


class Interrupted(RunError, KeyboardInterrupt):
    """The user interrupted the run; its processes have been ended."""


def did_you_mean(name: str, known: Iterable[str], otherwise: str = "") -> str:
    """Return a hint with the closest known name.

    Parameters
    ----------
    name : str
        The name that was given.
    known : iterable of str
        The valid names.
    otherwise : str, optional
        The hint to give when nothing is close.

    Returns
    -------
    str
        One line, for example ``"did you mean 'dataset1'?"``.
    """
    close = difflib.get_close_matches(name, list(known), n=1, cutoff=0.6)
    return f"did you mean {close[0]!r}?" if close else otherwise
