"""One worker that keeps its module, from the notebook's or server's side: ask, hear, ask again."""

from __future__ import annotations

import contextlib
import socket
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from azml_magic.errors import SandboxBroken
from azml_magic.monitor.client import MonitorClient
from azml_magic.protocol.codec import to_plain
from azml_magic.protocol.job import BEGUN, READY, Call
from azml_magic.protocol.limits import Limits
from azml_magic.protocol.messages import ReleaseRun, StartRun
from azml_magic.runner.exchange import DYING_SECONDS, EVENT_BYTES, Exchange, WorkerEnded
from azml_magic.runner.job import Job, Received
from azml_magic.runner.outcome import BadReport, SuccessReport, read_report
from azml_magic.wire import Channel, EncodedFrame, WireError, receive_frame, send_frame


@dataclass(frozen=True)
class Heard:
    """What a worker said to one request, and what the module printed meanwhile."""

    received: Received
    stdout: str
    stderr: str


@dataclass(frozen=True)
class Question:
    """One call of the module.

    Attributes
    ----------
    datasets : dict of str to EncodedFrame
        By port.
    max_bytes : int
        Limit of one frame that comes back.
    text : str
        ``"str"`` or ``"object"``: what text columns come back as.
    seconds : float or None
        Time limit of this call, where it is less than that of the worker's other calls.
    on_begin : callable or None
        Called when the worker has all, before a line of the module runs.
    """

    datasets: dict[str, EncodedFrame]
    max_bytes: int
    text: str
    seconds: float | None = None
    on_begin: Callable[[], None] | None = None


class Conversation(Exchange):
    """The life of one serving worker.

    The monitor sees one long run. The time limit of a request is kept here, as the monitor
    does not know where one request ends and the next begins.

    Parameters
    ----------
    client : MonitorClient
        A ready monitor that no other run uses.
    seconds : float or None
        Time limit of loading the module and of each request.
    """

    def __init__(self, client: MonitorClient, seconds: float | None) -> None:
        super().__init__(client, None, None)
        self._seconds = seconds
        self._deadline = float("inf")
        self._channel = Channel(self._ours, wait=self._wait_for_data)

    @property
    def over(self) -> bool:
        """Whether the worker has ended, as far as the monitor has told by now, or with it."""
        try:
            self._serve_now()
        except (WorkerEnded, SandboxBroken):
            return True
        return self.received.ended is not None

    def begin(self, job: Job, limits: Limits) -> Heard:
        """Start the worker and have it load the module.

        Parameters
        ----------
        job : Job
            The module, without datasets.
        limits : Limits
            Of the worker's whole life.

        Returns
        -------
        Heard
            Without a report when the module is loaded and the worker is ready.
        """
        self.client.send(StartRun(limits), self._passed_on)
        self._close_passed_on()
        with self._hearing():
            self._channel.send_event(to_plain(job.header))
            for _, content in job.files:
                self._channel.send_bytes(content)
            self._await_begin(self._channel)
            event = self._channel.receive_event(EVENT_BYTES)
            if event != READY:
                self.received.report = read_report(event)
        return self._heard()

    def ask(self, question: Question) -> Heard:
        """Have the module called with some datasets."""
        self.received = Received(ended=self.received.ended)
        with self._hearing(question.seconds):
            self._refuse_what_nobody_asked()
            with self._channel.together():
                self._channel.send_event(to_plain(Call(tuple(question.datasets))))
                for frame in question.datasets.values():
                    send_frame(self._channel, frame)
            if self._channel.receive_event(EVENT_BYTES) != BEGUN:
                # Its module has run: what it would say now are not words of ours.
                raise BadReport("the worker spoke before it began")
            self.received.begun = True
            if question.on_begin is not None:
                question.on_begin()
            report = read_report(self._channel.receive_event(EVENT_BYTES))
            if isinstance(report, SuccessReport):
                for port, present in enumerate(report.outputs):
                    if present:
                        self.received.frames[port] = receive_frame(
                            self._channel, text=question.text, max_bytes=question.max_bytes
                        )
            self.received.report = report
        return self._heard()

    def end(self) -> None:
        """End the worker, wait until all of it is gone, and give the run folder back."""
        self._kill("recycled")
        self._wait_for_end()
        self.client.send(ReleaseRun())

    @contextlib.contextmanager
    def _hearing(self, seconds: float | None = None) -> Iterator[None]:
        """Keep the time limit; turn whatever the worker does wrong into its end."""
        limits = [limit for limit in (seconds, self._seconds) if limit is not None]
        if limits:
            self._deadline = time.monotonic() + min(limits)
        complete = False
        try:
            yield
            complete = True
        except (WireError, BadReport, MemoryError) as error:
            if self._worker_has_closed():
                self._await_end(DYING_SECONDS)
            else:
                self.received.refuse(error)
        except (WorkerEnded, OSError):
            self._await_end(DYING_SECONDS)  # the monitor tells why
        finally:
            self._deadline = float("inf")
            self._await_data(0)
        if not complete:
            self._kill("refused")
            self._wait_for_end()

    def _heard(self) -> Heard:
        self._serve_now()
        return Heard(self.received, self.streams["stdout"].take(), self.streams["stderr"].take())

    def _serve(self) -> bool:
        ready = super()._serve()
        if time.monotonic() > self._deadline:
            self._deadline = float("inf")
            self._kill("time")
        return ready

    def _serve_now(self) -> None:
        """Take what lies in the pipes and what the monitor has said, without waiting."""
        while ready := self._selector.select(0):
            for key, _ in ready:
                if key.data is not None:
                    key.data()

    def _worker_has_closed(self) -> bool:
        with contextlib.suppress(BlockingIOError):
            return not self._ours.recv(1, socket.MSG_PEEK)
        return False

    def _refuse_what_nobody_asked(self) -> None:
        with contextlib.suppress(BlockingIOError):
            if self._ours.recv(1, socket.MSG_PEEK):
                raise WireError("the worker spoke without being asked")
