"""Messages with descriptors over a socket that keeps message boundaries (``SOCK_SEQPACKET``)."""

from __future__ import annotations

import json
import socket
from typing import Any, Iterable, List, Mapping, Optional, Tuple

from azml_magic.protocol import descriptors as passing
from azml_magic.protocol.codec import from_plain, to_plain

MESSAGE_BYTES = 1 << 18
_DESCRIPTORS = 8


def pair() -> Tuple[socket.socket, socket.socket]:
    """Return the two ends of a new connection."""
    return socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)


def send(endpoint: socket.socket, message: Any, descriptors: Iterable[int] = ()) -> None:
    """Send a message of :mod:`messages`; descriptors are copied to the other side.

    Raises
    ------
    OSError
        When the other end is closed.
    """
    data = json.dumps([type(message).__name__, to_plain(message)]).encode()
    passing.send(endpoint, data, descriptors)


def receive(endpoint: socket.socket, kinds: Mapping[str, type]) -> Tuple[Optional[Any], List[int]]:
    """Receive a message of one of some kinds, and the descriptors attached to it.

    Parameters
    ----------
    endpoint : socket
        One end of :func:`pair`.
    kinds : mapping of str to type
        The expected kinds of messages, by name.

    Returns
    -------
    tuple
        The message, or ``None`` if the other end is closed; and the descriptors.

    Raises
    ------
    ValueError
        When it is of another kind.
    """
    try:
        data, passed_on = passing.receive(endpoint, MESSAGE_BYTES, _DESCRIPTORS)
    except ConnectionError:  # it was killed before it had read all messages
        return None, []
    if not data:
        return None, passed_on
    name, plain = json.loads(data)
    if name not in kinds:
        raise ValueError(f"unexpected message {name!r}")
    return from_plain(kinds[name], plain), passed_on
