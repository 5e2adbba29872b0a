"""One worker that keeps its module loaded, and answers call after call."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace

from azml_magic.errors import SandboxBroken
from azml_magic.executors.account import Account, Received
from azml_magic.executors.job import Job
from azml_magic.executors.link import DYING_SECONDS, Link, WorkerEnded
from azml_magic.executors.local import EVENT_BYTES, await_begin, receive_outputs
from azml_magic.executors.worker_report import BadReport, SuccessReport, read_report
from azml_magic.monitor.client import MonitorClient
from azml_magic.protocol.codec import to_plain
from azml_magic.protocol.job_header import BEGUN, READY, Call
from azml_magic.protocol.limits import Limits
from azml_magic.wire import EncodedFrame, WireError, send_frame


@dataclass(frozen=True)
class Question:
    """One call of the module.

    Attributes
    ----------
    frames : mapping of str to EncodedFrame
        By port.
    max_bytes : int
        Maximum size of each frame that is returned.
    text : str
        ``"str"`` or ``"object"``: the type of text columns that are returned.
    timeout : float or None
        Time limit of this call in seconds, if it is lower than that of the worker's other calls.
    on_begin : callable or None
        Called when the worker has received everything, before a line of the module runs.
    """

    frames: Mapping[str, EncodedFrame]
    max_bytes: int
    text: str
    timeout: float | None = None
    on_begin: Callable[[], None] | None = None


class KeptWorker:
    """One worker that answers many calls.

    To the monitor, they are one long run. The time limit of a call is enforced here, as the
    monitor does not know where one call ends and the next begins.

    Parameters
    ----------
    monitor : MonitorClient
        A monitor that is ready.
    timeout : float or None
        Time limit of loading the module and of each call, in seconds.
    """

    def __init__(self, monitor: MonitorClient, timeout: float | None) -> None:
        self.received = Received()
        self._link = Link(monitor)
        self._timeout = timeout

    @property
    def over(self) -> bool:
        """Whether the worker has ended, as far as the monitor has reported, or with the monitor."""
        try:
            self._link.serve_now()
        except (WorkerEnded, SandboxBroken):
            return True
        return self._link.ended is not None

    def begin(self, job: Job, calls: int, limits: Limits) -> Account:
        """Start the worker and have it load the module.

        Parameters
        ----------
        job : Job
            The module, without datasets.
        calls : int
            How many calls the worker answers.
        limits : Limits
            Those of the worker's whole lifetime.

        Returns
        -------
        Account
            Without a report if the module is loaded and the worker is ready.
        """
        channel = self._link.channel
        self._link.start(limits)
        with self._receiving():
            channel.send_event(to_plain(replace(job.header(), calls=calls)))
            for _, content in job.files:
                channel.send_bytes(content)
            await_begin(channel, self.received)
            event = channel.receive_event(EVENT_BYTES)
            if event != READY:
                self.received.report = read_report(event)
        return self._account()

    def ask(self, question: Question) -> Account:
        """Call the module with some datasets."""
        channel = self._link.channel
        self.received = Received(ended=self._link.ended)
        with self._receiving(question.timeout):
            if self._link.peek():
                raise WireError("the worker sent data without a request")
            with channel.together():
                channel.send_event(to_plain(Call(tuple(question.frames))))
                for frame in question.frames.values():
                    send_frame(channel, frame)
            if channel.receive_event(EVENT_BYTES) != BEGUN:
                # Its module has run, so what it says now may not come from this package.
                raise BadReport("the worker sent another event before the call began")
            self.received.begun = True
            if question.on_begin is not None:
                question.on_begin()
            report = read_report(channel.receive_event(EVENT_BYTES))
            if isinstance(report, SuccessReport):
                receive_outputs(
                    channel,
                    report,
                    self.received,
                    text=question.text,
                    max_bytes=question.max_bytes,
                )
            self.received.report = report
        return self._account()

    def end(self) -> None:
        """End the worker, and wait until all of its processes have ended."""
        self._link.kill("recycled")
        self._link.wait_for_end()

    def close(self) -> None:
        """Release all descriptors, and the run folder."""
        self._link.close()

    @contextlib.contextmanager
    def _receiving(self, timeout: float | None = None) -> Iterator[None]:
        """Enforce the time limit; end the worker if it does anything wrong."""
        limits = [limit for limit in (timeout, self._timeout) if limit is not None]
        self._link.kill_after(min(limits, default=None))
        complete = False
        try:
            yield
            complete = True
        except (WireError, BadReport, MemoryError) as error:
            if self._link.peek() == b"":
                self._link.await_end(DYING_SECONDS)
            else:
                self.received.refuse(error)
        except (WorkerEnded, OSError):
            self._link.await_end(DYING_SECONDS)  # the monitor reports why
        finally:
            self._link.kill_after(None)
            self._link.stop_waiting_for_data()
        if not complete:
            self._link.kill("refused")
            self._link.wait_for_end()

    def _account(self) -> Account:
        self._link.serve_now()
        self.received.ended = self._link.ended
        streams = self._link.streams
        return Account(self.received, streams["stdout"].take(), streams["stderr"].take())
