"""Probing what this machine can enforce on a run, by doing it.

A version number says little: containers, security modules and old profiles block individual
calls. So two processes confine themselves like a worker and start a thread, one of them in
separate namespaces.
"""

from __future__ import annotations

import errno
import functools
import json
import os
import platform
import subprocess
import time
from dataclasses import dataclass, replace
from typing import Any

from azml_magic.protocol.policy import Level
from azml_magic.sandbox import folders, namespaces, python_paths, standalone
from azml_magic.temporary import HINT, NoTemporaryFolder, OwnFolder

_SECONDS = 60.0
_ATTEMPTS = 3
_PAUSE_SECONDS = 0.3
# Errors that indicate a temporary lack of resources, and say nothing about the machine.
_PASSING = {*namespaces.PASSING, errno.ETOOMANYREFS}
_NO_SPACE = {errno.ENOSPC, errno.EDQUOT, errno.EROFS}
_PASSED_ON = ("HOME", "LD_LIBRARY_PATH")
_TRIAL = "sandbox.trial"


@dataclass(frozen=True)
class Capabilities:
    """The result of probing.

    Attributes
    ----------
    platform, kernel, machine : str
        Operating system, its release, and the processor's architecture.
    landlock_abi : int
        Version of Landlock; 0 where the kernel does not enforce it.
    seccomp : bool
        Whether system calls can be filtered.
    listener : bool
        Whether the kernel can ask the monitor about new processes.
    failure : str
        Why the confinement of a process failed; empty if it succeeded.
    namespaces_failure : str
        The same for a process in separate namespaces, or why there are none.
    unsettled : str
        Why probing was not possible, as there was no room for a process or a file at that time;
        empty if it was possible.
    no_folder : str
        Why there was no temporary folder for probing; empty if there was one.
    """

    platform: str
    kernel: str
    machine: str
    landlock_abi: int = 0
    seccomp: bool = False
    listener: bool = False
    failure: str = ""
    namespaces_failure: str = "not tried"
    unsettled: str = ""
    no_folder: str = ""

    @property
    def namespaces(self) -> bool:
        """Whether a process in separate namespaces could be confined."""
        return not self.namespaces_failure

    @property
    def level(self) -> Level:
        """The strongest level that works on this machine."""
        if self.platform != "Linux" or self.unsettled or not (self.seccomp and self.listener):
            return Level.REFUSED
        if self.namespaces:
            return Level.BOTH if self.landlock_abi else Level.NAMESPACES
        return Level.LANDLOCK if self.landlock_abi and not self.failure else Level.REFUSED

    @property
    def refusal(self) -> str:
        """Why runs are refused and what to do about it, in one line; empty if they are not."""
        if self.level is not Level.REFUSED:
            return ""
        return self.missing_base or (
            f"a process could not confine itself: {self.failure}; "
            "another sandbox around this one may be why"
            if self.landlock_abi
            else f"{self.without_landlock}; or explicitly accept less: confinement='files-open'"
        )

    @property
    def missing_base(self) -> str:
        """Why not even system calls can be filtered here; empty if they can."""
        if self.platform != "Linux":
            return (
                f"runs are confined by mechanisms of Linux, and this is {self.platform}; "
                "use a Linux machine, WSL2 or a Linux container"
            )
        if self.no_folder:
            return f"{self.no_folder}; {HINT}"
        if self.unsettled:
            return (
                f"this machine could not be probed: {self.unsettled}; "
                "it was short of resources at that time, try again"
            )
        if self.failure and not self.seccomp:
            return (
                f"a process could not confine itself: {self.failure}; "
                "another sandbox around this one may be why"
            )
        if not self.seccomp:
            return (
                f"system calls cannot be filtered here (kernel {self.kernel}, {self.machine}); "
                "use Linux 5.13 or later on x86_64 or aarch64, with seccomp allowed"
            )
        if not self.listener:
            return (
                "the kernel provides no listener for a system call filter (another one is in "
                "force, or this is gVisor); run outside that sandbox"
            )
        return ""

    @property
    def without_landlock(self) -> str:
        """The problem and the remedy where neither Landlock nor namespaces can confine files."""
        return (
            f"files cannot be confined here: Landlock is not in force (kernel {self.kernel}), and "
            f"namespaces cannot be created ({self.namespaces_failure}); use Linux 5.13 or later "
            "with 'landlock' in lsm= on the kernel's command line; in a container, use a "
            "seccomp profile that allows landlock_* (Docker 23 or later)"
        )

    def describe(self, level: Level | None = None) -> str:
        """Return how a run is confined, for example ``"Landlock (ABI 7) + seccomp"``."""
        return {
            Level.BOTH: f"Landlock (ABI {self.landlock_abi}) + namespaces + seccomp",
            Level.LANDLOCK: f"Landlock (ABI {self.landlock_abi}) + seccomp",
            Level.NAMESPACES: "namespaces + seccomp",
            Level.FILES_OPEN: "seccomp only, FILES ARE OPEN as requested",
            Level.REFUSED: "refused",
        }[self.level if level is None else level]


