"""The monitor: the small trusted process between the notebook and its runs.

It is responsible for run folders, limits, killing and cleaning up. It uses the standard library
only, and never interprets a byte that a run produced: data, output and errors go directly from
the worker to the notebook. It ends when the notebook ends, for whatever reason.
"""

from __future__ import annotations

import contextlib
import os
import selectors
import signal
import socket
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from azml_magic.monitor import caches
from azml_magic.monitor.disposal import Disposal
from azml_magic.monitor.enforcement import ActiveRun
from azml_magic.monitor.fork_server import ForkServer
from azml_magic.monitor.workers import Worker, tell
from azml_magic.protocol import packets
from azml_magic.protocol.codec import from_json
from azml_magic.protocol.limits import Access, Limits
from azml_magic.protocol.messages import (
    TO_MONITOR,
    Broken,
    Caches,
    Forked,
    ForkServerReady,
    MonitorOrder,
    MonitorReady,
    NotForked,
    PrepareWorker,
    Refused,
    StartRun,
    WorkerExited,
)
from azml_magic.protocol.policy import Level
from azml_magic.sandbox import folders, processes, resources
from azml_magic.sandbox.probe import probe
from azml_magic.sandbox.supervise import TaskGate
from azml_magic.temporary import HINT, NoTemporaryFolder, OwnFolder

POLL_SECONDS = 0.04
FOLDER_KIND = "azml_magic-runs"
CACHES_KIND = "azml_magic-caches"
FILES_OPEN = "files-open"


