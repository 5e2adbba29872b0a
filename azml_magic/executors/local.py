"""Jobs that each run in a separate confined worker."""

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
"""A run that begins this soon after the previous one is probably followed as soon by the next."""


class LocalExecutor:
    """Runs each job in a separate worker, confined as its options require."""

    def start(self, job: Job, callbacks: Callbacks = Callbacks()) -> LocalExecution:
        """Return the execution of a job; it begins when it is waited for."""
        return LocalExecution(job, callbacks)


@dataclass(frozen=True)
class _Attempt:
    """The outcome of one attempt to run a job."""

    received: Received
    stdout: str
    stderr: str
    images: images.Images
    confinement: str


class LocalExecution:
    """One job in a separate worker.

    Parameters
    ----------
    job : Job
        What to run.
    callbacks : Callbacks
        What to call during the run.
    """

    def __init__(self, job: Job, callbacks: Callbacks) -> None:
        self._job = job
        self._callbacks = callbacks
        self._link: Link | None = None
        self._cancelled = False

    def wait(self) -> Account:
        """Run the job to its end, whatever its outcome."""
        started = time.perf_counter()
        if self._callbacks.on_start is not None:
            self._callbacks.on_start(self)
        attempt = self._attempt(last=False) or self._attempt(last=True)
        assert attempt is not None
        return Account(
            received=attempt.received,
            stdout=attempt.stdout,
            stderr=attempt.stderr,
            images=attempt.images,
            findings=self._job.inputs.findings,
            seconds=time.perf_counter() - started,
            confinement=attempt.confinement,
            limits=self._job.options.limits(),
        )

    def cancel(self) -> None:
        """End the run, from any thread."""
        self._cancelled = True
        link = self._link
        if link is not None:
            link.cancel()

    def _attempt(self, *, last: bool) -> _Attempt | None:
        """Run the job in a worker; None if that failed and another attempt is worthwhile.

        Another attempt is made once, with another monitor, if nothing of the module has run: a
        process was killed, or the machine had no room for one at that moment.
        """
        received = Received()
        try:
            with shared_monitors.acquired(self._job.options.access()) as monitor:
                attempt = self._attempt_with(monitor, received)
                if not last and received.is_worth_another_attempt:
                    monitor.retire()
                    return None
                return attempt
        except SandboxBroken:
            if received.begun or last:
                raise
            return None

    def _attempt_with(self, monitor: MonitorClient, received: Received) -> _Attempt:
        link = self._link = Link(monitor, self._callbacks)
        try:
            if self._cancelled:
                # Nothing was sent yet. No worker is used, as it might be faster than the kill.
                received.interrupted = True
            else:
                _run_to_the_end(link, self._job, received)
            received.ended = link.ended
            collected = self._collect(link, received)
        finally:
            self._link = None
            link.close()
        return _Attempt(
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


def _run_to_the_end(link: Link, job: Job, received: Received) -> None:
    """Exchange a job and its outcome with a worker, until all of the run has ended."""
    quick = _follows_quickly(link.monitor)
    try:
        try:
            try:
                _exchange(link, job, received, quick=quick)
            finally:
                link.stop_waiting_for_data()
            link.await_end(DYING_SECONDS)
            # Everything has arrived; what the worker's processes still do is not needed.
            link.kill("overdue")
        except (WorkerEnded, ChannelClosed, ConnectionError):
            _read_obstacle(link, received)
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


def _exchange(link: Link, job: Job, received: Received, *, quick: bool) -> None:
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
    if quick:
        # Preparing the next worker while this one ends slows both down, but takes a little less
        # time than one after the other.
        link.monitor.send(PrepareWorker(options.limits()))
    if isinstance(report, SuccessReport):
        receive_outputs(channel, report, received, text="str", max_bytes=options.frame_bytes)
    received.report = report


def await_begin(channel: Channel, received: Received) -> None:
    """Wait until the module begins; from then on, what goes wrong is attributed to it.

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
    """Receive the frames that follow a report."""
    for port, present in enumerate(report.outputs):
        if present:
            received.frames[port] = receive_frame(channel, text=text, max_bytes=max_bytes)


def _follows_quickly(monitor: MonitorClient) -> bool:
    """Return whether this run quickly follows the previous one of its monitor."""
    return time.monotonic() - monitor.idle_since < HURRIED_SECONDS


def _read_obstacle(link: Link, received: Received) -> None:
    """Read what a worker that did not take the whole job reported before it ended."""
    if not received.begun and received.obstacle is None:
        with contextlib.suppress(WorkerEnded, WireError, BadReport, OSError):
            await_begin(link.left_over(), received)


def _let_it_end(link: Link, received: Received) -> None:
    """Wait for a worker that closed its socket, so that its own end is reported, not a kill."""
    link.await_end(DYING_SECONDS)
    if link.ended is None:
        received.refusal = "the data socket was closed while the module was still running"
        link.kill("refused")
