"""A module that stays loaded: many calls, answered by workers that are reused."""

from __future__ import annotations

import time
from dataclasses import replace

from azml_magic.errors import SandboxBroken
from azml_magic.executors.account import Account
from azml_magic.executors.job import Job
from azml_magic.executors.kept_worker import KeptWorker, Question
from azml_magic.monitor import shared_monitors
from azml_magic.monitor.client import MonitorClient
from azml_magic.protocol.messages import PrepareWorker

CALLS = 500


class Resident:
    """A module and the worker that has it loaded.

    The module's globals persist from one call to the next until the worker is replaced. With
    ``calls=1``, each call has a new worker.

    Parameters
    ----------
    job : Job
        The module, without datasets. Its ``timeout`` is the limit of one call; the other limits
        apply to one worker.
    calls : int
        How many calls one worker answers before it is replaced.
    """

    def __init__(self, job: Job, calls: int = CALLS) -> None:
        self._job = job
        self._calls = calls
        self._monitor: MonitorClient | None = None
        self._worker: KeptWorker | None = None
        self._answered = 0

    @property
    def confinement(self) -> str:
        """How the worker is confined; empty before the first one."""
        return self._monitor.confinement if self._monitor is not None else ""

    @property
    def ready(self) -> bool:
        """Whether a worker with the loaded module is waiting for a call."""
        worker = self._worker
        return worker is not None and self._answered < self._calls and not worker.over

    def prepare(self) -> Account | None:
        """Ensure that a worker is ready, replacing one that is used up or has ended.

        Returns
        -------
        Account or None
            None if one is ready; otherwise the account of loading the module.

        Raises
        ------
        SandboxError
            When no worker can be started.
        """
        if self.ready:
            return None
        account = self._load(last=False) or self._load(last=True)
        assert account is not None
        received = account.received
        if received.report is None and received.ended is None:
            return None
        self.use_up()
        return account

    def call(self, question: Question) -> Account:
        """Call the module.

        A worker that ended before it began the call is replaced silently, once.

        Returns
        -------
        Account
            Of the call, or of loading the module if that failed.

        Raises
        ------
        SandboxError
            When the call could not be confined.
        """
        started = time.perf_counter()
        account = self._ask(question, last=False) or self._ask(question, last=True)
        assert account is not None
        self._answered += 1
        return replace(account, seconds=time.perf_counter() - started)

    def use_up(self) -> None:
        """Make sure that the worker is replaced before the next call."""
        self._answered = self._calls

    def close(self) -> None:
        """End the worker."""
        try:
            self._retire()
        finally:
            self._leave()

    def _load(self, *, last: bool) -> Account | None:
        """Load the module in a worker; None if none began and another attempt is worthwhile."""
        self._retire()
        try:
            return self._completed(self._begin(), last=last)
        except SandboxBroken as error:
            if not self._may_try_again(error, last=last):
                raise
            return None

    def _ask(self, question: Question, *, last: bool) -> Account | None:
        """Call the module in a worker; None if none began and another attempt is worthwhile.

        Loading the module makes its own attempts, so its outcome is final here.
        """
        account = self.prepare()
        if account is not None:
            return account
        assert self._worker is not None
        try:
            return self._completed(self._worker.ask(question), last=last)
        except SandboxBroken as error:
            if not self._may_try_again(error, last=last):
                raise
            return None

    def _completed(self, account: Account, *, last: bool) -> Account | None:
        """Add what is known here to an account; None if another attempt is worthwhile."""
        received = account.received
        if not last and received.ended is not None and received.is_worth_another_attempt:
            assert self._monitor is not None
            self._monitor.retire()
            self.close()
            return None
        return replace(account, confinement=self.confinement, limits=self._job.options.limits())

    def _may_try_again(self, error: SandboxBroken, *, last: bool) -> bool:
        """Release what is broken; return whether nothing had begun, with an attempt left."""
        worker, self._worker = self._worker, None
        begun = worker is not None and worker.received.begun
        if worker is not None:
            worker.close()
        self._leave(error)
        return not (last or begun)

    def _begin(self) -> Account:
        """Start a worker and load the module in it."""
        if self._monitor is None or not self._monitor.alive:
            self.close()
            self._monitor = shared_monitors.acquire(self._job.options.access())
        worker = self._worker = KeptWorker(self._monitor, self._job.options.timeout)
        self._answered = 0
        # To the monitor, all calls are one long run; here, each call has its own limit.
        endless = replace(self._job.options, timeout=None).limits()
        started = time.perf_counter()
        account = worker.begin(self._job, self._calls, endless)
        if self._calls == 1 and account.received.ended is None:
            # The next worker is forked and confined while this one waits and works.
            self._monitor.send(PrepareWorker(endless))
        return replace(account, seconds=time.perf_counter() - started)

    def _retire(self) -> None:
        worker, self._worker = self._worker, None
        if worker is not None:
            try:
                worker.end()
            except SandboxBroken as error:  # the worker has already ended, with the monitor
                self._leave(error)
            finally:
                worker.close()

    def _leave(self, error: SandboxBroken | None = None) -> None:
        """Release the monitor."""
        monitor, self._monitor = self._monitor, None
        if monitor is not None:
            shared_monitors.release(monitor, error)
