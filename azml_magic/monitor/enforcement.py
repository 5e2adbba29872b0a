"""One run as the monitor sees it: its limits, its end."""

from __future__ import annotations

from azml_magic.monitor.fork_server import ForkServer
from azml_magic.monitor.usage import Usage
from azml_magic.monitor.workers import Owner, Worker
from azml_magic.protocol.limits import Limits
from azml_magic.protocol.messages import RunEnded


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
        self, worker: Worker, limits: Limits, owner: Owner, fork_server: ForkServer
    ) -> None:
        self.worker = worker
        self.owner = owner
        self.over = False
        self.reason = ""
        self.reached: float = 0
        self.usage = Usage(worker.folder, limits, fork_server.baseline, worker.reapers)

    def on_exited(self, status: int) -> None:
        """End what the worker left running, now that it has ended itself, and report."""
        self.worker.kill()
        self.worker.when_all_ended(lambda: self._report(status, self.worker.failure()))

    def on_not_forked(self, message: str) -> None:
        """Report that there is no worker."""
        self._report(0, f"no process could be started for the run: {message}")

    def _report(self, status: int, failure: str) -> None:
        self.over = True
        gate = self.worker.gate
        self.owner.tell(
            RunEnded(
                status=status,
                reason=self.reason,
                reached=self.reached,
                failure=failure,
                folder=str(self.worker.folder),
                memory_peak=self.usage.memory_peak,
                tasks_refused=gate.refused if gate is not None else 0,
            )
        )
        self.worker.close()

    def enforce(self) -> None:
        """Compare the run with its limits; called every few hundredths of a second."""
        passed = self.usage.passed(self.worker.tree())
        if passed is not None:
            self.end(*passed)

    def end(self, reason: str, reached: float = 0) -> None:
        """Kill every process of the run; the worker's exit then reports it."""
        if not self.reason:
            self.reason, self.reached = reason, reached
        self.worker.kill()
