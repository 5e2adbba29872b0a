"""The monitor's side of one run: its limits and its end."""

from __future__ import annotations

import socket
from typing import Protocol

from azml_magic.monitor.fork_server import ForkServer
from azml_magic.monitor.usage import Usage
from azml_magic.monitor.workers import Owner, Worker, tell
from azml_magic.protocol import packets
from azml_magic.protocol.limits import Limits
from azml_magic.protocol.messages import TO_RUN, KillRun, RunEnded


class RunOwner(Owner, Protocol):
    """The parts of the monitor that a run uses."""

    def release(self, run: ActiveRun) -> None:
        """Forget a run that is over, and delete its folder."""


class ActiveRun:
    """A run that the monitor supervises.

    Parameters
    ----------
    worker : Worker
        The worker that runs it.
    limits : Limits
        Its limits.
    control : socket
        Receives the notebook's requests for this run, and carries the report of its end; owned
        by this object from now on.
    owner : RunOwner
        The monitor.
    fork_server : ForkServer
        The one that the worker was forked from.

    Attributes
    ----------
    over : bool
        Whether every process of the run has ended and this has been reported.
    reason : str
        Why the monitor ended it (``"time"``, ``"cpu"``, ``"memory"``, ``"disk"``,
        ``"interrupt"``, ...); empty when the worker ended by itself.
    look_at : float
        When its limits are to be checked next, on the monotonic clock.
    """

    def __init__(
        self,
        worker: Worker,
        limits: Limits,
        control: socket.socket,
        owner: RunOwner,
        fork_server: ForkServer,
    ) -> None:
        self.worker = worker
        self.control = control
        self.owner = owner
        self.over = False
        self.reason = ""
        self.reached: float = 0
        self.look_at = 0.0
        self.usage = Usage(worker.folder, limits, fork_server.baseline, worker.reapers)
        self._released = False
        owner.watch(control, self.on_request)

    def on_request(self) -> None:
        """Carry out one request from the notebook."""
        request, _ = packets.receive(self.control, TO_RUN)
        if isinstance(request, KillRun):
            self.end(request.reason)
        else:
            self._release()

    def on_exited(self, status: int) -> None:
        """Kill what the worker left running, now that it has ended, and report."""
        self.worker.kill()
        self.worker.when_all_ended(lambda: self._report(status, self.worker.failure()))

    def on_not_forked(self, message: str) -> None:
        """Report that no worker could be forked."""
        self._report(0, f"no process could be started for the run: {message}")

    def enforce(self) -> None:
        """Check the limits of the run; called every few hundredths of a second."""
        passed = self.usage.passed(self.worker.tree())
        if passed is not None:
            self.end(*passed)

    def end(self, reason: str, reached: float = 0) -> None:
        """Kill every process of the run; the report follows when the worker has exited."""
        if self.over:
            return
        if not self.reason:
            self.reason, self.reached = reason, reached
        self.worker.kill()

    def _report(self, status: int, failure: str) -> None:
        self.over = True
        gate = self.worker.gate
        tell(
            self.control,
            RunEnded(
                status=status,
                reason=self.reason,
                reached=self.reached,
                failure=failure,
                folder=str(self.worker.folder),
                memory_peak=self.usage.memory_peak,
                tasks_refused=gate.refused if gate is not None else 0,
            ),
        )
        self.worker.close()
        if self._released:
            self.owner.release(self)

    def _release(self) -> None:
        """Close the control socket, after killing what still runs."""
        self._released = True
        self.owner.forget(self.control)
        self.end("released")
        if self.over:
            self.owner.release(self)
        self.control.close()
