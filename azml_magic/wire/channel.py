"""Messages over a stream socket: events as JSON, bytes, and the buffers of frames."""

from __future__ import annotations

import contextlib
import json
import socket
import struct
from typing import Any, Callable, Dict, Iterable, Iterator, List, Optional, Sequence

_LENGTH = struct.Struct("<Q")
# The kernel accepts 1024 buffers per call; passing fewer keeps the lists short.
_BUFFERS = 256
_CONTAINERS, _PARTS = 1 << 21, 1 << 23

Wait = Callable[[int, bool], None]


class WireError(ValueError):
    """Invalid data was received."""


class ChannelClosed(WireError):
    """The other end closed the socket before a message was complete."""


class FrameTooLarge(WireError):
    """A frame is larger than the receiver accepts; none of it was received."""


class Channel:
    """One end of the data socket of a run.

    Parameters
    ----------
    endpoint : socket
        A connected stream socket.
    wait : callable, optional
        For a non-blocking socket: called with the descriptor and whether to wait for
        writing; returns when the socket is ready, or raises.
    """

    def __init__(self, endpoint: socket.socket, wait: Optional[Wait] = None) -> None:
        self._socket = endpoint
        self._wait = wait
        self._gathered: Optional[List[Any]] = None

    @contextlib.contextmanager
    def together(self) -> Iterator[None]:
        """Buffer what is sent inside the block, so that the other end is woken only once."""
        self._gathered = []
        try:
            yield
        except BaseException:
            self._gathered = None
            raise
        gathered, self._gathered = self._gathered, None
        self.send_buffers(gathered)

    def send_event(self, event: Dict[str, Any]) -> None:
        """Send a JSON object."""
        self.send_bytes(json.dumps(event).encode("ascii"))

    def receive_event(self, limit: int) -> Dict[str, Any]:
        """Receive a JSON object.

        Raises
        ------
        WireError
            When it is longer than `limit` bytes, or not a JSON object.
        """
        event = parse_json(self.receive_bytes(limit))
        if not isinstance(event, dict):
            raise WireError("an event is not a JSON object")
        return event

    def send_bytes(self, data: bytes) -> None:
        """Send bytes, preceded by their length."""
        self.send_buffers([_LENGTH.pack(len(data)), data])

    def receive_bytes(self, limit: int) -> bytes:
        """Receive what :meth:`send_bytes` sent.

        Raises
        ------
        WireError
            When it is longer than `limit` bytes, or ends too early.
        """
        header = bytearray(_LENGTH.size)
        self.receive_into([memoryview(header)])
        (length,) = _LENGTH.unpack(header)
        if length > limit:
            raise WireError(f"a message of {length:,} bytes, where {limit:,} are allowed")
        data = bytearray(length)
        self.receive_into([memoryview(data)])
        return bytes(data)

    def send_buffers(self, buffers: Iterable[Any]) -> None:
        """Send buffers one after the other, without copying them."""
        if self._gathered is not None:
            self._gathered += buffers
            return
        waiting = _views(buffers)
        while waiting:
            try:
                sent = self._socket.sendmsg(waiting[:_BUFFERS])
            except BlockingIOError:
                self._pause(True)
                continue
            _advance(waiting, sent)

    def receive_into(self, buffers: Sequence[Any]) -> None:
        """Fill writable buffers one after the other.

        Raises
        ------
        ChannelClosed
            When the other end closes before they are full.
        """
        waiting = _views(buffers)
        while waiting:
            try:
                received = self._socket.recvmsg_into(waiting[:_BUFFERS])[0]
            except BlockingIOError:
                self._pause(False)
                continue
            if not received:
                raise ChannelClosed("the data ended too early")
            _advance(waiting, received)

    def _pause(self, writing: bool) -> None:
        assert self._wait is not None
        self._wait(self._socket.fileno(), writing)


def parse_json(data: bytes) -> Any:
    """Parse untrusted JSON.

    Raises
    ------
    WireError
        When it is not valid JSON, nested too deeply, or has NaN or an infinity.
    """
    # Each element of a message takes far more memory as an object than as text.
    if data.count(b"[") + data.count(b"{") > _CONTAINERS or data.count(b",") > _PARTS:
        raise WireError("a message of too many elements")
    try:
        return json.loads(data, parse_constant=_refuse_constant)
    except WireError:
        raise
    except (ValueError, RecursionError):
        raise WireError("a message is not JSON") from None


def _refuse_constant(name: str) -> Any:
    raise WireError(f"JSON has no number {name}")


def _views(buffers: Iterable[Any]) -> List[memoryview]:
    views: List[memoryview] = [memoryview(buffer) for buffer in buffers]
    return [view for view in views if view.nbytes]


def _advance(waiting: List[memoryview], count: int) -> None:
    """Drop `count` bytes from the front of the buffers still to be sent."""
    done = 0
    while done < len(waiting) and count >= waiting[done].nbytes:
        count -= waiting[done].nbytes
        done += 1
    del waiting[:done]
    if count:
        waiting[0] = waiting[0].cast("B")[count:]
