"""The notebook's side of one run: send the job, pump output, take reports.

One loop in the calling thread waits for everything at once, so that output streams while
frames travel and an interrupt reaches it anywhere.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import selectors
import socket
import time
from collections.abc import Callable

from azml_magic.errors import SandboxBroken
from azml_magic.monitor.client import MonitorClient
from azml_magic.protocol.codec import to_plain
from azml_magic.protocol.messages import Broken, KillRun, PrepareWorker, RunEnded, StartRun
from azml_magic.runner.job import Job, Received
from azml_magic.runner.outcome import BadReport, SuccessReport, read_begin, read_report
from azml_magic.runner.streams import Stream
from azml_magic.wire import (
    Channel,
    ChannelClosed,
    WireError,
    pipe,
    receive_frame,
    send_frame,
)

READ_BYTES = 1 << 20
TICK_SECONDS = 0.25
EVENT_BYTES = 4 << 20
SOCKET_BYTES = 1 << 20
LOOK_SECONDS = 0.005
END_SECONDS = 60.0
HURRIED_SECONDS = 0.05
"""A run that began so soon after the one before is likely followed as soon by the next."""
DYING_SECONDS = 2.0
"""How long a worker that closed its data socket may take to end before it is killed."""


class WorkerEnded(Exception):
    """The worker is gone, so nothing more will come over the data socket."""


class Exchange:
    """Carries one job to a worker and what it makes of it back.

    Parameters
    ----------
    client : MonitorClient
        A ready monitor that no other run uses.
    on_output : callable or None
        Called with the stream's name and whole lines.
    on_tick : callable or None
        Called with the seconds since the start, a few times a second.
    """

    def __init__(
        self,
        client: MonitorClient,
        on_output: Callable[[str, str], None] | None,
        on_tick: Callable[[float], None] | None,
    ) -> None:
        self.client = client
        self.on_tick = on_tick
        self.streams = {name: Stream(name, on_output) for name in ("stdout", "stderr")}
        self.received = Received()
        self.folder = ""
        self.started = time.monotonic()
        self._hurried = self.started - client.idle_since < HURRIED_SECONDS
        self._ticked = self.started
        # Not by epoll: a run of the same person could have used up what it takes of a counter.
        self._selector = selectors.PollSelector()
        self._ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_STREAM)
        self._ours.setblocking(False)
        for end in (self._ours, theirs):
            for option in (socket.SO_SNDBUF, socket.SO_RCVBUF):
                end.setsockopt(socket.SOL_SOCKET, option, SOCKET_BYTES)
        self._passed_on = [theirs.detach()]
        self._pipe: pipe.PipeWriter | None = None
        self._pipe_ends: list[int] = []
        self._awaited = 0
        self._look_at = 0.0
        for stream in self.streams.values():
            self._open_pipe(stream)
        self._selector.register(client.socket, selectors.EVENT_READ, self._on_monitor)

    def carry(self, job: Job) -> Received:
        """Run the job to its end, however it ends.

        Returns
        -------
        Received
            The worker's report and frames, and the monitor's account of its end.
        """
        try:
            self._offer_pipe(job)
            self.client.send(StartRun(job.header.options.limits()), self._passed_on)
            self._close_passed_on()
            try:
                try:
                    self._converse(job)
                finally:
                    self._await_data(0)
                self._await_end(DYING_SECONDS)
                # All has come; what the worker's processes still do is of no use.
                self._kill("overdue")
            except (WorkerEnded, ChannelClosed, ConnectionError):
                self._hear_obstacle()
                self._let_it_end()
            except (WireError, BadReport, MemoryError) as error:
                self.received.refuse(error)
                self._kill("refused")
            self._wait_for_end()
        except KeyboardInterrupt:
            self.received.interrupted = True
            self._kill("interrupt")
            self._wait_for_end()
        for stream in self.streams.values():
            stream.close()
        return self.received

    def close(self) -> None:
        """Give every descriptor back."""
        self._close_passed_on()
        self._close_pipe()
        for key in list(self._selector.get_map().values()):
            if isinstance(key.fileobj, int):
                os.close(key.fileobj)
        self._selector.close()
        self._ours.close()

    def _converse(self, job: Job) -> None:
        options = job.header.options
        channel = Channel(self._ours, wait=self._wait_for_data)
        channel.send_event(to_plain(job.header))
        for frame in job.datasets.values():
            send_frame(channel, frame, self._pipe)
        self._close_pipe()
        for _, content in job.files:
            channel.send_bytes(content)
        self._await_begin(channel)
        report = read_report(channel.receive_event(EVENT_BYTES))
        if self._hurried:
            # Making the next worker while this one ends slows both down, but a little less
            # than making one after the other.
            self.client.send(PrepareWorker(options.limits()))
        if isinstance(report, SuccessReport):
            for port, present in enumerate(report.outputs):
                if present:
                    self.received.frames[port] = receive_frame(
                        channel, text="str", max_bytes=options.frame_bytes
                    )
        self.received.report = report

    def _await_begin(self, channel: Channel) -> None:
        """Wait until the module begins; from then on what goes wrong is the module's."""
        self.received.obstacle = read_begin(channel.receive_event(EVENT_BYTES))
        if self.received.obstacle is not None:
            raise WorkerEnded
        self.received.begun = True

    def _hear_obstacle(self) -> None:
        """Learn from a worker that did not take the whole job what it said before it ended."""

        def nothing_more(descriptor: int, writing: bool) -> None:
            raise WorkerEnded

        if not self.received.begun and self.received.obstacle is None:
            with contextlib.suppress(WorkerEnded, WireError, BadReport, OSError):
                self._await_begin(Channel(self._ours, wait=nothing_more))

    def _wait_for_data(self, descriptor: int, writing: bool) -> None:
        """Serve everything else until the data socket can go on."""
        self._await_data(selectors.EVENT_WRITE if writing else selectors.EVENT_READ)
        while not self._serve():
            if self.received.ended:
                self._check_nothing_left(writing)

    def _await_data(self, event: int) -> None:
        """Have the selector tell of the data socket; it stays so, as much comes in many pieces."""
        if event == self._awaited:
            return
        if not self._awaited:
            self._selector.register(self._ours, event, None)
        elif event:
            self._selector.modify(self._ours, event, None)
        else:
            self._selector.unregister(self._ours)
        self._awaited = event

    def _check_nothing_left(self, writing: bool) -> None:
        """After the worker's end, only what already lies in the socket can still be read."""
        if writing:
            raise WorkerEnded
        with contextlib.suppress(BlockingIOError):
            if self._ours.recv(1, socket.MSG_PEEK):
                return
        raise WorkerEnded

    def _let_it_end(self) -> None:
        """After the worker closed its end: its own way of ending is the news, not our kill."""
        self._await_end(DYING_SECONDS)
        if not self.received.ended:
            self.received.refusal = "the data socket was closed while the module ran on"
            self._kill("refused")

    def _await_end(self, seconds: float) -> None:
        deadline = time.monotonic() + seconds
        while not self.received.ended and time.monotonic() < deadline:
            self._serve()

    def _wait_for_end(self) -> None:
        """Wait for the monitor's account, and for the last of the output.

        Every process of the run is about to end, or has been told to: a monitor that does
        not say so in time is itself broken.
        """
        deadline = time.monotonic() + END_SECONDS
        while not self.received.ended or self._open_pipes():
            self._serve()
            if time.monotonic() > deadline:
                raise SandboxBroken(
                    "the monitor did not report the end of the run",
                    "run the cell again; it will use a new monitor",
                )

    def _serve(self) -> bool:
        """Wait until something is ready, or a moment; return whether the data socket is."""
        return self._handle(TICK_SECONDS)

    def _handle(self, seconds: float) -> bool:
        ready = False
        for key, _ in self._selector.select(seconds):
            if key.data is None:
                ready = True
            else:
                key.data()
        now = time.monotonic()
        if self.on_tick is not None and now - self._ticked >= TICK_SECONDS:
            self._ticked = now
            self.on_tick(now - self.started)
        return ready

    def _on_monitor(self) -> None:
        message = self.client.receive()
        if isinstance(message, RunEnded):
            self.folder = message.folder
            self.received.ended = message
        elif isinstance(message, Broken):
            self.received.ended = message
            # It has told why, and its end tells nothing more.
            self._selector.unregister(self.client.socket)

    def _kill(self, reason: str) -> None:
        if not self.received.ended:
            self.client.send(KillRun(reason))

    def _open_pipe(self, stream: Stream) -> None:
        ours, theirs = os.pipe()
        os.set_blocking(ours, False)
        with contextlib.suppress(OSError):
            fcntl.fcntl(ours, fcntl.F_SETPIPE_SZ, READ_BYTES)
        self._passed_on.append(theirs)

        def drain() -> None:
            data = os.read(ours, READ_BYTES)
            stream.feed(data)
            if not data:
                self._selector.unregister(ours)
                os.close(ours)

        self._selector.register(ours, selectors.EVENT_READ, drain)

    def _offer_pipe(self, job: Job) -> None:
        """Make the pipes for large frames, where there can be some."""
        if any(frame.can_be_lent for frame in job.datasets.values()):
            pipes = pipe.make()
            if pipes is not None:
                self._pipe_ends = pipes.writing
                self._passed_on += pipes.reading
                self._pipe = pipe.PipeWriter(pipes.writing, self._look)

    def _look(self) -> None:
        """Serve what is ready, a few hundred times a second at most."""
        if time.monotonic() >= self._look_at:
            self._handle(0.0)
            self._look_at = time.monotonic() + LOOK_SECONDS

    def _close_pipe(self) -> None:
        self._pipe = None
        while self._pipe_ends:
            os.close(self._pipe_ends.pop())

    def _open_pipes(self) -> bool:
        return any(isinstance(key.fileobj, int) for key in self._selector.get_map().values())

    def _close_passed_on(self) -> None:
        while self._passed_on:
            os.close(self._passed_on.pop())
