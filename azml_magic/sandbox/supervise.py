"""The monitor's gate: how many processes and threads a run may have at a time.

The kernel holds each clone, fork and vfork of a run until the gate has answered. Nothing is
read from the run's memory, so there is nothing that it could change behind the answer.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
import select
import struct
import time
from collections.abc import Callable

from azml_magic.sandbox import processes

# struct seccomp_notif: id, pid, flags, then struct seccomp_data; and struct seccomp_notif_resp.
_QUESTION_BYTES = 80
_QUESTION = struct.Struct("<QII")
_ANSWER = struct.Struct("<QqiI")
_RECEIVE, _SEND = 0xC0502100, 0xC0182101
_CONTINUE = 1

# A clone that was let through shows in /proc within this time, on the busiest machine.
_PENDING_SECONDS = 1.0
# At the limit, tasks are counted anew this often, not at each attempt of a fork bomb.
_FULL_SECONDS = 0.005


class TaskGate:
    """Answers a run's requests for new processes and threads.

    Parameters
    ----------
    listener : int
        The filter's listener; the gate owns it from now on.
    limit : int
        Processes and threads at a time.
    tree : callable
        Returns the process numbers of the run.

    Attributes
    ----------
    refused : int
        How often a new task was refused.
    """

    def __init__(self, listener: int, limit: int, tree: Callable[[], list[int]]) -> None:
        self.limit = limit
        self.refused = 0
        self._listener = listener
        self._tree = tree
        self._estimate = limit
        self._closed_to_all = False
        self._full_until = 0.0
        self._asked: dict[int, float] = {}

    def fileno(self) -> int:
        """Return the descriptor to wait on until :meth:`answer` has something to do."""
        return self._listener

    def answer(self) -> bool:
        """Answer all that is asked now, without waiting.

        Returns
        -------
        bool
            False when nothing more can be asked: every process under the filter has ended.
        """
        waiting = select.poll()
        waiting.register(self._listener, select.POLLIN)
        while ready := waiting.poll(0):
            if not ready[0][1] & select.POLLIN:
                return False
            self._answer_one()
        return True

    def refuse_all(self) -> None:
        """Refuse every new task from now on."""
        self._closed_to_all = True

    def close(self) -> None:
        """Give the listener up; the kernel then refuses every new task by itself."""
        if self._listener >= 0:
            os.close(self._listener)
            self._listener = -1

    def _answer_one(self) -> None:
        question = bytearray(_QUESTION_BYTES)
        # ENOENT: who asked was killed meanwhile.
        with contextlib.suppress(FileNotFoundError):
            fcntl.ioctl(self._listener, _RECEIVE, question)
            number, task, _ = _QUESTION.unpack_from(question)
            if self._admits(task):
                reply = _ANSWER.pack(number, 0, 0, _CONTINUE)
            else:
                self.refused += 1
                reply = _ANSWER.pack(number, 0, -errno.EAGAIN, 0)
            fcntl.ioctl(self._listener, _SEND, reply)

    def _admits(self, task: int) -> bool:
        """Return whether one more task may start; `task` is who asked for it."""
        if self._closed_to_all:
            return False
        now = time.monotonic()
        # Counting is dear, so each admission adds one, and what has ended is found out only
        # when the sum reaches the limit.
        if self._estimate >= self.limit:
            if now < self._full_until:
                return False
            self._estimate = self._count(task, now)
            if self._estimate >= self.limit:
                self._full_until = now + _FULL_SECONDS
                return False
        self._estimate += 1
        self._asked[task] = now
        return True

    def _count(self, task: int, now: float) -> int:
        """Count tasks; one whose start was admitted just now may not show yet."""
        self._asked.pop(task, None)
        # Who sleeps or asks again has come back from its clone, which then shows.
        self._asked = {
            other: asked
            for other, asked in self._asked.items()
            if now - asked < _PENDING_SECONDS and processes.is_busy(other)
        }
        pending = len(self._asked)
        return processes.count_tasks(self._tree()) + pending
