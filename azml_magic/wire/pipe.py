"""Zero-copy transfer of large input frames: pages of the notebook's memory are lent to pipes.

The worker copies the pages out of the pipes into its own memory; no other copy is made. Until
then they must not change: the notebook waits for the run, and holds them until its end. Temporary
buffers are never lent.

Two pipes are filled and emptied alternately, one portion at a time. With a single pipe, its lock
and its small capacity would make writer and reader wait for each other at every step.
"""

from __future__ import annotations

import ctypes
import errno
import fcntl
import functools
import os
from typing import Any, Callable, Iterable, List, NamedTuple, Optional, Sequence

import numpy as np

from azml_magic.wire.channel import ChannelClosed

# Smaller frames fit into the socket's buffer, or are too small for the copy to matter.
LEAST_BYTES = 16 << 20
PIPES = 2
PIPE_BYTES = 512 << 10
# A portion that does not begin at a page boundary occupies one page more.
_PORTION_BYTES = PIPE_BYTES - 4096
_SET_SIZE = getattr(fcntl, "F_SETPIPE_SZ", 1031)


class _Vector(ctypes.Structure):
    _fields_ = (("base", ctypes.c_void_p), ("length", ctypes.c_size_t))


class Pipes(NamedTuple):
    """The ends of the pipes, in the order in which they are used."""

    reading: List[int]
    writing: List[int]

    def close(self) -> None:
        """Close both ends of all pipes."""
        for end in self.reading + self.writing:
            os.close(end)


class PipeWriter:
    """The notebook's ends of the pipes.

    Parameters
    ----------
    descriptors : list of int
        Their write ends, which block; closed by the caller.
    between : callable
        Called from time to time during long transfers.
    """

    def __init__(self, descriptors: Sequence[int], between: Callable[[], object]) -> None:
        self._turns = _Turns(descriptors)
        self._between = between

    def lend(self, pieces: Iterable[Any]) -> None:
        """Put contiguous arrays into the pipes, one after the other, without copying them.

        Return when the reader has read all but the last pages, which are in the pipes.

        Raises
        ------
        BrokenPipeError
            When the reader has closed its ends.
        """
        for piece in pieces:
            view = piece.reshape(-1).view(np.uint8)
            address, left = view.__array_interface__["data"][0], view.nbytes
            while left:
                sent = _vmsplice(self._turns.descriptor, address, min(left, self._turns.left))
                address, left = address + sent, left - sent
                if self._turns.advance(sent):
                    self._between()


class PipeReader:
    """The worker's ends of the pipes.

    Parameters
    ----------
    descriptors : list of int
        Their read ends.
    """

    def __init__(self, descriptors: Sequence[int]) -> None:
        self._descriptors = descriptors
        self._turns = _Turns(descriptors)

    def receive_into(self, buffers: Iterable[Any]) -> None:
        """Fill contiguous arrays, one after the other.

        Raises
        ------
        ChannelClosed
            When the writer closes the pipes before the arrays are full.
        """
        for buffer in buffers:
            view = memoryview(buffer).cast("B") if buffer.nbytes else b""
            done = 0
            while done < len(view):
                part = view[done : done + self._turns.left]
                taken = os.readv(self._turns.descriptor, [part])
                if not taken:
                    raise ChannelClosed("the data ended too early")
                done += taken
                self._turns.advance(taken)

    def close(self) -> None:
        """Close them."""
        for descriptor in self._descriptors:
            os.close(descriptor)


class _Turns:
    """Whose turn it is; both sides count the same bytes, so that no signal is needed."""

    def __init__(self, descriptors: Sequence[int]) -> None:
        self._descriptors = descriptors
        self._portions = 0
        self.left = _PORTION_BYTES

    @property
    def descriptor(self) -> int:
        return self._descriptors[self._portions % len(self._descriptors)]

    def advance(self, count: int) -> bool:
        """Count bytes of the portion; return whether it is complete."""
        self.left -= count
        if self.left:
            return False
        self._portions += 1
        self.left = _PORTION_BYTES
        return True


def make() -> Optional[Pipes]:
    """Create pipes that are large enough; return ``None`` where that is impossible."""
    if not available():
        return None
    pipes = Pipes([], [])
    for _ in range(PIPES):
        reading, writing = os.pipe()
        pipes.reading.append(reading)
        pipes.writing.append(writing)
    try:
        # The kernel refuses large pipes when a user's pipes already hold much memory.
        if all(fcntl.fcntl(end, _SET_SIZE, PIPE_BYTES) >= PIPE_BYTES for end in pipes.writing):
            return pipes
    except OSError:
        pass
    pipes.close()
    return None


@functools.lru_cache(maxsize=1)
def available() -> bool:
    """Return whether this system can lend memory to a pipe, by trying it."""
    page = np.arange(4096, dtype=np.uint16)
    reading, writing = os.pipe()
    try:
        sent = _vmsplice(writing, page.__array_interface__["data"][0], page.nbytes)
        return bool(os.read(reading, page.nbytes) == page.tobytes()[:sent])
    except (OSError, AttributeError):
        return False
    finally:
        os.close(reading)
        os.close(writing)


def _vmsplice(descriptor: int, address: int, length: int) -> int:
    """Lend a piece of memory to a pipe; return how many bytes were accepted."""
    vector = _Vector(address, length)
    while True:
        sent: int = _library().vmsplice(descriptor, ctypes.byref(vector), 1, 0)
        if sent >= 0:
            return sent
        number = ctypes.get_errno()
        # Python's handlers, such as that of an interrupt, run before the next attempt.
        if number != errno.EINTR:
            raise OSError(number, os.strerror(number))


@functools.lru_cache(maxsize=1)
def _library() -> Any:
    library = ctypes.CDLL(None, use_errno=True)
    library.vmsplice.restype = ctypes.c_ssize_t
    library.vmsplice.argtypes = (
        ctypes.c_int,
        ctypes.POINTER(_Vector),
        ctypes.c_ulong,
        ctypes.c_uint,
    )
    return library
