"""Jobs in a confined worker of their own."""

from __future__ import annotations

import contextlib
import time
from dataclasses import dataclass
from pathlib import Path

from azml_magic.errors import SandboxBroken
from azml_magic.executors import images
from azml_magic.executors.account import Account, Received
from azml_magic.executors.execution import Callbacks
from azml_magic.executors.job import Job
from azml_magic.executors.link import DYING_SECONDS, Cancelled, Link, WorkerEnded
from azml_magic.executors.worker_report import BadReport, SuccessReport, read_begin, read_report
from azml_magic.monitor import shared_monitors
from azml_magic.monitor.client import MonitorClient
from azml_magic.protocol.codec import to_plain
from azml_magic.protocol.messages import PrepareWorker
from azml_magic.wire import Channel, ChannelClosed, WireError, receive_frame, send_frame

EVENT_BYTES = 4 << 20
HURRIED_SECONDS = 0.05
"""A run that began so soon after the one before is likely followed as soon by the next."""


class LocalExecutor:
    """Runs each job in a worker of its own, confined as its options say."""

    def start(self, job: Job, callbacks: Callbacks = Callbacks()) -> LocalExecution:
        """Return the execution of a job; it begins when it is waited for."""
        return LocalExecution(job, callbacks)


@dataclass(frozen=True)
class _Carried:
    """What came of one attempt to run a job."""

    received: Received
    stdout: str
    stderr: str
    images: images.Images
    confinement: str


class LocalExecution:
    """One job in a worker of its own.

    Parameters
    ----------
    job : Job
        What to run.
    callbacks : Callbacks
        What is called while it runs.
    """

    def __init__(self, job: Job, callbacks: Callbacks) -> None:
        self._job = job
        self._callbacks = callbacks
        self._link: Link | None = None
        self._cancelled = False

    def wait(self) -> Account:
        """Run the job to its end, however it ends."""
        started = time.perf_counter()
        if self._callbacks.on_start is not None:
            self._callbacks.on_start(self)
        carried = self._carry(last=False) or self._carry(last=True)
        assert carried is not None
        return Account(
            received=carried.received,
            stdout=carried.stdout,
            stderr=carried.stderr,
            images=carried.images,
            findings=self._job.inputs.findings,
            seconds=time.perf_counter() - started,
            confinement=carried.confinement,
            limits=self._job.options.limits(),
        )

    def cancel(self) -> None:
        """End the run, from any thread."""
        self._cancelled = True
        link = self._link
        if link is not None:
            link.cancel()

    def _carry(self, *, last: bool) -> _Carried | None:
        """Have a worker run the job; None when none could, and it is worth another attempt.

        Another attempt is made once, with another monitor, when nothing of the module has run: a
        process was killed, or the machine had no room for one just then.
        """
        received = Received()
        try:
            with shared_monitors.acquired(self._job.options.access()) as monitor:
                carried = self._carry_by(monitor, received)
                if not last and received.is_worth_another_attempt:
                    monitor.retire()
                    return None
                return carried
        except SandboxBroken:
            if received.begun or last:
                raise
            return None

    def _carry_by(self, monitor: MonitorClient, received: Received) -> _Carried:
        link = self._link = Link(monitor, self._callbacks)
        try:
            if self._cancelled:
                # Before anything was sent: no worker is asked, as it might be faster than the kill.
                received.interrupted = True
            else:
                _converse_to_the_end(link, self._job, received)
            received.ended = link.ended
            collected = self._collect(link, received)
        finally:
            self._link = None
            link.close()
        return _Carried(
            received=received,
            stdout=link.streams["stdout"].text(),
            stderr=link.streams["stderr"].text(),
            images=collected,
            confinement=monitor.confinement,
        )

    def _collect(self, link: Link, received: Received) -> images.Images:
        if not link.folder:
            return images.NO_IMAGES
        report = received.report if isinstance(received.report, SuccessReport) else None
        return images.collect(Path(link.folder), self._job.profile, report)


def _converse_to_the_end(link: Link, job: Job, received: Received) -> None:
    """Carry the job to a worker and what it makes of it back, until all of the run has ended."""
    hurried = _is_hurried(link.monitor)
    try:
        try:
            try:
                _converse(link, job, received, hurried=hurried)
            finally:
                link.stop_waiting_for_data()
            link.await_end(DYING_SECONDS)
            # All has come; what the worker's processes still do is of no use.
            link.kill("overdue")
        except (WorkerEnded, ChannelClosed, ConnectionError):
            _hear_obstacle(link, received)
            _let_it_end(link, received)
        except (WireError, BadReport, MemoryError) as error:
            received.refuse(error)
            link.kill("refused")
        link.wait_for_end()
    except (KeyboardInterrupt, Cancelled):
        received.interrupted = True
        link.kill("interrupt")
        link.wait_for_end()
    for stream in link.streams.values():
        stream.close()


def _converse(link: Link, job: Job, received: Received, *, hurried: bool) -> None:
    frames, options, channel = job.inputs.frames, job.options, link.channel
    pipe = link.lend() if any(frame.can_be_lent for frame in frames.values()) else None
    link.start(options.limits())
    channel.send_event(to_plain(job.header()))
    for frame in frames.values():
        send_frame(channel, frame, pipe)
    link.end_lending()
    for _, content in job.files:
        channel.send_bytes(content)
    await_begin(channel, received)
    report = read_report(channel.receive_event(EVENT_BYTES))
    if hurried:
        # Making the next worker while this one ends slows both down, but a little less
        # than making one after the other.
        link.monitor.send(PrepareWorker(options.limits()))
    if isinstance(report, SuccessReport):
        receive_outputs(channel, report, received, text="str", max_bytes=options.frame_bytes)
    received.report = report


def await_begin(channel: Channel, received: Received) -> None:
    """Wait until the module begins; from then on what goes wrong is the module's.

    Raises
    ------
    WorkerEnded
        When it cannot begin.
    """
    received.obstacle = read_begin(channel.receive_event(EVENT_BYTES))
    if received.obstacle is not None:
        raise WorkerEnded
    received.begun = True


def receive_outputs(
    channel: Channel, report: SuccessReport, received: Received, *, text: str, max_bytes: int
) -> None:
    """Take the frames that follow a report."""
    for port, present in enumerate(report.outputs):
        if present:
            received.frames[port] = receive_frame(channel, text=text, max_bytes=max_bytes)


def _is_hurried(monitor: MonitorClient) -> bool:
    return time.monotonic() - monitor.idle_since < HURRIED_SECONDS


def _hear_obstacle(link: Link, received: Received) -> None:
    """Learn from a worker that did not take the whole job what it said before it ended."""
    if not received.begun and received.obstacle is None:
        with contextlib.suppress(WorkerEnded, WireError, BadReport, OSError):
            await_begin(link.left_over(), received)


def _let_it_end(link: Link, received: Received) -> None:
    """After the worker closed its end: its own way of ending is the news, not our kill."""
    link.await_end(DYING_SECONDS)
    if link.ended is None:
        received.refusal = "the data socket was closed while the module ran on"
        link.kill("refused")
