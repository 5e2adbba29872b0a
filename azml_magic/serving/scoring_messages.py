"""What server and scoring process say to each other: a message, and a body of bytes."""

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
    """What a scoring process is started with.

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
        How many requests a worker answers.
    max_rows, max_cells, max_answer : int
        Limits of a request and of its answer.
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
    """Answer a request, whose body comes with this.

    Attributes
    ----------
    form : str
        Of the answer: ``"classic"``, ``"swagger"`` or ``"typed"``.
    details : bool
        Whether the classic form names its columns.
    """

    form: str
    details: bool


@dataclass(frozen=True)
class ScoreFile:
    """Run the module over a file of a batch job.

    Attributes
    ----------
    folder : str
        The batch folder.
    source, target : str
        Where its input is and its output goes, below the folder.
    """

    folder: str
    source: str
    target: str


TO_SCORING = learn(ScoringOrder, Score, ScoreFile)


# ScoringWork to server.


@dataclass(frozen=True)
class ScoringReady:
    """A worker has loaded the module and waits."""

    confinement: str


@dataclass(frozen=True)
class ScoringFailed:
    """There can be no worker."""

    message: str
    hint: str


@dataclass(frozen=True)
class RequestRead:
    """The request is read, and waits for a worker if need be."""


@dataclass(frozen=True)
class RequestBegun:
    """The module begins with the request; another scoring process must not be given it."""


@dataclass(frozen=True)
class Scored:
    """A request is answered; the body comes with this.

    Attributes
    ----------
    status : int
        HTTP status.
    code : str
        The error's code; empty for an answer that is none.
    rows : int
        Rows that were scored.
    begun : bool
        Whether a line of the module may have run.
    reason : str
        For the log, why it is a mistake of the service.
    busy : bool
        Whether the scoring process needs another worker first, and will say when it has it.
    """

    status: int
    code: str
    rows: int
    begun: bool
    reason: str
    busy: bool = False


@dataclass(frozen=True)
class FileScored:
    """A file of a batch job is done, or was not.

    Attributes
    ----------
    status : int
        200, or the HTTP status that a request would have got.
    rows : int
        Of the input.
    detail : str
        Why it was not done.
    busy : bool
        As of :class:`Scored`.
    """

    status: int = 200
    rows: int = 0
    detail: str = ""
    busy: bool = False


FROM_SCORING = learn(ScoringReady, ScoringFailed, RequestRead, RequestBegun, Scored, FileScored)


class Envelope(NamedTuple):
    """A message on its way.

    Attributes
    ----------
    message : object
        One of the dataclasses of this module.
    body : bytes
        What comes with it.
    number : int
        Of the request that it belongs to; 0 for none.
    """

    message: Any
    body: bytes
    number: int


def pack(message: Any, body: bytes = b"", number: int = 0) -> bytes:
    """Return a message as bytes."""
    text = json.dumps([type(message).__name__, to_plain(message), number]).encode()
    return b"".join((_SIZES.pack(len(text), len(body)), text, body))


async def read(stream: asyncio.StreamReader) -> Envelope:
    """Receive a message in the server.

    Raises
    ------
    asyncio.IncompleteReadError
        When the scoring process is gone.
    ValueError
        When it is not a message of a scoring process.
    """
    header_size, body_size = _SIZES.unpack(await stream.readexactly(_SIZES.size))
    data = await stream.readexactly(header_size + body_size)
    return _open(data[:header_size], data[header_size:], FROM_SCORING)


def receive(endpoint: socket.socket) -> Envelope | None:
    """Receive a message in a scoring process; ``None`` when the server is gone."""
    sizes = _exactly(endpoint, _SIZES.size)
    if sizes is None:
        return None
    header_size, body_size = _SIZES.unpack(sizes)
    data = _exactly(endpoint, header_size + body_size)
    return None if data is None else _open(data[:header_size], data[header_size:], TO_SCORING)


def _open(header: bytes, body: bytes, kinds: Mapping[str, type]) -> Envelope:
    name, plain, number = json.loads(header)
    if name not in kinds:
        raise ValueError(f"no message {name!r} is expected here")
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
