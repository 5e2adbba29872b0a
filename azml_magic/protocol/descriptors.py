"""Bytes with descriptors over a Unix socket; ``socket.send_fds`` is newer than some workers."""

from __future__ import annotations

import array
import socket
from typing import Iterable, List, Tuple

_ITEM_BYTES = array.array("i").itemsize


def send(endpoint: socket.socket, data: bytes, descriptors: Iterable[int] = ()) -> None:
    """Send bytes; the descriptors are copied to the other side.

    Raises
    ------
    OSError
        When the other end is gone.
    """
    passed = array.array("i", descriptors)
    rights = [(socket.SOL_SOCKET, socket.SCM_RIGHTS, passed)] if passed else []
    endpoint.sendmsg([data], rights)


def receive(endpoint: socket.socket, size: int, count: int) -> Tuple[bytes, List[int]]:
    """Receive bytes, and the descriptors that came with them.

    Parameters
    ----------
    endpoint : socket
        One end of a Unix socket.
    size, count : int
        Bytes and descriptors at most; what is more is lost.

    Returns
    -------
    tuple
        Bytes, none when the other end is gone; and the descriptors, closed at ``exec``.

    Raises
    ------
    OSError
        When the other end was killed before it had read all that it was sent.
    """
    data, ancillary, _, _ = endpoint.recvmsg(
        size, socket.CMSG_LEN(count * _ITEM_BYTES), socket.MSG_CMSG_CLOEXEC
    )
    descriptors = array.array("i")
    for level, kind, content in ancillary:
        if level == socket.SOL_SOCKET and kind == socket.SCM_RIGHTS:
            descriptors.frombytes(content[: len(content) - len(content) % _ITEM_BYTES])
    return data, list(descriptors)
