"""The fork server as its monitor sees it: started, told of runs, ended."""

from __future__ import annotations

import contextlib
import json
import os
import socket
import subprocess
import tempfile
from pathlib import Path
from typing import Any

from azml_magic.monitor import launch
from azml_magic.sandbox import landlock, measure, namespaces, paths, processes, rules
from azml_magic.sandbox.policy import Level, Policy, readable_paths
from azml_magic.sandbox.standalone import PACKAGE, command

ERROR_TEXT_BYTES = 4096
MESSAGE_BYTES = 1 << 18


class ForkServer:
    """A process that workers are forked from.

    Parameters
    ----------
    folder : Path
        Where run folders are made; all that workers can write to.
    level : Level
        By which means its workers are confined. With namespaces, it lives in them itself.
    network : bool
        Whether its workers may use the network.
    package_folders : list of str
        Further folders of installed packages.
    caches : Path
        Where it keeps caches; workers do not write there.

    Attributes
    ----------
    socket : socket
        Its reports come here.
    pids : tuple of int
        Its process numbers, in the order of their start; killing the first ends all.
    signals_are_scoped : bool
        Whether the kernel keeps the signals of a run within it.
    baseline : int
        Bytes of memory that each worker shares with it from its start on.
    """

    def __init__(
        self,
        folder: Path,
        level: Level,
        network: bool,
        package_folders: list[str],
        caches: Path,
    ) -> None:
        self.level = level
        self.network = network
        self.readable = readable_paths(package_folders)
        version = landlock.abi() if level.landlock else 0
        self.signals_are_scoped = rules.signals_are_scoped(version, alone=level.namespaces)
        self.baseline = 0
        self.socket, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self._errors = tempfile.TemporaryFile()  # noqa: SIM115 -- read when the server is gone
        environment = launch.environment(caches)
        start = command(
            "worker.server",
            str(theirs.fileno()),
            f"{level:d}",
            "network" if network else "",
            *package_folders,
            site_packages=True,
        )
        if level.namespaces:
            plan = self._plan(folder, Path(environment["MPLCONFIGDIR"]))
            start = command("sandbox.namespaces", plan.to_json(), *start)
        else:
            start = command("sandbox.keeper", *start)
        self.process = subprocess.Popen(
            start,
            pass_fds=[theirs.fileno()],
            stdin=subprocess.DEVNULL,
            stdout=self._errors,
            stderr=self._errors,
            env=environment,
            cwd="/",
        )
        self.pids: tuple[int, ...] = (self.process.pid,)
        theirs.close()

    def on_ready(self, pidfd: int) -> None:
        """Learn the process that forks, which is a child of the one that was started."""
        self.pids = tuple(dict.fromkeys((self.process.pid, processes.pid_of(pidfd))))
        os.close(pidfd)
        self.baseline = measure.memory_of(self.pids[-1])

    def seen(self, run: Path) -> str:
        """Return where a worker sees its run folder: in its own mounts it covers its parent."""
        return str(run.parent if self.level.namespaces else run)

    def fork(self, number: int, run: Path, policy: Policy, descriptors: list[int]) -> None:
        """Ask for a worker, handing descriptors on; the caller's copies are closed."""
        message = {
            "op": "fork",
            "number": number,
            "run": str(run),
            "folder": self.seen(run),
            "policy": policy.to_json(),
        }
        socket.send_fds(self.socket, [json.dumps(message).encode()], descriptors)
        for descriptor in descriptors:
            os.close(descriptor)

    def expect(self) -> None:
        """Have it prepare for the next fork what can be prepared, at a moment that is quiet."""
        if self.level.namespaces:
            with contextlib.suppress(OSError):
                self.socket.send(json.dumps({"op": "expect"}).encode())

    def receive(self) -> tuple[dict[str, Any] | None, list[int]]:
        """Take a report and its descriptors; None when the server is gone."""
        try:
            data, descriptors, _, _ = socket.recv_fds(self.socket, MESSAGE_BYTES, 8)
        except ConnectionError:  # it was killed before it had read what it was asked
            return None, []
        return (json.loads(data) if data else None), descriptors

    def last_words(self) -> str:
        """Return the end of what it printed."""
        self._errors.seek(0, os.SEEK_END)
        self._errors.seek(max(0, self._errors.tell() - ERROR_TEXT_BYTES))
        return self._errors.read().decode("utf-8", "replace")

    def end(self) -> None:
        """Kill it; what it forked is the caller's to kill."""
        self.process.kill()
        self.process.wait()

    def _plan(self, folder: Path, cache: Path) -> namespaces.Plan:
        network = paths.NETWORK if self.network else ()
        return namespaces.Plan(
            readable=(*self.readable, *network, str(PACKAGE)),
            writable=(str(folder), str(cache)),
            links=paths.symbolic_links(paths.names()),
            network=self.network,
        )
