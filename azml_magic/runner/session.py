"""A module kept ready in a confined worker: each call takes milliseconds, not a start."""

from __future__ import annotations

import functools
import time
from collections.abc import Callable, Mapping
from dataclasses import replace

import pandas as pd

from azml_magic.contract.frames import prepare_input
from azml_magic.contract.profile import Profile
from azml_magic.errors import LimitError, SandboxBroken
from azml_magic.module.bundle import Bundle
from azml_magic.module.module import Module
from azml_magic.monitor import client
from azml_magic.monitor.client import MonitorClient
from azml_magic.protocol.messages import PrepareWorker
from azml_magic.protocol.options import Options
from azml_magic.result import Finding, Result
from azml_magic.runner import verdict
from azml_magic.runner.conversation import Conversation, Heard, Question
from azml_magic.runner.images import Images
from azml_magic.runner.run import encode_input, job_header, make_job

CALLS = 500


class Session:
    """Calls of one module, each under the contract, in workers that are reused.

    A worker loads the module once and answers many calls; what the module keeps in its
    globals stays from one call to the next until the worker is replaced. With ``calls=1``
    each call has a fresh worker.

    Parameters
    ----------
    module : Module
        What to call.
    bundle : Bundle or None
        Its script bundle.
    profile : Profile
        The rules.
    options : Options
        Its ``timeout`` is the limit of one call; the other limits are of one worker.
    calls : int
        How many calls one worker answers before it is replaced.
    text : str
        ``"str"``: text comes back in pandas' own type, as from a run; ``"object"``: as
        Python strings, which is quicker to read one by one.
    """

    def __init__(
        self,
        module: Module,
        bundle: Bundle | None,
        profile: Profile,
        options: Options,
        *,
        calls: int = CALLS,
        text: str = "str",
    ) -> None:
        self.module = module
        self.bundle = bundle
        self.profile = profile
        self.options = options
        self.calls = calls
        self.text = text
        self._monitor: MonitorClient | None = None
        self._conversation: Conversation | None = None
        self._answered = 0

    @property
    def confinement(self) -> str:
        """How the worker is confined; empty before the first one."""
        return self._monitor.confinement if self._monitor is not None else ""

    @property
    def worker_ready(self) -> bool:
        """Whether a worker with the loaded module waits for a call."""
        talk = self._conversation
        return talk is not None and self._answered < self.calls and not talk.over

    def prepare(self) -> None:
        """Have a worker ready, replacing one that is used up or has ended.

        Raises
        ------
        RunError
            When the module cannot be loaded.
        SandboxError
            When there can be no worker.
        """
        if self.worker_ready:
            return
        if not self._begin(last=False):
            self._begin(last=True)

    def call(
        self,
        datasets: Mapping[str, pd.DataFrame],
        *,
        most: int | None = None,
        seconds: float | None = None,
        on_begin: Callable[[], None] | None = None,
    ) -> Result:
        """Call the module and wait for its answer.

        A worker that ended before it began with the call is replaced, once, in silence.

        Parameters
        ----------
        datasets : mapping of str to pandas.DataFrame
            The connected ports; the frames stay unchanged.
        most : int, optional
            How large one frame of the answer may be, in bytes; by default as large as of a run.
        seconds : float, optional
            Time limit of this call, where it is less than that of the session.
        on_begin : callable, optional
            Called once, before a line of the module may run for this call.

        Raises
        ------
        InputError
            When a frame cannot be delivered under the profile.
        SandboxError
            When the call could not be confined.
        RunError
            When it did not succeed. The session stays usable.
        """
        findings: list[Finding] = []
        encoded = {}
        for port, frame in datasets.items():
            prepared, changes = prepare_input(frame, port, self.profile, self.options)
            encoded[port] = encode_input(prepared, port, self.profile)
            findings += changes
        limit = self.options.frame_bytes if most is None else most
        started = time.perf_counter()
        question = Question(encoded, limit, self.text, seconds, on_begin)
        ask = functools.partial(self._ask, question)
        heard = ask(last=False) or ask(last=True)
        assert heard is not None
        self._answered += 1
        try:
            return self._judge(heard, findings, time.perf_counter() - started)
        except LimitError:
            # What filled the memory may still be there, and would end the next call.
            self._answered = self.calls
            raise
        except SandboxBroken:
            self._drop()
            raise

    def close(self) -> None:
        """End the worker and all that was started for it."""
        self._drop()

    def _ask(self, question: Question, *, last: bool) -> Heard | None:
        """Have a worker answer; None when none began, and it is worth another attempt."""
        self.prepare()
        talk = self._conversation
        assert talk is not None
        try:
            heard = talk.ask(question)
        except SandboxBroken:
            self._drop()
            if last or talk.received.begun:
                raise
            return None
        if not last and heard.received.is_worth_another_attempt:
            self._drop()
            return None
        return heard

    def _begin(self, *, last: bool) -> bool:
        """Have a worker load the module; False when none could, and it is worth another attempt."""
        self._retire()
        try:
            started = time.perf_counter()
            heard = self._converse()
            received = heard.received
            if not last and received.is_worth_another_attempt and received.ended:
                self._drop()
                return False
            if received.report is not None or received.ended:
                self._answered = self.calls
                self._judge(heard, [], time.perf_counter() - started)
        except SandboxBroken:
            begun = self._conversation is not None and self._conversation.received.begun
            self._drop()
            if last or begun:
                raise
            return False
        return True

    def _converse(self) -> Heard:
        """Start a worker and have it load the module."""
        if self._monitor is None or not self._monitor.alive:
            self._drop()
            self._monitor = client.acquire(self.options.access())
        self._monitor.wait_until_ready()
        header = job_header(self.module, self.bundle, self.profile, self.options)
        job = make_job(replace(header, calls=self.calls), self.bundle, {})
        talk = self._conversation = Conversation(self._monitor, self.options.timeout)
        self._answered = 0
        # The monitor would take one long life for one long run; each call has its own limit.
        endless = replace(self.options, timeout=None).limits()
        heard = talk.begin(job, endless)
        if self.calls == 1 and not heard.received.ended:
            # The next worker is forked and confined while this one waits and works.
            self._monitor.send(PrepareWorker(endless))
        return heard

    def _judge(self, heard: Heard, findings: list[Finding], seconds: float) -> Result:
        account = verdict.Account(
            received=heard.received,
            stdout=heard.stdout,
            stderr=heard.stderr,
            images=Images(),
            findings=tuple(findings),
            seconds=seconds,
            confinement=self.confinement,
            limits=self.options.limits(),
        )
        return verdict.judge(account, self.module, self.profile)

    def _retire(self) -> None:
        talk, self._conversation = self._conversation, None
        if talk is not None:
            try:
                talk.end()
            except SandboxBroken:  # what was to end has ended already, with the monitor
                self._drop()
            finally:
                talk.close()

    def _drop(self) -> None:
        talk, self._conversation = self._conversation, None
        if talk is not None:
            talk.close()
        monitor, self._monitor = self._monitor, None
        if monitor is not None:
            monitor.close()
