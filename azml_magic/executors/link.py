"""The notebook's side of a worker: its data socket, its output, and the monitor's report.

One loop in the calling thread waits for everything at once, so that output is streamed while
frames are transferred, and an interrupt takes effect at any point.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import selectors
import socket
import time

from azml_magic.errors import SandboxBroken
from azml_magic.executors.execution import Callbacks
from azml_magic.executors.streams import Stream
from azml_magic.monitor.client import MonitorClient, MonitoredRun
from azml_magic.protocol.limits import Limits
from azml_magic.protocol.messages import Broken, RunEnded
from azml_magic.wire import Channel, pipe

READ_BYTES = 1 << 20
TICK_SECONDS = 0.25
SOCKET_BYTES = 1 << 20
LOOK_SECONDS = 0.005
END_SECONDS = 60.0
DYING_SECONDS = 2.0
"""How long a worker that closed its data socket may take to end before it is killed."""


class WorkerEnded(Exception):
    """The worker has ended, so nothing more will arrive on the data socket."""


class Cancelled(Exception):
    """The execution was cancelled from another thread."""


class Link:
    """A run's data socket and output pipes, and the monitor that supervises it.

    Parameters
    ----------
    monitor : MonitorClient
        A monitor that is ready.
    callbacks : Callbacks
        What to call during the run.

    Attributes
    ----------
    channel : Channel
        Over the data socket.
    streams : dict of str to Stream
        What was printed.
    ended : RunEnded, Broken or None
        The monitor's report of the end; None while the run goes on.
    """

    def __init__(self, monitor: MonitorClient, callbacks: Callbacks = Callbacks()) -> None:
        self.monitor = monitor
        self._run: MonitoredRun | None = None
        self.ended: RunEnded | Broken | None = None
        self.streams = {name: Stream(name, callbacks.on_output) for name in ("stdout", "stderr")}
        self._on_tick = callbacks.on_tick
        self._started = self._ticked = time.monotonic()
        # Not epoll: it counts against a limit per user, which a run could have exhausted.
        self._selector = selectors.PollSelector()
        self._ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_STREAM)
        self._ours.setblocking(False)
        for end in (self._ours, theirs):
            for option in (socket.SO_SNDBUF, socket.SO_RCVBUF):
                end.setsockopt(socket.SOL_SOCKET, option, SOCKET_BYTES)
        self.channel = Channel(self._ours, wait=self._wait_for_data)
        self._passed_on = [theirs.detach()]
        self._lent: list[int] = []
        self._awaited = 0
        self._look_at = 0.0
        self._deadline = float("inf")
        self._cancelled = self._has_raised = False
        self._wake, self._alarm = socket.socketpair()
        self._selector.register(self._wake, selectors.EVENT_READ, self._on_alarm)
        for stream in self.streams.values():
            self._open_pipe(stream)

    @property
    def folder(self) -> str:
        """The run folder; empty while the run goes on."""
        return self.ended.folder if isinstance(self.ended, RunEnded) else ""

    def lend(self) -> pipe.PipeWriter | None:
        """Create the pipes for large frames, if possible; to be called before the run starts."""
        pipes = pipe.make()
        if pipes is None:
            return None
        self._lent = pipes.writing
        self._passed_on += pipes.reading
        return pipe.PipeWriter(pipes.writing, self._look)

    def end_lending(self) -> None:
        """Close the pipes for large frames."""
        while self._lent:
            os.close(self._lent.pop())

    def start(self, limits: Limits) -> None:
        """Start the run in a worker, which receives the other ends."""
        self._run = MonitoredRun(self.monitor, limits, self._passed_on)
        self._selector.register(self._run.socket, selectors.EVENT_READ, self._on_end)
        self._close_passed_on()

    def cancel(self) -> None:
        """Make the waiting thread raise :class:`Cancelled`, once; can be called from any thread."""
        with contextlib.suppress(OSError):
            self._alarm.send(b"c")

    def kill_after(self, seconds: float | None) -> None:
        """Kill the run when this much time has passed; None for never."""
        self._deadline = float("inf") if seconds is None else time.monotonic() + seconds

    def kill(self, reason: str) -> None:
        """Kill the run, unless it has ended."""
        if self._run is not None and self.ended is None:
            self._run.kill(reason)

    def serve_now(self) -> None:
        """Process what is in the pipes and what the monitor has reported, without waiting."""
        while ready := self._selector.select(0):
            for key, _ in ready:
                if key.data is not None:
                    key.data()

    def stop_waiting_for_data(self) -> None:
        """Stop watching the data socket."""
        self._await_data(0)

    def await_end(self, seconds: float) -> None:
        """Wait for the monitor's report, for some seconds."""
        deadline = time.monotonic() + seconds
        while self.ended is None and time.monotonic() < deadline:
            self._serve()

    def wait_for_end(self) -> None:
        """Wait for the monitor's report, and for the rest of the output.

        Every process of the run is about to end, or to be killed: a monitor that does not
        report this in time is itself broken.
        """
        if self._run is None:
            return
        deadline = time.monotonic() + END_SECONDS
        while self.ended is None or self._open_pipes():
            self._serve()
            if time.monotonic() > deadline:
                raise SandboxBroken(
                    "the monitor did not report the end of the run",
                    "run the cell again; it will use a new monitor",
                )

    def peek(self) -> bytes | None:
        """Return the next byte of the data socket; empty at its end, None if none is there."""
        with contextlib.suppress(BlockingIOError):
            return self._ours.recv(1, socket.MSG_PEEK)
        return None

    def left_over(self) -> Channel:
        """Return a channel to what is already in the data socket, which does not wait for more."""

        def nothing_more(descriptor: int, writing: bool) -> None:
            raise WorkerEnded

        return Channel(self._ours, wait=nothing_more)

    def close(self) -> None:
        """Release all descriptors, and the run folder; what still runs is killed."""
        if self._run is not None:
            self._run.close()
        self._close_passed_on()
        self.end_lending()
        for key in list(self._selector.get_map().values()):
            if isinstance(key.fileobj, int):
                os.close(key.fileobj)
        self._selector.close()
        for endpoint in (self._ours, self._wake, self._alarm):
            endpoint.close()

    def _wait_for_data(self, descriptor: int, writing: bool) -> None:
        """Serve everything else until the data socket is ready."""
        self._await_data(selectors.EVENT_WRITE if writing else selectors.EVENT_READ)
        while not self._serve():
            # After the worker has ended, only what is already in the socket can be read.
            if self.ended is not None and (writing or not self.peek()):
                raise WorkerEnded

    def _await_data(self, event: int) -> None:
        """Watch the data socket; this is not undone, as large data arrive in many pieces."""
        if event == self._awaited:
            return
        if not self._awaited:
            self._selector.register(self._ours, event, None)
        elif event:
            self._selector.modify(self._ours, event, None)
        else:
            self._selector.unregister(self._ours)
        self._awaited = event

    def _serve(self) -> bool:
        """Wait briefly until something is ready; return whether the data socket is."""
        ready = self._handle(TICK_SECONDS)
        if time.monotonic() > self._deadline:
            self._deadline = float("inf")
            self.kill("time")
        if self._cancelled and not self._has_raised:
            self._has_raised = True
            raise Cancelled
        return ready

    def _handle(self, seconds: float) -> bool:
        ready = False
        for key, _ in self._selector.select(seconds):
            if key.data is None:
                ready = True
            else:
                key.data()
        now = time.monotonic()
        if self._on_tick is not None and now - self._ticked >= TICK_SECONDS:
            self._ticked = now
            self._on_tick(now - self._started)
        return ready

    def _look(self) -> None:
        """Serve what is ready, at most a few hundred times a second."""
        if time.monotonic() >= self._look_at:
            self._handle(0.0)
            self._look_at = time.monotonic() + LOOK_SECONDS

    def _on_alarm(self) -> None:
        self._wake.recv(64)
        self._cancelled = True

    def _on_end(self) -> None:
        assert self._run is not None
        self.ended = self._run.receive()
        # If anything follows, it is the end of the monitor, which no longer matters.
        self._selector.unregister(self._run.socket)

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

    def _open_pipes(self) -> bool:
        return any(isinstance(key.fileobj, int) for key in self._selector.get_map().values())

    def _close_passed_on(self) -> None:
        while self._passed_on:
            os.close(self._passed_on.pop())
