"""The monitor's gate: it answers what the kernel holds a run for.

New processes and threads, pairs of sockets, pipes, watches, timers and queued signals are let
through while there are not too many; signals, where the kernel cannot confine them, are sent by
the monitor. Only registers are looked at: nothing is read from the run's memory that it could
change behind the answer.
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

# A clone that was let through shows in /proc within this time, on the busiest machine.
_PENDING_SECONDS = 1.0
# At the limit, things are counted anew this often, not at each attempt of a fork bomb; and where
# counting is expensive, less often.
_FULL_SECONDS = 0.005
_PAUSE_FACTOR = 10
# How long requests are answered before the monitor looks at everything else again.
_LONGEST_SECONDS = 0.005
# Each socket can hold a fifth of a megabyte that no process is seen to have.
SOCKETS = 512
# What follows the kernel counts for a person (docs/security.md has the table): a run gets a
# small part of it, so that the person's other programs and runs have theirs.
PIPES = 192
WATCHES = 8192
# Of things that a process can hide from being counted, there is an end over the whole run.
WATCHES_EVER = 100_000
QUEUED_SIGNALS_EVER = 500
TIMERS_EVER = 128


class TaskGate:
    """Answers a run's requests for new processes and threads, and for what a person's count has.

    Parameters
    ----------
    listener : int
        The filter's listener; the gate owns it from now on.
    limit : int
        Processes and threads at a time.
    tree : callable
        Returns the process numbers of the run.
    signals_are_scoped : bool
        Whether the kernel keeps its signals within the run.

    Attributes
    ----------
    refused : int
        How often a new task was refused.
    processes : int
        How many new processes were let through; a thread is none.
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
        """Return the descriptor to wait on until :meth:`answer` has something to do."""
        return self._listener

    def answer(self) -> bool:
        """Answer what is asked now, without waiting, and for a moment only.

        A run can ask without end; limits and the notebook must not wait for it.

        Returns
        -------
        bool
            False when nothing more can be asked: every process under the filter has ended.
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
            identity, task, _, call, _, _, *values = _QUESTION.unpack_from(question)
            decide = self._decide.get(call, self._on_new_process)
            answer = errno.EAGAIN if self._closed_to_all else decide(task, values)
            if answer is None:
                reply = _ANSWER.pack(identity, 0, 0, _CONTINUE)
            else:
                reply = _ANSWER.pack(identity, 0, -answer, 0)
            fcntl.ioctl(self._listener, _SEND, reply)

    def _on_new_task(self, task: int, values: list[int]) -> int | None:
        """Return an error number, or None to let one more task start; `task` asked for it."""
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
        """Return what decides on the signals of one call."""
        place = SIGNAL_NUMBERS[call]
        thread = call in {"tgkill", "rt_tgsigqueueinfo"}
        sent_here = call in {"kill", "tgkill"}

        def decide(task: int, values: list[int]) -> int | None:
            # Process numbers and signals are 32 bits wide, whatever stands above them.
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
        """Count tasks; one whose start was admitted just now may not show yet."""
        now = time.monotonic()
        # Who sleeps or asks again has come back from its clone, which then shows.
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
    """Return whether a thread belongs to a process; while it asks, its process goes on."""
    return target > 0 and os.path.exists(f"/proc/{target}/task/{task}")


class _Budget:
    """How many there may be at a time.

    Counting is expensive, so each admission adds to an estimate, and what has ended is found out
    only when that reaches the limit.
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
