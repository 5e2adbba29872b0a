"""The monitor: the small trusted process between the notebook and its runs.

It owns the run folder, the limits, killing and cleaning up. It uses the standard library
only, and never interprets a byte that a run produced: data, output and errors go past it
from the worker to the notebook. It ends with the notebook, however that ends.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import selectors
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from azml_magic.runner import launch
from azml_magic.runner.enforcement import ActiveRun
from azml_magic.sandbox import processes
from azml_magic.sandbox.policy import Limits, Policy, readable_paths
from azml_magic.sandbox.probe import probe

MESSAGE_BYTES = 1 << 18
POLL_SECONDS = 0.04
ERROR_TEXT_BYTES = 4096
FOLDER_PREFIX = "azml_magic-"
RUN_FOLDERS = ("work", "start", "uploads", "previews")


def main() -> None:
    """Serve the notebook on the socket whose descriptor is ``argv[1]``; its pid is ``argv[2]``."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    notebook = socket.socket(fileno=int(sys.argv[1]))
    processes.become_subreaper()
    with _own_folder() as folder:
        monitor = Monitor(notebook, os.pidfd_open(int(sys.argv[2])), folder, sys.argv[3:])
        try:
            monitor.serve()
        finally:
            monitor.close()


@contextlib.contextmanager
def _own_folder() -> Any:
    """Make the folder of this monitor's runs, after clearing those of monitors that died."""
    base = Path(tempfile.gettempdir())
    _clear_abandoned(base)
    folder = Path(tempfile.mkdtemp(prefix=FOLDER_PREFIX, dir=base))
    lock = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    fcntl.flock(lock, fcntl.LOCK_EX)
    try:
        yield folder
    finally:
        processes.remove_tree(str(folder))


def _clear_abandoned(base: Path) -> None:
    for folder in base.glob(f"{FOLDER_PREFIX}*"):
        with contextlib.suppress(OSError):
            if folder.stat(follow_symlinks=False).st_uid != os.getuid():
                continue
            lock = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                processes.remove_tree(str(folder))
            finally:
                os.close(lock)


class Monitor:
    """The life of one monitor process.

    Parameters
    ----------
    notebook : socket
        Requests come and reports go here (sequenced packets of JSON).
    notebook_process : int
        A pidfd of the notebook's process; readable when it is gone.
    folder : Path
        Where run folders are made.
    package_folders : list of str
        Further folders of installed packages for the fork server.
    """

    def __init__(
        self,
        notebook: socket.socket,
        notebook_process: int,
        folder: Path,
        package_folders: list[str],
    ) -> None:
        self.notebook = notebook
        self.folder = folder
        self.package_folders = package_folders
        self.run: ActiveRun | None = None
        self.runs = 0
        self.serving = True
        self.selector = selectors.DefaultSelector()
        self.watch(notebook, self.on_request)
        self.watch(notebook_process, self.stop)
        self.capabilities = probe()
        self.fork_server: subprocess.Popen[bytes] | None = None
        if not self.capabilities.refusal:
            self.start_fork_server()
        else:
            self.tell(op="refused", message=self.capabilities.refusal)

    def serve(self) -> None:
        """Answer until the notebook is gone."""
        while self.serving:
            timeout = POLL_SECONDS if self.run is not None and not self.run.over else None
            for key, _ in self.selector.select(timeout):
                key.data()
            if self.run is not None and not self.run.over:
                self.run.enforce()

    def close(self) -> None:
        """End everything that this monitor started."""
        if self.run is not None:
            self.run.kill_all()
        if self.fork_server is not None:
            self.fork_server.kill()
            self.fork_server.wait()
        processes.kill_tree([os.getpid()], spare=[])

    def watch(self, source: Any, action: Callable[[], None]) -> None:
        """Call `action` when `source` can be read."""
        self.selector.register(source, selectors.EVENT_READ, action)

    def forget(self, source: Any) -> None:
        """Stop watching `source`."""
        self.selector.unregister(source)

    def fork_server_pid(self) -> int:
        """Return the process number of the fork server, which outlives runs."""
        assert self.fork_server is not None
        return self.fork_server.pid

    def stop(self) -> None:
        """Leave :meth:`serve`."""
        self.serving = False

    def tell(self, **message: Any) -> None:
        """Report to the notebook; one that is gone is noticed elsewhere."""
        with contextlib.suppress(OSError):
            self.notebook.send(json.dumps(message).encode())

    def start_fork_server(self) -> None:
        """Start the process that workers are forked from; it reports when it is ready."""
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self.errors = tempfile.TemporaryFile()
        cache = launch.environment()
        Path(cache["MPLCONFIGDIR"]).mkdir(parents=True, exist_ok=True)
        self.fork_server = subprocess.Popen(
            launch.command(
                "worker.server", str(theirs.fileno()), *self.package_folders, site_packages=True
            ),
            pass_fds=[theirs.fileno()],
            stdin=subprocess.DEVNULL,
            stdout=self.errors,
            stderr=self.errors,
            env=cache,
            cwd="/",
        )
        theirs.close()
        self.server_socket = ours
        self.watch(ours, self.on_server)

    def on_request(self) -> None:
        """Carry out one request of the notebook."""
        data, descriptors, _, _ = socket.recv_fds(self.notebook, MESSAGE_BYTES, 8)
        if not data:
            return self.stop()
        request = json.loads(data)
        if request["op"] == "run":
            self.begin(request, descriptors)
        elif request["op"] == "kill" and self.run is not None:
            self.run.end(request["reason"])
        elif request["op"] == "release" and self.run is not None:
            self.release()
        return None

    def begin(self, request: dict[str, Any], descriptors: list[int]) -> None:
        """Make the run folder and have a worker forked for it."""
        self.runs += 1
        folder = self.folder / f"run-{self.runs}"
        for name in RUN_FOLDERS:
            (folder / name).mkdir(parents=True, mode=0o700)
        limits = Limits(**request["limits"])
        policy = Policy(
            readable=readable_paths(self.package_folders),
            writable=(str(folder),),
            network=request["network"],
            limits=limits,
        )
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_STREAM)
        message = {"folder": str(folder), "policy": policy.to_json()}
        socket.send_fds(
            self.server_socket, [json.dumps(message).encode()], [*descriptors, theirs.fileno()]
        )
        theirs.close()
        for descriptor in descriptors:
            os.close(descriptor)
        self.run = ActiveRun(folder, limits, ours, self)
        self.tell(op="started", folder=str(folder))

    def on_server(self) -> None:
        """Take a report of the fork server."""
        data, descriptors, _, _ = socket.recv_fds(self.server_socket, MESSAGE_BYTES, 8)
        if not data:
            return self.on_server_gone()
        report = json.loads(data)
        if report["op"] == "ready":
            self.tell(op="ready", confinement=self.capabilities.describe())
        elif report["op"] == "forked" and self.run is not None:
            self.run.on_forked(descriptors[0])
        elif report["op"] == "exited" and self.run is not None:
            self.run.on_exited(report["status"])
        return None

    def on_server_gone(self) -> None:
        """Without its fork server a monitor is of no use: tell why, and end."""
        self.errors.seek(0, os.SEEK_END)
        self.errors.seek(max(0, self.errors.tell() - ERROR_TEXT_BYTES))
        text = self.errors.read().decode("utf-8", "replace")
        if self.run is not None:
            self.run.kill_all()
        self.tell(op="broken", message=text)
        self.stop()

    def release(self) -> None:
        """Delete the run folder once the notebook has taken its images."""
        assert self.run is not None
        folder, self.run = self.run.folder, None
        processes.remove_tree(str(folder))
