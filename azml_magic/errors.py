"""What can go wrong, as exceptions.

::

    AzmlError                     everything that azml_magic raises
    ├── UsageError                the call itself is wrong; nothing was run
    │   ├── OptionError           an unknown option, or a value that an option does not take
    │   ├── PortError             a port or variable that is not there, or not a DataFrame
    │   ├── InputError            a frame that the profile cannot deliver to a module
    │   ├── ModuleError           no source, no such file, not a function
    │   ├── BundleError           a script bundle that cannot be unpacked (Error 0102)
    │   └── ExportError           a module that cannot leave the notebook as it is
    ├── SandboxError              nothing was run because it could not be confined
    │   ├── SandboxUnavailable    this machine cannot enforce the confinement
    │   └── SandboxBroken         the monitor or the fork server could not start, or died
    │       └── NoTemporaryFolder there is no place for temporary files
    └── RunError                  the run started and did not succeed; ``result`` keeps what it left
        ├── ModuleFailed          the module raised an exception (Error 0085)
        ├── ContractError         the module returned what the profile refuses (Error 0085 or 0018)
        ├── FindingsError         findings, under ``strict``
        ├── LimitError            the run passed a limit and was ended
        │   ├── TimeLimitError
        │   ├── MemoryLimitError
        │   ├── ProcessLimitError
        │   ├── DiskLimitError
        │   └── OutputLimitError
        ├── WorkerDied            the worker ended without a result (signal, ``os._exit``)
        ├── ResultRefused         what came back from the worker was not valid
        └── Interrupted           the person interrupted the run (also a KeyboardInterrupt)

Each has a ``message`` (the problem) and a ``hint`` (the remedy), one line each.
"""

from __future__ import annotations

import difflib
from typing import TYPE_CHECKING, Iterable, Optional

from azml_magic.controls import plain

if TYPE_CHECKING:
    from azml_magic.result import Result


class AzmlError(Exception):
    """Base of every exception of azml_magic.

    Parameters
    ----------
    message : str
        The problem, in one line.
    hint : str, optional
        The remedy, in one line.
    """

    def __init__(self, message: str, hint: str = "") -> None:
        # A message may quote a module, and Python itself prints it to a terminal.
        self.message = plain(message)
        self.hint = plain(hint)
        super().__init__(self.message)

    def __str__(self) -> str:
        return f"{self.message}\nHint: {self.hint}" if self.hint else self.message


class UsageError(AzmlError):
    """The call itself is wrong; nothing was run."""


class OptionError(UsageError):
    """An unknown option, or a value that an option does not take."""


class PortError(UsageError):
    """A port or a variable that is not there, or that holds no DataFrame."""


class InputError(UsageError):
    """A frame that the profile cannot deliver to a module."""


class ModuleError(UsageError):
    """No module to run: empty source, no such file, not a Python function."""


class BundleError(UsageError):
    """A script bundle that cannot be unpacked (Error 0102 in both profiles)."""


class ExportError(UsageError):
    """A module that cannot leave the notebook as it is: findings, names or files forbid it."""


class SandboxError(AzmlError):
    """Nothing was run because it could not be confined."""


class SandboxUnavailable(SandboxError):
    """The confinement of a run cannot be enforced on this machine."""


class SandboxBroken(SandboxError):
    """The monitor or the fork server could not be started, or died."""


class NoTemporaryFolder(SandboxBroken):
    """There is no place for temporary files: a read-only root without any, or a full disk."""


class RunError(AzmlError):
    """The run started and did not succeed.

    Attributes
    ----------
    result : Result or None
        What the run left behind: log, figures, findings. It has no outputs.
    """

    def __init__(self, message: str, hint: str = "", result: Optional[Result] = None) -> None:
        super().__init__(message, hint)
        self.result = result


class ModuleFailed(RunError):
    """The module raised an exception; ``result.failure`` tells where (Error 0085)."""


class ContractError(RunError):
    """The module returned what the profile refuses (Error 0085, or 0018 when written)."""


class FindingsError(RunError):
    """There are findings, and the caller asked for none (``strict``)."""


class LimitError(RunError):
    """The run passed a limit and was ended."""


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
    """What came back from the worker was not a valid result."""


class Interrupted(RunError, KeyboardInterrupt):
    """The person interrupted the run; its processes have been ended."""


def did_you_mean(name: str, known: Iterable[str], otherwise: str = "") -> str:
    """Return a hint that names the closest known name.

    Parameters
    ----------
    name : str
        What was written.
    known : iterable of str
        What could have been meant.
    otherwise : str, optional
        The hint to give when nothing is close.

    Returns
    -------
    str
        One line, for example ``"did you mean 'dataset1'?"``.
    """
    close = difflib.get_close_matches(name, list(known), n=1, cutoff=0.6)
    return f"did you mean {close[0]!r}?" if close else otherwise
