"""Connections with a time limit for the headers of a request."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from http import HTTPStatus

import h11
from starlette.responses import Response
from uvicorn.protocols.http.h11_impl import H11Protocol


class Connections:
    """The connections of a server; when there are too many, a silent one is closed.

    Parameters
    ----------
    most : int
        The maximum number of connections.
    """

    def __init__(self, most: int) -> None:
        self._most = most
        # Oldest first.
        self._open: dict[TimedConnection, None] = {}

    def add(self, connection: TimedConnection) -> None:
        """Add a new connection; if there are too many, close the oldest that is silent, if any."""
        self._open[connection] = None
        if len(self._open) > self._most:
            silent = [other for other in self._open if other.silent and other is not connection]
            unused = [other for other in silent if not other.used]
            # Connections already used come last: the next request of their client would be lost.
            for other in (unused or silent)[:1]:
                other.transport.abort()
                self._open.pop(other)

    def discard(self, connection: TimedConnection) -> None:
        """Remove a connection."""
        self._open.pop(connection, None)


class TimedConnection(H11Protocol):
    """A connection with a time limit for headers, which the library lacks.

    Between two requests, the library's own limit for idle connections applies until the first
    byte of the next request arrives.
    """

    header_seconds: float
    slow: Callable[[], Response]
    all_open: Connections
    used = False
    """Whether a request has been answered on it."""
    _limit: asyncio.TimerHandle | None = None
    _unread: asyncio.TimerHandle | None = None

    @property
    def silent(self) -> bool:
        """Whether no request is being processed."""
        return self.cycle is None or self.cycle.response_complete

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Start the time limit for the first request."""
        super().connection_made(transport)
        self.all_open.add(self)
        self._watch()

    def data_received(self, data: bytes) -> None:
        """Process data, then start or stop the time limit for headers."""
        super().data_received(data)
        self._watch()

    def connection_lost(self, exc: Exception | None) -> None:
        """Stop all time limits."""
        self._unwatch()
        self._has_read()
        self.all_open.discard(self)
        super().connection_lost(exc)

    def pause_writing(self) -> None:
        """Start a time limit for a client that does not read its response."""
        super().pause_writing()
        self._unread = self.loop.call_later(self.header_seconds, self.transport.abort)

    def resume_writing(self) -> None:
        """Stop that time limit, as the client has read."""
        super().resume_writing()
        self._has_read()

    def _has_read(self) -> None:
        if self._unread is not None:
            self._unread.cancel()
            self._unread = None

    def _watch(self) -> None:
        if not self.silent:
            self.used = True
            self._unwatch()
        elif self._limit is None:
            self._limit = self.loop.call_later(self.header_seconds, self._give_up)

    def _unwatch(self) -> None:
        if self._limit is not None:
            self._limit.cancel()
            self._limit = None

    def _give_up(self) -> None:
        if self.transport.is_closing():
            return
        # A client that sent nothing gets no response, nor does one that keeps sending a body
        # whose request has already been answered.
        if self.conn.our_state is h11.IDLE and self.conn.trailing_data[0]:
            self._answer(self.slow())
        self.timeout_keep_alive_handler()

    def _answer(self, response: Response) -> None:
        headers = [*response.raw_headers, (b"connection", b"close")]
        status = HTTPStatus(response.status_code)
        events = (
            h11.Response(status_code=status, headers=headers, reason=status.phrase.encode()),
            h11.Data(data=bytes(response.body)),
            h11.EndOfMessage(),
        )
        for event in events:
            self.transport.write(self.conn.send(event) or b"")


def timed_connection(
    seconds: float, when_slow: Callable[[], Response], most: int
) -> type[TimedConnection]:
    """Return the class of a server's connections.

    Parameters
    ----------
    seconds : float
        The limit, from the connection's start or from the first byte after a response.
    when_slow : callable
        Logs a request that was given up, and returns the response to it.
    most : int
        The maximum number of simultaneous connections.
    """

    class Connection(TimedConnection):
        header_seconds = seconds
        slow = staticmethod(when_slow)
        all_open = Connections(most)

    return Connection