def main() -> None:
    """Serve the notebook; ``argv[1]`` is a :class:`MonitorOrder`."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    order = from_json(MonitorOrder, sys.argv[1])
    notebook = socket.socket(fileno=order.descriptor)
    try:
        notebook_process = os.pidfd_open(order.owner)
    except ProcessLookupError:  # it has ended in the meantime
        return
    processes.become_subreaper()
    resources.raise_open_files()
    with contextlib.ExitStack() as owned:
        try:
            folder = owned.enter_context(OwnFolder(FOLDER_KIND, folders.remove_tree)).path
            lasting = caches.lasting()
            cache_folder = lasting or owned.enter_context(OwnFolder(CACHES_KIND)).path
            caches.furnish(cache_folder)
        except (NoTemporaryFolder, OSError) as error:
            tell(notebook, Broken(_message(error), HINT))
            return
        monitor = Monitor(
            notebook,
            notebook_process,
            folder,
            Caches(str(cache_folder), last=lasting is not None),
        )
        monitor.start(order.access, order.package_folders)
        try:
            monitor.serve()
        finally:
            monitor.close()


class Monitor:
    """One monitor process.

    Parameters
    ----------
    notebook : socket
        Carries requests and reports (sequenced packets of JSON); each run also has a control
        socket.
    notebook_process : int
        A pidfd of the notebook's process; readable when that has ended.
    folder : Path
        Where run folders are created.
    caches : Caches
        Where caches are kept.
    """

    def __init__(
        self,
        notebook: socket.socket,
        notebook_process: int,
        folder: Path,
        caches: Caches,
    ) -> None:
        self.notebook = notebook
        self.folder = folder
        self.caches = caches
        # Runs and workers by the number of the worker.
        self.runs: dict[int, ActiveRun] = {}
        self.workers: dict[int, Worker] = {}
        self.waiting: Worker | None = None
        self.expected: Limits | None = None
        self.ready = False
        self.forked = 0
        self.serving = True
        self.fork_server: ForkServer | None = None
        self.disposal = Disposal()
        # Not epoll: it counts against a limit per user, which a run could have exhausted.
        self.selector = selectors.PollSelector()
        self.watch(notebook, self.on_request)
        self.watch(notebook_process, self.stop)

    def start(self, access: Access, package_folders: Sequence[str]) -> None:
        """Find out what can be enforced, and start the fork server or refuse."""
        found = probe()
        if found.unsettled:
            tell(self.notebook, Broken(found.missing_base))
            return
        if access.confinement == FILES_OPEN:
            level, refusal = Level.FILES_OPEN, found.missing_base
        else:
            level, refusal = found.level, found.refusal
        if refusal:
            tell(self.notebook, Refused(refusal))
            return
        self.confinement = found.describe(level)
        try:
            self.fork_server = ForkServer(
                self.folder, level, access, package_folders, Path(self.caches.folder)
            )
        except OSError as error:
            tell(self.notebook, Broken(str(error)))
            return
        self.watch(self.fork_server.socket, self.on_server)

    def serve(self) -> None:
        """Serve requests until the notebook has ended."""
        while self.serving:
            # A worker's requests come last: there may be no end to them.
            for key, _ in sorted(self.selector.select(self.seconds_to_look()), key=_comes_last):
                # Handling an earlier one may have closed this one.
                if self.selector.get_map().get(key.fd) is key:
                    key.data()
            now = time.monotonic()
            for run in list(self.runs.values()):
                if not run.over and run.look_at <= now:
                    run.enforce()
                    run.look_at = time.monotonic() + POLL_SECONDS

    def seconds_to_look(self) -> float | None:
        """Return the seconds until limits are to be checked next; None if nothing is running."""
        due = [run.look_at for run in self.runs.values() if not run.over]
        return max(0.0, min(due) - time.monotonic()) if due else None

    def close(self) -> None:
        """End everything that this monitor started."""
        for worker in self.workers.values():
            worker.kill()
        if self.fork_server is not None:
            self.fork_server.end()
        processes.kill_tree([os.getpid()], spare=[])
        self.disposal.close()

    def watch(self, source: Any, action: Callable[[], object]) -> None:
        """Call `action` when `source` can be read."""
        self.selector.register(source, selectors.EVENT_READ, action)

    def forget(self, source: Any) -> None:
        """Stop watching `source`."""
        self.selector.unregister(source)

    def stop(self) -> None:
        """Leave :meth:`serve`."""
        self.serving = False

    def on_request(self) -> None:
        """Carry out one request from the notebook."""
        request, descriptors = packets.receive(self.notebook, TO_MONITOR)
        if request is None:
            self.stop()
        elif isinstance(request, StartRun):
            self.begin(request.limits, descriptors)
        elif isinstance(request, PrepareWorker):
            self.prepare(request.limits)

    def begin(self, limits: Limits, descriptors: list[int]) -> None:
        """Start a run, in the waiting worker if that is confined as this run must be."""
        assert self.fork_server is not None
        control = socket.socket(fileno=descriptors.pop(0))
        worker, self.waiting = self.waiting, None
        if worker is None or not worker.suits(limits):
            if worker is not None:
                worker.kill()
            try:
                worker = self.fork(limits)
            except OSError as error:
                for descriptor in descriptors:
                    os.close(descriptor)
                # On a full disk, for example.
                message = f"no run folder can be created in {self.folder}: {_message(error)}"
                tell(control, Broken(message, HINT))
                control.close()
                return
        worker.order(descriptors)
        # While one processor runs the module, another is free.
        self.fork_server.expect()
        run = ActiveRun(worker, limits, control, self, self.fork_server)
        run.look_at = time.monotonic() + POLL_SECONDS
        self.runs[worker.number] = run

    def fork(self, limits: Limits) -> Worker:
        """Request a worker from the fork server."""
        assert self.fork_server is not None
        self.forked += 1
        worker = Worker(self.forked, self.folder, limits, self, self.fork_server)
        self.workers[worker.number] = worker
        return worker

    def other_processes(self, worker: Worker) -> list[int]:
        """Return the fork server's processes and those of all other workers."""
        assert self.fork_server is not None
        others = [other for other in self.workers.values() if other is not worker]
        for other in others:
            # While being forked, it cannot be distinguished from the processes of the run.
            if not other.pid:
                other.kill()
        return [*self.fork_server.pids, *(other.pid for other in others)]

    def on_server(self) -> None:
        """Handle a report from the fork server."""
        assert self.fork_server is not None
        report, descriptors = self.fork_server.receive()
        if report is None:
            return self.on_server_gone(self.fork_server)
        if isinstance(report, ForkServerReady):
            self.fork_server.on_ready(descriptors[0])
            self.ready = True
            serves_many = self.fork_server.level.namespaces
            tell(self.notebook, MonitorReady(self.confinement, serves_many, self.caches))
            if self.expected is not None:
                self.prepare(self.expected)
        elif isinstance(report, Forked):
            self.workers[report.number].on_forked(*descriptors)
        elif isinstance(report, NotForked):
            self.on_not_forked(self.workers.pop(report.number), report.message)
        elif isinstance(report, WorkerExited):
            self.on_exited(self.workers.pop(report.number), report.status)
        return None

    def on_exited(self, worker: Worker, status: int) -> None:
        """End the run of a worker that has exited, or clean up a worker that had no run."""
        run = self.runs.get(worker.number)
        if run is not None:
            run.on_exited(status)
            self.prepare(worker.limits)
            return
        worker.kill()
        worker.close()
        worker.remove_folder()
        if worker is self.waiting:
            self.waiting = None
            # One that ended by itself would probably do so again.
            if worker.doomed:
                self.prepare(worker.limits)

    def on_not_forked(self, worker: Worker, message: str) -> None:
        """Report that a run has no worker; if none is waiting, the next run requests its own."""
        run = self.runs.get(worker.number)
        if run is not None:
            run.on_not_forked(message)
            return
        worker.close()
        worker.remove_folder()
        if worker is self.waiting:
            self.waiting = None

    def prepare(self, limits: Limits) -> None:
        """Prepare a worker for the next run, which will probably have these limits."""
        self.expected = limits
        if not self.ready or self.waiting is not None or self.fork_server is None:
            return
        # Where access to files is not confined, a run could access the next one's folder.
        if self.fork_server.level is not Level.FILES_OPEN:
            # The cause is reported when a run needs a worker and gets none.
            with contextlib.suppress(OSError):
                self.waiting = self.fork(limits)

    def on_server_gone(self, fork_server: ForkServer) -> None:
        """Report why the fork server ended, and stop: without it, a monitor is useless."""
        broken = Broken(fork_server.last_words())
        for endpoint in (self.notebook, *(run.control for run in self.runs.values())):
            tell(endpoint, broken)
        self.stop()

    def release(self, run: ActiveRun) -> None:
        """Delete the run folder once the notebook has read the images in it."""
        del self.runs[run.worker.number]
        run.worker.remove_folder()


def _message(error: Exception) -> str:
    """Return the text of an error, without a number or a hint."""
    return getattr(error, "message", "") or getattr(error, "strerror", "") or str(error)


def _comes_last(ready: tuple[selectors.SelectorKey, int]) -> bool:
    return isinstance(ready[0].fileobj, TaskGate)
