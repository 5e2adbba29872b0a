"""The monitor's gate: it decides on system calls about which the kernel asks.

New processes and threads, pairs of sockets, pipes, watches, timers and queued signals are allowed
up to their limits; where the kernel cannot confine signals, the monitor sends them. Only registers
are examined: nothing is read from the run's memory, which could be changed after the check.
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

from azml_magic.sandbox import kernel, measure, processes
from azml_magic.sandbox.rules import FIRST_QUEUED, SIGNAL_NUMBERS
from azml_magic.sandbox.syscalls import NUMBERS

# struct seccomp_notif: id, pid, flags, then struct seccomp_data with number, architecture,
# instruction pointer and arguments; and struct seccomp_notif_resp.
_QUESTION_BYTES = 80
_QUESTION = struct.Struct("<QIIiIQ3q")
_ANSWER = struct.Struct("<QqiI")
_RECEIVE, _SEND = 0xC0502100, 0xC0182101
_CONTINUE = 1
_NEW_THREAD = 0x00010000

# An allowed clone is visible in /proc within this time, even on a very busy machine.
_PENDING_SECONDS = 1.0
# At the limit, resources are recounted this often, not at each attempt of a fork bomb; less often
# where counting is expensive.
_FULL_SECONDS = 0.005
_PAUSE_FACTOR = 10
# How long requests are answered before the monitor returns to its other work.
_LONGEST_SECONDS = 0.005
# Each socket can hold a fifth of a megabyte that is not attributed to any process.
SOCKETS = 512
# The kernel limits the following per user (docs/security.md has the table): a run gets a small
# part, so that enough is left for the user's other programs and runs.
PIPES = 192
WATCHES = 8192
# Resources that a process can hide from counting have a limit over the whole run.
WATCHES_EVER = 100_000
QUEUED_SIGNALS_EVER = 500
TIMERS_EVER = 128


class TaskGate:
    """Decides on a run's requests for new processes, threads and resources limited per user.

    Parameters
    ----------
    listener : int
        The filter's listener; the gate takes ownership.
    limit : int
        Maximum number of simultaneous processes and threads.
    tree : callable
        Returns the process ids of the run.
    signals_are_scoped : bool
        Whether the kernel confines signals to the run.

    Attributes
    ----------
    refused : int
        Number of new tasks that were refused.
    processes : int
        Number of new processes, without threads, that were allowed.
    """

    def __init__(
        self,
        listener: int,
        limit: int,
        tree: Callable[[], list[int]],
        *,
        signals_are_scoped: bool = False,
    ) -> None:
        self.refused = 0
        self.processes = 0
        self._listener = listener
        self._tree = tree
        self._closed_to_all = False
        self._asked: dict[int, float] = {}
        self._tasks = _Budget(limit, self._count_tasks)
        self._sockets = _Budget(SOCKETS, lambda: measure.count_sockets(tree()))
        self._pipes = _Budget(PIPES, lambda: measure.count_pipes(tree()))
        self._watches = _Budget(WATCHES, lambda: measure.count_watches(tree()))
        self._watches_left = WATCHES_EVER
        self._signals_left = QUEUED_SIGNALS_EVER
        self._timers_left = TIMERS_EVER
        self._signals_are_scoped = signals_are_scoped
        calls = NUMBERS[kernel.machine()]
        self._decide: dict[int | None, Callable[[int, list[int]], int | None]] = {
            calls.get(name): decide
            for name, decide in {
                "clone": self._on_clone,
                "socketpair": self._on_socket_pair,
                "pipe": self._on_pipe,
                "pipe2": self._on_pipe,
                "epoll_ctl": self._on_watch,
                "timer_create": self._on_timer,
                **{name: self._on_signal_of(name) for name in SIGNAL_NUMBERS},
            }.items()
        }

    def fileno(self) -> int:
        """Return the descriptor that is readable when :meth:`answer` has something to do."""
        return self._listener

    def answer(self) -> bool:
        """Answer pending requests without waiting, for a short time only.

        A run can send requests without end, and must not delay limits and the notebook.

        Returns
        -------
        bool
            False if no more requests can come, as all processes under the filter have ended.
        """
        waiting = select.poll()
        waiting.register(self._listener, select.POLLIN)
        ends = time.monotonic() + _LONGEST_SECONDS
        while ready := waiting.poll(0):
            if not ready[0][1] & select.POLLIN:
                return False
            self._answer_one()
            if time.monotonic() > ends:
                break
        return True

    def refuse_all(self) -> None:
        """Refuse all new tasks from now on."""
        self._closed_to_all = True

    def close(self) -> None:
        """Close the listener; the kernel itself then refuses all new tasks."""
        if self._listener >= 0:
            os.close(self._listener)
            self._listener = -1

    def _answer_one(self) -> None:
        question = bytearray(_QUESTION_BYTES)
        # ENOENT: the requesting task was killed meanwhile.
        with contextlib.suppress(FileNotFoundError):
            fcntl.ioctl(self._listener, _RECEIVE, question)
            identity, task, _, call, _, _, *values = _QUESTION.unpack_from(question)
            decide = self._decide.get(call, self._on_new_process)
            answer = errno.EAGAIN if self._closed_to_all else decide(task, values)
            if answer is None:
                reply = _ANSWER.pack(identity, 0, 0, _CONTINUE)
            else:
                reply = _ANSWER.pack(identity, 0, -answer, 0)
            fcntl.ioctl(self._listener, _SEND, reply)

    def _on_new_task(self, task: int, values: list[int]) -> int | None:
        """Return an error number, or ``None`` to allow the new task that `task` requested."""
        self._asked.pop(task, None)
        if not self._tasks.admits(1):
            self.refused += 1
            return errno.EAGAIN
        self._asked[task] = time.monotonic()
        return None

    def _on_new_process(self, task: int, values: list[int]) -> int | None:
        answer = self._on_new_task(task, values)
        self.processes += answer is None
        return answer

    def _on_clone(self, task: int, values: list[int]) -> int | None:
        if values[0] & _NEW_THREAD:
            return self._on_new_task(task, values)
        return self._on_new_process(task, values)

    def _on_socket_pair(self, task: int, values: list[int]) -> int | None:
        return None if self._sockets.admits(2) else errno.ENFILE

    def _on_pipe(self, task: int, values: list[int]) -> int | None:
        return None if self._pipes.admits(1) else errno.ENFILE

    def _on_watch(self, task: int, values: list[int]) -> int | None:
        if self._watches_left <= 0 or not self._watches.admits(1):
            return errno.ENOSPC
        self._watches_left -= 1
        return None

    def _on_timer(self, task: int, values: list[int]) -> int | None:
        self._timers_left -= 1
        return None if self._timers_left >= 0 else errno.EAGAIN

    def _on_signal_of(self, call: str) -> Callable[[int, list[int]], int | None]:
        """Return the handler for the signals of a system call."""
        place = SIGNAL_NUMBERS[call]
        thread = call in {"tgkill", "rt_tgsigqueueinfo"}
        sent_here = call in {"kill", "tgkill"}

        def decide(task: int, values: list[int]) -> int | None:
            # Process ids and signals are 32 bits wide; the upper halves are ignored.
            target, number = (_signed(values[0]), _signed(values[place]))
            if number >= FIRST_QUEUED:
                self._signals_left -= 1
                if self._signals_left < 0:
                    return errno.EAGAIN
            if self._signals_are_scoped or _is_own(task, target):
                return None
            if sent_here and not (thread and target < 0):
                return processes.signal_within(self._tree(), target, number)
            return errno.EPERM

        return decide

    def _count_tasks(self) -> int:
        """Count tasks, including those just admitted that may not be visible yet."""
        now = time.monotonic()
        # A task that sleeps or asks again has returned from its clone, which is then visible.
        self._asked = {
            other: asked
            for other, asked in self._asked.items()
            if now - asked < _PENDING_SECONDS and processes.is_busy(other)
        }
        pending = len(self._asked)
        return measure.count_tasks(self._tree()) + pending


def _signed(value: int) -> int:
    return (value + (1 << 31)) % (1 << 32) - (1 << 31)


def _is_own(task: int, target: int) -> bool:
    """Return whether a thread belongs to a process, which cannot end during the request."""
    return target > 0 and os.path.exists(f"/proc/{target}/task/{task}")


class _Budget:
    """A limit of the number of simultaneous resources of a kind.

    As counting is expensive, each admission adds to an estimate, and the resources are recounted
    only when the estimate reaches the limit.
    """

    def __init__(self, limit: int, count: Callable[[], int]) -> None:
        self._limit = limit
        self._count = count
        self._estimate = limit
        self._full_until = 0.0

    def admits(self, more: int) -> bool:
        if self._estimate + more > self._limit:
            begun = time.monotonic()
            if begun < self._full_until:
                return False
            self._estimate = self._count()
            if self._estimate + more > self._limit:
                now = time.monotonic()
                self._full_until = now + max(_FULL_SECONDS, _PAUSE_FACTOR * (now - begun))
                return False
        self._estimate += more
        return True
