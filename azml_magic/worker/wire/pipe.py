"""Large frames on their way in: pages of the notebook's own memory lent to a pipe, not copied.

The worker copies them out of the pipe into memory of its own, which is the only copy that is
made. Until then the pages must not change: the notebook waits for the run, and holds them until
its end. Nothing is lent of memory that only exists for the way.
"""

from __future__ import annotations

import ctypes
import errno
import fcntl
import functools
import os
from typing import Any, Callable, List, Optional, Sequence

import numpy as np

from azml_magic.worker.wire.channel import ChannelClosed

# Below, a frame fits the socket's buffer, or is too small for the copy to matter.
LEAST_BYTES = 16 << 20
PIPE_BYTES = 1 << 20
_LENT_AT_ONCE = 32 << 20
_BUFFERS = 256
_SET_SIZE = getattr(fcntl, "F_SETPIPE_SZ", 1031)


class _Vector(ctypes.Structure):
    _fields_ = (("base", ctypes.c_void_p), ("length", ctypes.c_size_t))


class PipeWriter:
    """The notebook's end of a pipe.

    Parameters
    ----------
    descriptor : int
        Its write end, which blocks; closed by the caller.
    between : callable
        Called now and then while much is sent.
    """

    def __init__(self, descriptor: int, between: Callable[[], object]) -> None:
        self._descriptor = descriptor
        self._between = between

    def lend(self, pieces: Sequence[Any]) -> None:
        """Put contiguous arrays into the pipe, one after the other, without copying them.

        Returns when the pipe holds the last page, and the reader has taken those before.

        Raises
        ------
        BrokenPipeError
            When the reader is gone.
        """
        for piece in pieces:
            view = piece.reshape(-1).view(np.uint8)
            address, left = view.__array_interface__["data"][0], view.nbytes
            while left:
                sent = _vmsplice(self._descriptor, address, min(left, _LENT_AT_ONCE))
                address, left = address + sent, left - sent
                self._between()


def make() -> Optional[List[int]]:
    """Return the read and the write end of a pipe that is fit for it; None where there is none."""
    if not available():
        return None
    ends = os.pipe()
    try:
        # Where one user's pipes hold much already, the kernel grants no more.
        if fcntl.fcntl(ends[1], _SET_SIZE, PIPE_BYTES) >= PIPE_BYTES:
            return list(ends)
    except OSError:
        pass
    for end in ends:
        os.close(end)
    return None


def receive(descriptor: int, buffers: Sequence[Any]) -> None:
    """Fill contiguous arrays from the read end of a pipe, one after the other.

    Raises
    ------
    ChannelClosed
        When the pipe ends before they are full.
    """
    waiting = [memoryview(buffer).cast("B") for buffer in buffers if buffer.nbytes]
    waiting.reverse()
    while waiting:
        taken = os.readv(descriptor, waiting[: -_BUFFERS - 1 : -1])
        if not taken:
            raise ChannelClosed("the data ended too early")
        while taken:
            view = waiting.pop()
            if taken < view.nbytes:
                waiting.append(view[taken:])
            taken -= min(taken, view.nbytes)


@functools.lru_cache(maxsize=1)
def available() -> bool:
    """Return whether memory can be lent to a pipe here, found out by doing it."""
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
    """Lend a piece of memory to a pipe; return how much of it was taken."""
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
