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

    What the module keeps in its globals stays from one call to the next until the worker is
    replaced. With ``calls=1`` each call has a fresh worker.

    Parameters
    ----------
    job : Job
        The module, without datasets. Its ``timeout`` is the limit of one call; the other limits
        are of one worker.
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
        """Whether a worker with the loaded module waits for a call."""
        worker = self._worker
        return worker is not None and self._answered < self._calls and not worker.over

    def prepare(self) -> Account | None:
        """Have a worker ready, replacing one that is used up or has ended.

        Returns
        -------
        Account or None
            None when one is ready; else what loading the module came to.

        Raises
        ------
        SandboxError
            When there can be no worker.
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
        """Have the module called.

        A worker that ended before it began with the call is replaced, once, in silence.

        Returns
        -------
        Account
            Of the call, or of loading the module where that failed.

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
        """Have the worker replaced before the next call."""
        self._answered = self._calls

    def close(self) -> None:
        """End the worker."""
        try:
            self._retire()
        finally:
            self._leave()

    def _load(self, *, last: bool) -> Account | None:
        """Have a worker load the module; None when none began, and it is worth another attempt."""
        self._retire()
        try:
            return self._known(self._begin(), last=last)
        except SandboxBroken as error:
            if not self._may_try_again(error, last=last):
                raise
            return None

    def _ask(self, question: Question, *, last: bool) -> Account | None:
        """Have a worker answer; None when none began, and it is worth another attempt.

        Loading the module has attempts of its own: what it comes to is not tried again here.
        """
        account = self.prepare()
        if account is not None:
            return account
        assert self._worker is not None
        try:
            return self._known(self._worker.ask(question), last=last)
        except SandboxBroken as error:
            if not self._may_try_again(error, last=last):
                raise
            return None

    def _known(self, account: Account, *, last: bool) -> Account | None:
        """Return an account with what is known here; None when another attempt is worth it."""
        received = account.received
        if not last and received.ended is not None and received.is_worth_another_attempt:
            assert self._monitor is not None
            self._monitor.retire()
            self.close()
            return None
        return replace(account, confinement=self.confinement, limits=self._job.options.limits())

    def _may_try_again(self, error: SandboxBroken, *, last: bool) -> bool:
        """Leave what is broken; return whether nothing had begun, and this was not the last try."""
        worker, self._worker = self._worker, None
        begun = worker is not None and worker.received.begun
        if worker is not None:
            worker.close()
        self._leave(error)
        return not (last or begun)

    def _begin(self) -> Account:
        """Start a worker and have it load the module."""
        if self._monitor is None or not self._monitor.alive:
            self.close()
            self._monitor = shared_monitors.acquire(self._job.options.access())
        worker = self._worker = KeptWorker(self._monitor, self._job.options.timeout)
        self._answered = 0
        # The monitor would take one long life for one long run; each call has its own limit.
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
            except SandboxBroken as error:  # what was to end has ended already, with the monitor
                self._leave(error)
            finally:
                worker.close()

    def _leave(self, error: SandboxBroken | None = None) -> None:
        """Give the monitor back."""
        monitor, self._monitor = self._monitor, None
        if monitor is not None:
            shared_monitors.release(monitor, error)