def probe() -> Capabilities:
    """Find out, once per process, what this machine can enforce.

    Returns
    -------
    Capabilities
        Never raises: a mechanism that cannot be probed counts as missing. Failures that may be
        temporary are retried, so that a busy machine is not mistaken for a weaker one.
    """
    found = _probe()
    if found.unsettled or found.no_folder:
        _probe.cache_clear()
    return found


@functools.lru_cache(maxsize=1)
def _probe() -> Capabilities:
    system = Capabilities(platform.system(), platform.release(), platform.machine())
    if system.platform != "Linux":
        return system
    for attempt in range(_ATTEMPTS):
        time.sleep(_PAUSE_SECONDS * attempt)
        try:
            found, inside = _try()
        except NoTemporaryFolder as error:
            return replace(system, no_folder=error.message)
        if found.get("errno") in _NO_SPACE:
            return replace(system, no_folder=f"no trial can write its file: {found['failure']}")
        # If one trial succeeds, a temporary failure of the other does not matter.
        passing = [one["failure"] for one in (found, inside) if one.pop("errno", 0) in _PASSING]
        if not passing:
            break
    return replace(
        system, **found, namespaces_failure=inside["failure"], unsettled="; ".join(passing)
    )


def _try() -> tuple[dict[str, Any], dict[str, Any]]:
    """Return the outcomes outside and inside of namespaces."""
    try:
        own = OwnFolder("azml_magic-probe", folders.remove_tree)
    except OSError as error:
        failure = {"failure": f"no folder for a trial: {error}", "errno": error.errno}
        return failure, dict(failure)
    with own:
        # In parallel, as both mostly wait for the interpreter to start.
        folder = str(own.path)
        plain, alone = _Trial(folder, alone=False), _Trial(folder, alone=True)
        found = plain.outcome()
        inside = alone.outcome()
    if not inside.get("failure") and not inside.get("listener"):
        inside["failure"] = "no system call filter in there"
    return found, inside


class _Trial:
    """The process of a trial; see :mod:`trial`."""

    def __init__(self, folder: str, *, alone: bool) -> None:
        command = standalone.command(_TRIAL, folder, "namespaces" if alone else "")
        if alone:
            granted = (*python_paths.readable_paths(), str(standalone.PACKAGE))
            plan = namespaces.Plan(
                granted, (folder,), python_paths.symbolic_links(python_paths.names())
            )
            command = standalone.command("sandbox.namespaces", plan.to_json(), *command)
        self._error: OSError | None = None
        try:
            self._process = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                cwd="/",
                env={name: os.environ[name] for name in _PASSED_ON if name in os.environ},
            )
        except OSError as error:
            self._error = error

    def outcome(self) -> dict[str, Any]:
        """Return what it printed, with a ``"failure"`` that is empty if it succeeded."""
        if self._error is not None:
            text = f"the trial of it could not be started: {self._error}"
            return {"failure": text, "errno": self._error.errno}
        try:
            with self._process as process:
                try:
                    output, errors = process.communicate(timeout=_SECONDS)
                except BaseException:
                    process.kill()
                    raise
            if output:
                return {"failure": "", **json.loads(output)}
            said = errors.decode("utf-8", "replace").strip().splitlines()
            failure = said[-1] if said else f"it ended with {process.returncode}"
            busy = process.returncode == namespaces.BUSY
            return {"failure": failure, "errno": errno.EAGAIN if busy else 0}
        except subprocess.TimeoutExpired as error:
            return {"failure": f"the trial of it did not end: {error}", "errno": errno.EAGAIN}
        except (OSError, ValueError, TypeError) as error:
            return {"failure": f"the trial of it did not end well: {error}"}
