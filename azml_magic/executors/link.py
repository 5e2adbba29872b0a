"""The notebook's side of a worker: its data socket, its output, and what the monitor says of it.

One loop in the calling thread waits for everything at once, so that output streams while frames
travel, and an interrupt reaches it anywhere.
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
    """The worker is gone, so nothing more will come over the data socket."""


class Cancelled(Exception):
    """The execution was cancelled from another thread."""


class Link:
    """A run's data socket and output pipes, and the monitor that looks after it.

    Parameters
    ----------
    monitor : MonitorClient
        A monitor that is ready.
    callbacks : Callbacks
        What is called while the run goes on.

    Attributes
    ----------
    channel : Channel
        Over the data socket.
    streams : dict of str to Stream
        What was printed.
    ended : RunEnded, Broken or None
        The monitor's account of the end; None while it goes on.
    """

    def __init__(self, monitor: MonitorClient, callbacks: Callbacks = Callbacks()) -> None:
        self.monitor = monitor
        self._run: MonitoredRun | None = None
        self.ended: RunEnded | Broken | None = None
        self.streams = {name: Stream(name, callbacks.on_output) for name in ("stdout", "stderr")}
        self._on_tick = callbacks.on_tick
        self._started = self._ticked = time.monotonic()
        # Not by epoll: a run of the same person could have used up what it takes of a counter.
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
        self._cancelled = self._told = False
        self._wake, self._alarm = socket.socketpair()
        self._selector.register(self._wake, selectors.EVENT_READ, self._on_alarm)
        for stream in self.streams.values():
            self._open_pipe(stream)

    @property
    def folder(self) -> str:
        """The run folder; empty while the run goes on."""
        return self.ended.folder if isinstance(self.ended, RunEnded) else ""

    def lend(self) -> pipe.PipeWriter | None:
        """Make the pipes for large frames, where there can be some; before the run starts."""
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
        """Have a worker take the other ends."""
        self._run = MonitoredRun(self.monitor, limits, self._passed_on)
        self._selector.register(self._run.socket, selectors.EVENT_READ, self._on_end)
        self._close_passed_on()

    def cancel(self) -> None:
        """Have the waiting thread raise :class:`Cancelled`, once; from any thread."""
        with contextlib.suppress(OSError):
            self._alarm.send(b"c")

    def kill_after(self, seconds: float | None) -> None:
        """Have the run ended when so much time has passed; None for never."""
        self._deadline = float("inf") if seconds is None else time.monotonic() + seconds

    def kill(self, reason: str) -> None:
        """End the run, unless it has ended."""
        if self._run is not None and self.ended is None:
            self._run.kill(reason)

    def serve_now(self) -> None:
        """Take what lies in the pipes and what the monitor has said, without waiting."""
        while ready := self._selector.select(0):
            for key, _ in ready:
                if key.data is not None:
                    key.data()

    def stop_waiting_for_data(self) -> None:
        """Hear no more of the data socket."""
        self._await_data(0)

    def await_end(self, seconds: float) -> None:
        """Wait for the monitor's account, for a while."""
        deadline = time.monotonic() + seconds
        while self.ended is None and time.monotonic() < deadline:
            self._serve()

    def wait_for_end(self) -> None:
        """Wait for the monitor's account, and for the last of the output.

        Every process of the run is about to end, or has been told to: a monitor that does
        not say so in time is itself broken.
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
        """Return the next byte of the data socket; empty at its end, None when there is none."""
        with contextlib.suppress(BlockingIOError):
            return self._ours.recv(1, socket.MSG_PEEK)
        return None

    def left_over(self) -> Channel:
        """Return a channel to what lies in the data socket, which waits for nothing more."""

        def nothing_more(descriptor: int, writing: bool) -> None:
            raise WorkerEnded

        return Channel(self._ours, wait=nothing_more)

    def close(self) -> None:
        """Give every descriptor back, and the run folder; what still runs is killed."""
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
        """Serve everything else until the data socket can go on."""
        self._await_data(selectors.EVENT_WRITE if writing else selectors.EVENT_READ)
        while not self._serve():
            # After the worker's end, only what already lies in the socket can still be read.
            if self.ended is not None and (writing or not self.peek()):
                raise WorkerEnded

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

    def _serve(self) -> bool:
        """Wait until something is ready, or a moment; return whether the data socket is."""
        ready = self._handle(TICK_SECONDS)
        if time.monotonic() > self._deadline:
            self._deadline = float("inf")
            self.kill("time")
        if self._cancelled and not self._told:
            self._told = True
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
        """Serve what is ready, a few hundred times a second at most."""
        if time.monotonic() >= self._look_at:
            self._handle(0.0)
            self._look_at = time.monotonic() + LOOK_SECONDS

    def _on_alarm(self) -> None:
        self._wake.recv(64)
        self._cancelled = True

    def _on_end(self) -> None:
        assert self._run is not None
        self.ended = self._run.receive()
        # What follows is the end of the monitor, if anything, and of no interest.
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
