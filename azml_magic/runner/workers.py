"""A worker as its monitor sees it: forked and confined ahead of its run, then told to run."""

from __future__ import annotations

import contextlib
import os
import select
import signal
import socket
from collections.abc import Callable, Collection
from dataclasses import replace
from pathlib import Path
from typing import Any, Protocol

from azml_magic.runner.fork_server import ForkServer
from azml_magic.sandbox import folders, processes
from azml_magic.sandbox.policy import Limits, Policy
from azml_magic.sandbox.supervise import TaskGate

RUN_FOLDERS = ("work", "start", "uploads", "previews")
ERROR_BYTES = 4096
_OPEN, _CLOSED = 0o700, 0o500


class Owner(Protocol):
    """What a worker and its run need of their monitor."""

    def watch(self, source: Any, action: Callable[[], object]) -> None:
        """Call `action` when `source` can be read."""

    def forget(self, source: Any) -> None:
        """Stop watching `source`."""

    def tell(self, **message: Any) -> None:
        """Report to the notebook."""

    def other_processes(self, worker: Worker) -> Collection[int]:
        """Return the processes below the monitor that are not those of a worker's run."""


class Worker:
    """One worker, from the request to fork it to the end of its folder.

    Parameters
    ----------
    number : int
        Tells it from the monitor's other workers.
    parent : Path
        Where its run folder is made.
    limits : Limits
        What it is confined to.
    owner : Owner
        The monitor.
    fork_server : ForkServer
        What it is forked from.

    Attributes
    ----------
    pid : int
        Its process number; 0 while that is not known.
    gate : TaskGate or None
        Answers its requests; there from the moment that it is confined.
    doomed : bool
        Whether the monitor has killed it, or will as soon as it knows its process.
    """

    def __init__(
        self, number: int, parent: Path, limits: Limits, owner: Owner, fork_server: ForkServer
    ) -> None:
        self.number = number
        self.limits = limits
        self.folder = parent / f"run-{number}"
        self.pid = 0
        self.gate: TaskGate | None = None
        self._owner = owner
        self._pidfd = -1
        self.doomed = False
        parent.chmod(_OPEN)
        self.folder.mkdir(mode=0o700)
        for name in RUN_FOLDERS:
            (self.folder / name).mkdir(mode=0o700)
        # Landlock keeps a run to its own folder; where there is none, this does.
        parent.chmod(_CLOSED)
        self._road: socket.socket | None
        self._road, listener = socket.socketpair(socket.AF_UNIX, socket.SOCK_STREAM)
        self._orders, orders = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        policy = Policy(
            readable=fork_server.readable,
            writable=(str(self.folder),),
            network=fork_server.network,
            limits=limits,
            level=fork_server.level,
        )
        fork_server.fork(number, self.folder, policy, [orders.detach(), listener.detach()])
        owner.watch(self._road, self._on_listener)

    def suits(self, limits: Limits) -> bool:
        """Return whether it is alive, and confined as a run with these limits must be.

        Wall clock and disk are the monitor's to watch.
        """
        expected = replace(limits, seconds=self.limits.seconds, disk_bytes=self.limits.disk_bytes)
        return self.limits == expected and not self.doomed and not self._has_ended()

    def _has_ended(self) -> bool:
        ending = select.poll()
        if self._pidfd >= 0:
            ending.register(self._pidfd, select.POLLIN)
        return bool(ending.poll(0))

    def order(self, descriptors: list[int]) -> None:
        """Hand it what it runs with; the caller's copies are closed.

        It takes them as soon as it is confined. One that has ended is noticed elsewhere.
        """
        with contextlib.suppress(OSError):
            socket.send_fds(self._orders, [b"run"], descriptors)
        for descriptor in descriptors:
            os.close(descriptor)

    def on_forked(self, pidfd: int) -> None:
        """Learn its process."""
        self._pidfd = pidfd
        self.pid = processes.pid_of(pidfd)
        if self.doomed:
            self.kill()

    def tree(self) -> list[int]:
        """Return the process numbers of its run.

        Nothing makes a process without asking the gate, so what asked for none has none.
        """
        if self.gate is not None and self.gate.processes:
            spare = self._owner.other_processes(self)
            return processes.descendants([os.getpid()], spare=spare)
        return [self.pid] if self.pid else []

    def kill(self) -> None:
        """Refuse new processes, then kill until none is left."""
        self.doomed = True
        if self.gate is not None:
            self.gate.refuse_all()
            if self.gate.processes:
                spare = self._owner.other_processes(self)
                processes.kill_tree([os.getpid()], spare=spare)
        if self._pidfd >= 0:
            with contextlib.suppress(ProcessLookupError):
                signal.pidfd_send_signal(self._pidfd, signal.SIGKILL)

    def failure(self) -> str:
        """Return why it could not confine itself; empty for one that could."""
        with contextlib.suppress(OSError):
            return self._orders.recv(ERROR_BYTES, socket.MSG_DONTWAIT).decode("utf-8", "replace")
        return ""

    def close(self) -> None:
        """Give up all that belongs to one that has ended, but for its folder."""
        self.pid = 0
        if self._road is not None:
            self._owner.forget(self._road)
            self._road.close()
        if self.gate is not None:
            self._owner.forget(self.gate)
            self.gate.close()
        self._orders.close()
        if self._pidfd >= 0:
            os.close(self._pidfd)
            self._pidfd = -1

    def remove_folder(self) -> None:
        """Delete its run folder."""
        self.folder.parent.chmod(_OPEN)
        folders.remove_tree(str(self.folder))

    def _on_listener(self) -> None:
        """Receive the listener of the worker's system call filter, once."""
        assert self._road is not None
        source, self._road = self._road, None
        self._owner.forget(source)
        with contextlib.suppress(OSError):
            _, descriptors, _, _ = socket.recv_fds(source, 16, 1)
            if descriptors:
                self.gate = TaskGate(descriptors[0], self.limits.tasks, self.tree)
                self._owner.watch(self.gate, self.gate.answer)
        source.close()
