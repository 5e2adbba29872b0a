"""``multiprocessing`` without access to the machine's shared memory.

The C library keeps semaphores and shared memory in /dev/shm, which all processes of the user share
and which is therefore closed to a run. Here, a semaphore is an event descriptor, which children
inherit when they are forked, and shared memory is a file in the run folder.
"""

from __future__ import annotations

import mmap
import os
import select
import struct
import tempfile
import threading
import time
from importlib import import_module
from typing import Any

RECURSIVE_MUTEX, SEMAPHORE = 0, 1
_ONE = struct.pack("=Q", 1)
_VALUE = struct.Struct("=q")


def install() -> None:
    """Make ``multiprocessing`` use these, and start its processes by fork."""
    import multiprocessing

    if not hasattr(os, "eventfd"):  # before Python 3.10
        return
    native: Any = import_module("_multiprocessing")
    native.SemLock = SemLock
    native.sem_unlink = lambda name: None
    shared: Any = import_module("_posixshmem")
    shared.shm_open = _open_shared_memory
    # Arrays and values are then in a temporary file.
    heap: Any = import_module("multiprocessing.heap")
    heap.Arena._dir_candidates = []
    shared.shm_unlink = lambda name: os.unlink(_place_of(name))
    multiprocessing.set_start_method("fork", force=True)


def _open_shared_memory(path: str, flags: int, mode: int = 0o777) -> int:
    return os.open(_place_of(path), flags | os.O_NOFOLLOW | os.O_CLOEXEC, mode)


def _place_of(name: str) -> str:
    return os.path.join(tempfile.gettempdir(), ".shared-" + name.lstrip("/"))


class SemLock:
    """Replacement of ``_multiprocessing.SemLock``, as used by ``multiprocessing.synchronize``.

    Parameters
    ----------
    kind : int
        ``RECURSIVE_MUTEX`` or ``SEMAPHORE``.
    value, maxvalue : int
        Its current and its maximum value.
    name : str
        Not used, as children get the semaphore by inheritance only.
    unlink : bool
        Not used.
    """

    SEM_VALUE_MAX = 2**31 - 1

    def __init__(self, kind: int, value: int, maxvalue: int, name: str, unlink: bool) -> None:
        self.kind = kind
        self.maxvalue = maxvalue
        self.name: str | None = None
        self.handle = os.eventfd(value, os.EFD_SEMAPHORE | os.EFD_NONBLOCK | os.EFD_CLOEXEC)
        # Reading the descriptor's count would change it, so a copy is kept, under a lock.
        self._guard = os.eventfd(1, os.EFD_SEMAPHORE | os.EFD_CLOEXEC)
        self._memory = mmap.mmap(-1, _VALUE.size)
        _VALUE.pack_into(self._memory, 0, value)
        self._held = 0
        self._holder = 0

    def __del__(self) -> None:
        for descriptor in (self.handle, self._guard):
            os.close(descriptor)

    def acquire(self, block: bool = True, timeout: float | None = None) -> bool:
        """Acquire the semaphore, waiting if asked to; return whether it was acquired."""
        if self.kind == RECURSIVE_MUTEX and self._is_mine():
            self._held += 1
            return True
        deadline = None if timeout is None else time.monotonic() + max(0.0, timeout)
        while not self._take():
            if not block or not self._wait(deadline):
                return False
        self._held += 1
        self._holder = threading.get_ident()
        return True

    def release(self) -> None:
        """Release the semaphore.

        Raises
        ------
        AssertionError
            For a recursive lock that this thread does not hold.
        ValueError
            When it was released more often than acquired.
        """
        if self.kind == RECURSIVE_MUTEX:
            if not self._is_mine():
                raise AssertionError("attempt to release recursive lock not owned by thread")
            if self._held > 1:
                self._held -= 1
                return
        self._held -= 1
        if not self._give():
            self._held += 1
            raise ValueError("semaphore or lock released too many times")

    def __enter__(self) -> bool:
        return self.acquire()

    def __exit__(self, *error: Any) -> None:
        self.release()

    def _count(self) -> int:
        return self._held

    def _is_mine(self) -> bool:
        return self._held > 0 and self._holder == threading.get_ident()

    def _get_value(self) -> int:
        value: int = _VALUE.unpack_from(self._memory)[0]
        return max(0, value)

    def _is_zero(self) -> bool:
        return self._get_value() == 0

    def _after_fork(self) -> None:
        self._held = 0

    def _take(self) -> bool:
        os.read(self._guard, 8)
        try:
            os.read(self.handle, 8)
            _VALUE.pack_into(self._memory, 0, self._get_value() - 1)
        except BlockingIOError:
            return False
        finally:
            os.write(self._guard, _ONE)
        return True

    def _give(self) -> bool:
        os.read(self._guard, 8)
        try:
            value = self._get_value()
            if value >= self.maxvalue:
                return False
            _VALUE.pack_into(self._memory, 0, value + 1)
            os.write(self.handle, _ONE)
        finally:
            os.write(self._guard, _ONE)
        return True

    def _wait(self, deadline: float | None) -> bool:
        """Wait until it may be available; return False if the deadline has passed."""
        left = None
        if deadline is not None:
            left = (deadline - time.monotonic()) * 1000
            if left <= 0:
                return False
        waiting = select.poll()
        waiting.register(self.handle, select.POLLIN)
        waiting.poll(left)
        return True
