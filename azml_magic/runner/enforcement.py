"""One run as the monitor sees it: its processes, its limits, its end."""

from __future__ import annotations

import contextlib
import os
import socket
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any, Protocol

from azml_magic.runner.fork_server import ForkServer
from azml_magic.runner.usage import Usage
from azml_magic.sandbox import processes
from azml_magic.sandbox.policy import Limits
from azml_magic.sandbox.supervise import TaskGate


class Owner(Protocol):
    """What a run needs of its monitor."""

    def watch(self, source: Any, action: Callable[[], object]) -> None:
        """Call `action` when `source` can be read."""

    def forget(self, source: Any) -> None:
        """Stop watching `source`."""

    def tell(self, **message: Any) -> None:
        """Report to the notebook."""


class ActiveRun:
    """The run that the monitor looks after now.

    Attributes
    ----------
    over : bool
        Whether every process of the run is dead and the notebook has been told.
    reason : str
        Why the monitor ended it (``"time"``, ``"cpu"``, ``"memory"``, ``"disk"``,
        ``"interrupt"``, ...); empty when the worker ended by itself.
    """

    def __init__(
        self,
        folder: Path,
        limits: Limits,
        listener_socket: socket.socket,
        owner: Owner,
        fork_server: ForkServer,
    ) -> None:
        self.folder = folder
        self.limits = limits
        self.owner = owner
        self.fork_server = fork_server
        self.over = False
        self.reason = ""
        self.reached: float = 0
        self.gate: TaskGate | None = None
        self.forked = False
        self.usage = Usage(folder, limits, fork_server)
        self._listener_socket: socket.socket | None = listener_socket
        owner.watch(listener_socket, self._on_listener)

    def on_forked(self, pidfd: int) -> None:
        """Learn that the worker is there; its limits count from now on."""
        os.close(pidfd)
        self.forked = True

    def on_exited(self, status: int) -> None:
        """End what the worker left running, now that it has ended itself, and report."""
        self.kill_all()
        self.over = True
        self.owner.tell(
            op="ended",
            status=status,
            reason=self.reason,
            reached=self.reached,
            limits=asdict(self.limits),
            memory_peak=self.usage.memory_peak,
            tasks_refused=self.gate.refused if self.gate is not None else 0,
        )
        self._close_gate()

    def enforce(self) -> None:
        """Compare the run with its limits; called every few hundredths of a second."""
        passed = self.usage.passed(self._tree() if self.forked else [])
        if passed is not None:
            self.end(*passed)

    def end(self, reason: str, reached: float = 0) -> None:
        """Kill every process of the run; the worker's exit then reports it."""
        if not self.reason:
            self.reason, self.reached = reason, reached
        self.kill_all()

    def kill_all(self) -> None:
        """Refuse new processes, then kill until none is left."""
        if self.gate is not None:
            self.gate.refuse_all()
        processes.kill_tree([os.getpid()], spare=self.fork_server.pids)

    def _tree(self) -> list[int]:
        return processes.descendants([os.getpid()], spare=self.fork_server.pids)

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
