"""What server and lane say to each other: a header as JSON, and a body as bytes."""

from __future__ import annotations

import asyncio
import json
import socket
import struct
from typing import Any

_SIZES = struct.Struct("<IQ")


def pack(header: dict[str, Any], body: bytes = b"") -> bytes:
    """Return a message."""
    text = json.dumps(header).encode()
    return b"".join((_SIZES.pack(len(text), len(body)), text, body))


async def read(stream: asyncio.StreamReader) -> tuple[dict[str, Any], bytes]:
    """Receive a message in the server.

    Raises
    ------
    asyncio.IncompleteReadError
        When the lane is gone.
    """
    header_size, body_size = _SIZES.unpack(await stream.readexactly(_SIZES.size))
    data = await stream.readexactly(header_size + body_size)
    return json.loads(data[:header_size]), data[header_size:]


def receive(endpoint: socket.socket) -> tuple[dict[str, Any], bytes] | None:
    """Receive a message in a lane; ``None`` when the server is gone."""
    sizes = _exactly(endpoint, _SIZES.size)
    if sizes is None:
        return None
    header_size, body_size = _SIZES.unpack(sizes)
    data = _exactly(endpoint, header_size + body_size)
    if data is None:
        return None
    return json.loads(data[:header_size]), bytes(data[header_size:])


def _exactly(endpoint: socket.socket, count: int) -> bytes | None:
    buffer = bytearray(count)
    view = memoryview(buffer)
    while view:
        received = endpoint.recv_into(view)
        if not received:
            return None
        view = view[received:]
    return bytes(buffer)
