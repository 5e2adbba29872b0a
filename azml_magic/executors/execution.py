"""What executors have in common."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from azml_magic.executors.account import Account
from azml_magic.executors.job import Job


class Execution(Protocol):
    """A job that has been started."""

    def wait(self) -> Account:
        """Run it to its end in the calling thread; callbacks are called there.

        Raises
        ------
        SandboxError
            When it could not be confined.
        """

    def cancel(self) -> None:
        """End it, from any thread; :meth:`wait` then returns the account of an interrupted run."""


@dataclass(frozen=True)
class Callbacks:
    """What to call during a run.

    Attributes
    ----------
    on_start : callable or None
        Called once with the execution, before anything else.
    on_output : callable or None
        Called with ``"stdout"`` or ``"stderr"`` and whole lines.
    on_tick : callable or None
        Called with the seconds since the start, a few times a second.
    """

    on_start: Callable[[Execution], None] | None = None
    on_output: Callable[[str, str], None] | None = None
    on_tick: Callable[[float], None] | None = None


class Executor(Protocol):
    """A place where jobs run."""

    def start(self, job: Job, callbacks: Callbacks = Callbacks()) -> Execution:
        """Start a job; waiting for its execution gives the outcome."""
