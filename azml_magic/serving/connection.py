"""A connection that waits for the headers of a request no longer than it should."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from http import HTTPStatus

import h11
from starlette.responses import Response
from uvicorn.protocols.http.h11_impl import H11Protocol


class TimedConnection(H11Protocol):
    """A connection with a time limit for headers, which the library does not have.

    Between two requests the library's own limit for idle connections holds, until the first
    byte of the next one comes.
    """

    header_seconds: float
    slow: Callable[[], Response]
    _limit: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Wait for the first request."""
        super().connection_made(transport)
        self._watch()

    def data_received(self, data: bytes) -> None:
        """Wait on, for the rest of the headers, or no more."""
        super().data_received(data)
        self._watch()

    def connection_lost(self, exc: Exception | None) -> None:
        """Wait no more."""
        self._unwatch()
        super().connection_lost(exc)

    def _watch(self) -> None:
        if self.cycle is not None and not self.cycle.response_complete:
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
        # Who sent nothing gets no answer; nor does who goes on with a body that was answered.
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


def timed_connection(seconds: float, when_slow: Callable[[], Response]) -> type[TimedConnection]:
    """Return the class of connections whose headers may take so long.

    Parameters
    ----------
    seconds : float
        The limit, from the connection's start or from the first byte that follows an answer.
    when_slow : callable
        Tells of a request that was given up, and returns its answer.
    """

    class Connection(TimedConnection):
        header_seconds = seconds
        slow = staticmethod(when_slow)

    return Connection
