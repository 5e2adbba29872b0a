"""One run as the monitor sees it: its processes, its limits, its end."""

from __future__ import annotations

import contextlib
import os
import socket
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Protocol

from azml_magic.sandbox import processes
from azml_magic.sandbox.policy import Limits
from azml_magic.sandbox.supervise import TaskGate

DISK_SECONDS = 0.2


class Owner(Protocol):
    """What a run needs of its monitor."""

    def watch(self, source: Any, action: Callable[[], None]) -> None: ...
    def forget(self, source: Any) -> None: ...
    def tell(self, **message: Any) -> None: ...
    def fork_server_pid(self) -> int: ...


class ActiveRun:
    """The run that the monitor looks after now.

    Attributes
    ----------
    over : bool
        Whether every process of the run is dead and the notebook has been told.
    reason : str
        Why the monitor ended it (``"time"``, ``"memory"``, ``"tasks"``, ``"disk"``,
        ``"interrupt"``, ...); empty when the worker ended by itself.
    """

    def __init__(
        self, folder: Path, limits: Limits, listener_socket: socket.socket, owner: Owner
    ) -> None:
        self.folder = folder
        self.limits = limits
        self.owner = owner
        self.over = False
        self.reason = ""
        self.reached: float = 0
        self.gate: TaskGate | None = None
        self.worker = 0
        self._started = time.monotonic()
        self._disk_checked = self._started
        self._memory_peak = 0
        self._listener_socket: socket.socket | None = listener_socket
        owner.watch(listener_socket, self._on_listener)

    def on_forked(self, pidfd: int) -> None:
        """Learn the worker's process number, as this process's /proc knows it."""
        self.worker = processes.pid_of(pidfd)
        os.close(pidfd)

    def on_exited(self, status: int) -> None:
        """The worker itself has ended: end what it left running, and report."""
        self.kill_all()
        self.over = True
        self.owner.tell(
            op="ended",
            status=status,
            reason=self.reason,
            reached=self.reached,
            memory_peak=self._memory_peak,
            tasks_refused=self.gate.refused if self.gate is not None else 0,
        )
        self._close_gate()

    def enforce(self) -> None:
        """Compare the run with its limits; called every few hundredths of a second."""
        now = time.monotonic()
        if self.limits.seconds is not None and now - self._started > self.limits.seconds:
            return self.end("time", now - self._started)
        if not self.worker:
            return None
        memory = processes.tree_memory(self._tree(), self.limits.memory)
        self._memory_peak = max(self._memory_peak, memory)
        if memory > self.limits.memory:
            return self.end("memory", memory)
        if now - self._disk_checked > DISK_SECONDS:
            self._disk_checked = now
            size = processes.folder_bytes(str(self.folder))
            if size > self.limits.disk_bytes:
                return self.end("disk", size)
        return None

    def end(self, reason: str, reached: float = 0) -> None:
        """Kill every process of the run; the worker's exit then reports it."""
        if not self.reason:
            self.reason, self.reached = reason, reached
        self.kill_all()

    def kill_all(self) -> None:
        """Refuse new processes, then kill until none is left."""
        if self.gate is not None:
            self.gate.refuse_all()
        processes.kill_tree([os.getpid()], spare=[self.owner.fork_server_pid()])

    def _tree(self) -> list[int]:
        return processes.descendants([os.getpid()], spare=[self.owner.fork_server_pid()])

    def _on_listener(self) -> None:
        """Receive the listener of the worker's system call filter, once."""
        assert self._listener_socket is not None
        source, self._listener_socket = self._listener_socket, None
        self.owner.forget(source)
        with contextlib.suppress(OSError):
            _, descriptors, _, _ = socket.recv_fds(source, 16, 1)
            if descriptors:
                self.gate = TaskGate(descriptors[0], self.limits.tasks, self._tree)
                self.owner.watch(self.gate, self.gate.answer)
        source.close()

    def _close_gate(self) -> None:
        if self._listener_socket is not None:
            self.owner.forget(self._listener_socket)
            self._listener_socket.close()
        if self.gate is not None:
            self.owner.forget(self.gate)
            self.gate.close()
