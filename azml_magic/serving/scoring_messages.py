"""The messages between the server and a scoring process, each with a body of bytes."""

from __future__ import annotations

import asyncio
import json
import socket
import struct
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

from azml_magic.protocol.codec import from_plain, learn, to_plain

_SIZES = struct.Struct("<IQ")


@dataclass(frozen=True)
class ScoringOrder:
    """The message that starts a scoring process.

    Attributes
    ----------
    zip_path : str
        The module zip.
    timeout : float
        Time limit of one request, in seconds.
    memory : int
        Memory limit of a worker, in bytes.
    allow_network : bool
        Whether the module may use the network.
    calls : int
        How many requests a worker answers before it is replaced.
    max_rows, max_cells, max_answer : int
        Limits of a request and of its response.
    """

    zip_path: str
    timeout: float
    memory: int
    allow_network: bool
    calls: int
    max_rows: int
    max_cells: int
    max_answer: int


# Server to scoring process.


@dataclass(frozen=True)
class Score:
    """Answer a request; its body is attached.

    Attributes
    ----------
    form : str
        Form of the response: ``"classic"``, ``"swagger"`` or ``"typed"``.
    details : bool
        Whether the classic form includes the columns.
    """

    form: str
    details: bool


@dataclass(frozen=True)
class ScoreFile:
    """Run the module on a file of a batch job.

    Attributes
    ----------
    folder : str
        The batch folder.
    source, target : str
        Paths of its input and its output, relative to the folder.
    """

    folder: str
    source: str
    target: str


TO_SCORING = learn(ScoringOrder, Score, ScoreFile)


# Scoring process to server.


@dataclass(frozen=True)
class ScoringReady:
    """A worker has loaded the module and is waiting."""

    confinement: str


@dataclass(frozen=True)
class ScoringFailed:
    """No worker could be started."""

    message: str
    hint: str


@dataclass(frozen=True)
class RequestRead:
    """The request has been read, and may wait for a worker."""


@dataclass(frozen=True)
class RequestBegun:
    """The module begins with the request, which must no longer be given to another process."""


@dataclass(frozen=True)
class Scored:
    """A request was answered; the response's body is attached.

    Attributes
    ----------
    status : int
        HTTP status.
    code : str
        Code of the error; empty if there is none.
    rows : int
        The number of rows scored.
    begun : bool
        Whether a line of the module may have run.
    reason : str
        The cause of an internal error, for the log.
    busy : bool
        Whether the scoring process needs another worker first, and will report when it is ready.
    """

    status: int
    code: str
    rows: int
    begun: bool
    reason: str
    busy: bool = False


@dataclass(frozen=True)
class FileScored:
    """A file of a batch job was processed, or failed.

    Attributes
    ----------
    status : int
        200, or the HTTP status that a request would have received.
    rows : int
        The number of rows of the input.
    detail : str
        Why it failed.
    busy : bool
        As for :class:`Scored`.
    """

    status: int = 200
    rows: int = 0
    detail: str = ""
    busy: bool = False


FROM_SCORING = learn(ScoringReady, ScoringFailed, RequestRead, RequestBegun, Scored, FileScored)


class Envelope(NamedTuple):
    """A message with its body.

    Attributes
    ----------
    message : object
        One of the dataclasses of this module.
    body : bytes
        The attached bytes.
    number : int
        The number of the request that it belongs to; 0 for none.
    """

    message: Any
    body: bytes
    number: int


def pack(message: Any, body: bytes = b"", number: int = 0) -> bytes:
    """Serialize a message."""
    text = json.dumps([type(message).__name__, to_plain(message), number]).encode()
    return b"".join((_SIZES.pack(len(text), len(body)), text, body))


async def read(stream: asyncio.StreamReader) -> Envelope:
    """Receive a message, in the server.

    Raises
    ------
    asyncio.IncompleteReadError
        When the scoring process has ended.
    ValueError
        When it is not a valid message of a scoring process.
    """
    header_size, body_size = _SIZES.unpack(await stream.readexactly(_SIZES.size))
    data = await stream.readexactly(header_size + body_size)
    return _open(data[:header_size], data[header_size:], FROM_SCORING)


def receive(endpoint: socket.socket) -> Envelope | None:
    """Receive a message, in a scoring process; return ``None`` if the server has ended."""
    sizes = _exactly(endpoint, _SIZES.size)
    if sizes is None:
        return None
    header_size, body_size = _SIZES.unpack(sizes)
    data = _exactly(endpoint, header_size + body_size)
    return None if data is None else _open(data[:header_size], data[header_size:], TO_SCORING)


def _open(header: bytes, body: bytes, kinds: Mapping[str, type]) -> Envelope:
    name, plain, number = json.loads(header)
    if name not in kinds:
        raise ValueError(f"unexpected message {name!r}")
    return Envelope(from_plain(kinds[name], plain), body, number)


def _exactly(endpoint: socket.socket, count: int) -> bytes | None:
    buffer = bytearray(count)
    view = memoryview(buffer)
    while view:
        received = endpoint.recv_into(view)
        if not received:
            return None
        view = view[received:]
    return bytes(buffer)
