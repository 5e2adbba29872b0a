"""The monitor's side of the fork server: starting it, requesting workers, ending it."""

from __future__ import annotations

import contextlib
import os
import subprocess
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from azml_magic.monitor import launch
from azml_magic.protocol import packets
from azml_magic.protocol.codec import to_json
from azml_magic.protocol.limits import Access
from azml_magic.protocol.messages import FROM_FORK_SERVER, ExpectFork, Fork, ForkServerOrder
from azml_magic.protocol.policy import Level, Policy
from azml_magic.sandbox import landlock, measure, namespaces, processes, python_paths, rules
from azml_magic.sandbox.standalone import PACKAGE, command

ERROR_TEXT_BYTES = 4096
DEBUG = "AZML_MAGIC_DEBUG"


class ForkServer:
    """The process that workers are forked from.

    Parameters
    ----------
    folder : Path
        Where run folders are created; workers can write nowhere else.
    level : Level
        How its workers are confined. With namespaces, it runs in them itself.
    access : Access
        What its workers are given and may access.
    package_folders : sequence of str
        Additional folders of installed packages.
    caches : Path
        Where it keeps caches; workers do not write there.

    Attributes
    ----------
    socket : socket
        Receives its reports.
    pids : tuple of int
        Its process IDs, in the order of their start; killing the first ends all.
    signals_are_scoped : bool
        Whether the kernel prevents a run from sending signals to other processes.
    baseline : int
        Memory that each worker initially shares with it, in bytes.
    """

    def __init__(
        self,
        folder: Path,
        level: Level,
        access: Access,
        package_folders: Sequence[str],
        caches: Path,
    ) -> None:
        self.level = level
        self.network = access.network
        self._paths = python_paths.of(access.python, package_folders)
        self.readable = self._paths.readable
        version = landlock.abi() if level.landlock else 0
        self.signals_are_scoped = rules.signals_are_scoped(version, alone=level.namespaces)
        self.baseline = 0
        self.socket, theirs = packets.pair()
        self._errors = tempfile.TemporaryFile()  # noqa: SIM115 -- read after the server has ended
        # For developers of this package: see CONTRIBUTING.md.
        errors = None if os.environ.get(DEBUG) else self._errors
        environment = launch.environment(caches)
        order = ForkServerOrder(theirs.fileno(), level, access.network, tuple(package_folders))
        start = command("worker.server", to_json(order), site_packages=True, python=access.python)
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
            stderr=errors,
            env=environment,
            cwd="/",
        )
        self.pids: tuple[int, ...] = (self.process.pid,)
        theirs.close()

    def on_ready(self, pidfd: int) -> None:
        """Record the process that forks, which is a child of the one that was started."""
        self.pids = tuple(dict.fromkeys((self.process.pid, processes.pid_of(pidfd))))
        os.close(pidfd)
        self.baseline = measure.memory_of(self.pids[-1])

    def seen(self, run: Path) -> str:
        """Return a worker's path to its run folder, which in its own mounts covers the parent."""
        return str(run.parent if self.level.namespaces else run)

    def fork(self, number: int, run: Path, policy: Policy, descriptors: list[int]) -> None:
        """Request a worker, passing descriptors on; the caller's copies are closed."""
        packets.send(self.socket, Fork(number, str(run), self.seen(run), policy), descriptors)
        for descriptor in descriptors:
            os.close(descriptor)

    def expect(self) -> None:
        """Let it prepare the next fork as far as possible; to be called at a quiet moment."""
        if self.level.namespaces:
            with contextlib.suppress(OSError):
                packets.send(self.socket, ExpectFork())

    def receive(self) -> tuple[Any, list[int]]:
        """Receive a report and its descriptors; None if the server has ended."""
        return packets.receive(self.socket, FROM_FORK_SERVER)

    def last_words(self) -> str:
        """Return the end of what it printed."""
        self._errors.seek(0, os.SEEK_END)
        self._errors.seek(max(0, self._errors.tell() - ERROR_TEXT_BYTES))
        return self._errors.read().decode("utf-8", "replace")

    def end(self) -> None:
        """Kill it; the caller must kill the processes that it forked."""
        self.process.kill()
        self.process.wait()

    def _plan(self, folder: Path, cache: Path) -> namespaces.Plan:
        network = python_paths.NETWORK if self.network else ()
        return namespaces.Plan(
            readable=(*self.readable, *network, str(PACKAGE)),
            writable=(str(folder), str(cache)),
            links=python_paths.symbolic_links(self._paths.names),
            network=self.network,
        )
