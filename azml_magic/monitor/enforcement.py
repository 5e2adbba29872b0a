"""One run as the monitor sees it: its limits, its end."""

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
    """What a run needs of its monitor."""

    def release(self, run: ActiveRun) -> None:
        """Forget a run that is over, and delete its folder."""


class ActiveRun:
    """A run that the monitor looks after.

    Parameters
    ----------
    worker : Worker
        What runs it.
    limits : Limits
        What it may use up.
    control : socket
        The notebook's requests for this run come and its end is reported here; owned from now on.
    owner : RunOwner
        The monitor.
    fork_server : ForkServer
        What the worker was forked from.

    Attributes
    ----------
    over : bool
        Whether every process of the run is dead and the notebook knows.
    reason : str
        Why the monitor ended it (``"time"``, ``"cpu"``, ``"memory"``, ``"disk"``,
        ``"interrupt"``, ...); empty when the worker ended by itself.
    look_at : float
        When it is next to be compared with its limits, on the monotonic clock.
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
        """Carry out one request of the notebook."""
        request, _ = packets.receive(self.control, TO_RUN)
        if isinstance(request, KillRun):
            self.end(request.reason)
        else:
            self._release()

    def on_exited(self, status: int) -> None:
        """End what the worker left running, now that it has ended itself, and report."""
        self.worker.kill()
        self.worker.when_all_ended(lambda: self._report(status, self.worker.failure()))

    def on_not_forked(self, message: str) -> None:
        """Report that there is no worker."""
        self._report(0, f"no process could be started for the run: {message}")

    def enforce(self) -> None:
        """Compare the run with its limits; called every few hundredths of a second."""
        passed = self.usage.passed(self.worker.tree())
        if passed is not None:
            self.end(*passed)

    def end(self, reason: str, reached: float = 0) -> None:
        """Kill every process of the run; the worker's exit then reports it."""
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
        """Give up the control socket; what still runs is killed first."""
        self._released = True
        self.owner.forget(self.control)
        self.end("released")
        if self.over:
            self.owner.release(self)
        self.control.close()
