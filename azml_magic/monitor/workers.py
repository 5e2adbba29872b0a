"""The monitor's side of a worker: forked and confined in advance, then given a run."""

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

from azml_magic.monitor.disposal import Disposal
from azml_magic.monitor.fork_server import ForkServer
from azml_magic.protocol import descriptors, packets
from azml_magic.protocol.job_header import RUN_FOLDERS
from azml_magic.protocol.limits import Limits
from azml_magic.protocol.policy import Policy
from azml_magic.sandbox import processes
from azml_magic.sandbox.supervise import TaskGate

ERROR_BYTES = 4096


class Owner(Protocol):
    """The parts of the monitor that a worker and its run use."""

    disposal: Disposal

    def watch(self, source: Any, action: Callable[[], object]) -> None:
        """Call `action` when `source` can be read."""

    def forget(self, source: Any) -> None:
        """Stop watching `source`."""

    def other_processes(self, worker: Worker) -> Collection[int]:
        """Return the descendants of the monitor that do not belong to a worker's run."""


class Worker:
    """One worker, from the request to fork it to the deletion of its folder.

    Parameters
    ----------
    number : int
        Distinguishes it from the monitor's other workers.
    parent : Path
        Where its run folder is created.
    limits : Limits
        Those that it is confined to.
    owner : Owner
        The monitor.
    fork_server : ForkServer
        The one that it is forked from.

    Attributes
    ----------
    pid : int
        Its process ID; 0 while unknown.
    first : int
        The first process of the run's own process namespace; 0 while unknown, or if there is
        none.
    gate : TaskGate or None
        Answers its requests; set once it is confined.
    doomed : bool
        Whether the monitor has killed it, or will as soon as it knows its process.
    """

    def __init__(
        self, number: int, parent: Path, limits: Limits, owner: Owner, fork_server: ForkServer
    ) -> None:
        self.number = number
        self.limits = limits
        self.folder = parent / f"run-{number}"
        self.pid = self.first = 0
        self.gate: TaskGate | None = None
        self._owner = owner
        self._fork_server = fork_server
        self._pidfd = self._first_pidfd = -1
        self.doomed = False
        self.folder.mkdir(mode=0o700)
        for name in RUN_FOLDERS:
            (self.folder / name).mkdir(mode=0o700)
        self._listener_socket: socket.socket | None
        self._listener_socket, listener = socket.socketpair(socket.AF_UNIX, socket.SOCK_STREAM)
        self._orders, orders = packets.pair()
        policy = Policy(
            readable=fork_server.readable,
            writable=(fork_server.seen(self.folder),),
            network=fork_server.network,
            limits=limits,
            level=fork_server.level,
        )
        fork_server.fork(number, self.folder, policy, [orders.detach(), listener.detach()])
        owner.watch(self._listener_socket, self._on_listener)

    def suits(self, limits: Limits) -> bool:
        """Return whether it is alive, and confined as a run with these limits must be.

        The monitor itself enforces the limits on time, disk and number of files.
        """
        own = self.limits
        expected = replace(limits, timeout=own.timeout, disk=own.disk, files=own.files)
        return own == expected and not self.doomed and not self._has_ended()

    def _has_ended(self) -> bool:
        ending = select.poll()
        if self._pidfd >= 0:
            ending.register(self._pidfd, select.POLLIN)
        return bool(ending.poll(0))

    def order(self, passed_on: list[int]) -> None:
        """Send it the descriptors of its run; the caller's copies are closed.

        It receives them as soon as it is confined. If it has ended, that is noticed elsewhere.
        """
        with contextlib.suppress(OSError):
            descriptors.send(self._orders, b"run", passed_on)
        for descriptor in passed_on:
            os.close(descriptor)

    def on_forked(self, pidfd: int, first_pidfd: int = -1) -> None:
        """Record its process, and the first one of its process namespace."""
        self._pidfd, self._first_pidfd = pidfd, first_pidfd
        self.pid = processes.pid_of(pidfd)
        if first_pidfd >= 0:
            self.first = processes.pid_of(first_pidfd)
        if self.doomed:
            self.kill()

    def tree(self) -> list[int]:
        """Return the process IDs of its run.

        No process is created without asking the gate, so a worker that did not ask is alone.
        """
        if self.gate is None or not self.gate.processes:
            return [self.pid] if self.pid else []
        if self._fork_server.level.namespaces:
            known = [pid for pid in (self.pid, self.first) if pid]
            return [*known[:1], *processes.descendants(known)]
        spare = self._owner.other_processes(self)
        return processes.descendants([os.getpid()], spare=spare)

    def reapers(self) -> list[int]:
        """Return the processes that reap the orphans of its run."""
        if self._fork_server.level.namespaces:
            return [self.first] if self.first else []
        return [os.getpid(), *self._fork_server.pids]

    def kill(self) -> None:
        """Kill all processes of its run; see :meth:`when_all_ended`."""
        self.doomed = True
        if self.gate is not None:
            self.gate.refuse_all()
        if self._first_pidfd >= 0:
            _kill(self._first_pidfd)
        elif (
            not self._fork_server.level.namespaces and self.gate is not None and self.gate.processes
        ):
            # Without a process namespace, killing is repeated until nothing is left.
            spare = self._owner.other_processes(self)
            processes.kill_tree([os.getpid()], spare=spare)
        if self._pidfd >= 0:
            _kill(self._pidfd)

    def when_all_ended(self, action: Callable[[], object]) -> None:
        """Call `action` once every process of its run has ended; they have been killed."""
        if self._first_pidfd < 0 or self.gate is None or not self.gate.processes:
            action()
            return

        def on_end() -> None:
            self._owner.forget(self._first_pidfd)
            action()

        self._owner.watch(self._first_pidfd, on_end)

    def failure(self) -> str:
        """Return why it could not confine itself; empty for one that could."""
        # If it ended without reading its orders, that is reported once, before what it sent.
        for _ in range(2):
            with contextlib.suppress(OSError):
                said = self._orders.recv(ERROR_BYTES, socket.MSG_DONTWAIT)
                return said.decode("utf-8", "replace")
        return ""

    def close(self) -> None:
        """Release everything of a worker that has ended, except its folder."""
        self.pid = self.first = 0
        if self._listener_socket is not None:
            self._owner.forget(self._listener_socket)
            self._listener_socket.close()
        if self.gate is not None:
            self._owner.forget(self.gate)
            self.gate.close()
        self._orders.close()
        for pidfd in (self._pidfd, self._first_pidfd):
            if pidfd >= 0:
                os.close(pidfd)
        self._pidfd = self._first_pidfd = -1

    def remove_folder(self) -> None:
        """Have its run folder deleted."""
        self._owner.disposal.delete(self.folder)

    def _on_listener(self) -> None:
        """Receive the listener of the worker's system call filter, once."""
        assert self._listener_socket is not None
        source, self._listener_socket = self._listener_socket, None
        self._owner.forget(source)
        with contextlib.suppress(OSError):
            _, received = descriptors.receive(source, 16, 1)
            if received:
                self.gate = TaskGate(
                    received[0],
                    self.limits.tasks,
                    self.tree,
                    signals_are_scoped=self._fork_server.signals_are_scoped,
                )
                self._owner.watch(self.gate, self.gate.answer)
        source.close()


def tell(endpoint: socket.socket, message: Any) -> None:
    """Report to the notebook; if that has ended, this is noticed elsewhere."""
    with contextlib.suppress(OSError):
        packets.send(endpoint, message)


def _kill(pidfd: int) -> None:
    with contextlib.suppress(ProcessLookupError):
        signal.pidfd_send_signal(pidfd, signal.SIGKILL)
