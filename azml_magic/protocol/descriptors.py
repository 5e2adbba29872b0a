"""Passing descriptors over a Unix socket; workers may lack ``socket.send_fds`` (Python 3.9)."""

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
        When the other end is closed.
    """
    passed = array.array("i", descriptors)
    rights = [(socket.SOL_SOCKET, socket.SCM_RIGHTS, passed)] if passed else []
    endpoint.sendmsg([data], rights)


def receive(endpoint: socket.socket, size: int, count: int) -> Tuple[bytes, List[int]]:
    """Receive bytes, and the descriptors attached to them.

    Parameters
    ----------
    endpoint : socket
        One end of a Unix socket.
    size, count : int
        Maximum number of bytes and of descriptors; any more are lost.

    Returns
    -------
    tuple
        The bytes, empty if the other end is closed; and the descriptors, which are closed on
        ``exec``.

    Raises
    ------
    OSError
        When the other end was killed before it had read everything that was sent.
    """
    data, ancillary, _, _ = endpoint.recvmsg(
        size, socket.CMSG_LEN(count * _ITEM_BYTES), socket.MSG_CMSG_CLOEXEC
    )
    descriptors = array.array("i")
    for level, kind, content in ancillary:
        if level == socket.SOL_SOCKET and kind == socket.SCM_RIGHTS:
            descriptors.frombytes(content[: len(content) - len(content) % _ITEM_BYTES])
    return data, list(descriptors)
