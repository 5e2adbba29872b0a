"""What this machine can enforce on a run, found out by doing it.

A version number says little: containers, security modules and old profiles close single
calls. So a process of its own confines itself as a worker does, and starts a thread.
"""

from __future__ import annotations

import functools
import json
import os
import platform
import subprocess
import sys
from dataclasses import dataclass, replace
from pathlib import Path

_SECONDS = 20.0
_PASSED_ON = ("HOME", "LD_LIBRARY_PATH")
# The package itself is not imported there: a stand-in parent finds this room alone.
_TRIAL = (
    "import sys, types; package = types.ModuleType('azml_magic'); "
    "package.__path__ = [sys.argv[1]]; sys.modules['azml_magic'] = package; "
    "from azml_magic.sandbox.trial import main; main()"
)
CONFINED, REFUSED = 1, 4


@dataclass(frozen=True)
class Capabilities:
    """What was found.

    Attributes
    ----------
    platform, kernel, machine : str
        Operating system, its release, and the processor's architecture.
    landlock_abi : int
        Version of Landlock; 0 where the kernel does not enforce it.
    seccomp : bool
        Whether system calls can be filtered.
    listener : bool
        Whether the monitor can be asked about new processes.
    namespaces : bool
        Whether user, mount and process namespaces can be made; told, not needed.
    failure : str
        Why a process that confined itself did not succeed; empty when it did.
    """

    platform: str
    kernel: str
    machine: str
    landlock_abi: int = 0
    seccomp: bool = False
    listener: bool = False
    namespaces: bool = False
    failure: str = ""

    @property
    def level(self) -> int:
        """1 for Landlock, seccomp and monitor; 4 when runs are refused."""
        return REFUSED if self.refusal else CONFINED

    @property
    def refusal(self) -> str:
        """Why runs are refused and what to do about it, in one line; empty when they are not."""
        if self.platform != "Linux":
            return (
                f"runs are confined by Linux's own means, and this is {self.platform}; "
                "use a Linux machine, WSL2 or a Linux container"
            )
        if self.failure:
            return (
                f"a process could not confine itself: {self.failure}; "
                "another sandbox around this one may be why"
            )
        if not self.seccomp:
            return (
                f"system calls cannot be filtered here (kernel {self.kernel}, {self.machine}); "
                "use Linux 5.13 or later on x86_64 or aarch64, with seccomp allowed"
            )
        if not self.landlock_abi:
            return (
                f"Landlock is not in force here (kernel {self.kernel}); use Linux 5.13 or later "
                "with 'landlock' among the lsm= of the kernel's command line, and in a container "
                "a seccomp profile that allows landlock_* (Docker 23 or later)"
            )
        if not self.listener:
            return (
                "the kernel gives no listener for a system call filter (another one is in force, "
                "or gVisor); run outside of that sandbox"
            )
        return ""

    def describe(self) -> str:
        """Return how a run is confined, for example ``"Landlock (ABI 7) + seccomp"``."""
        return f"Landlock (ABI {self.landlock_abi}) + seccomp" if not self.refusal else "refused"

    def report(self) -> str:
        """Return everything that was found, one line each, for a person."""
        yes = {True: "yes", False: "no"}
        landlock = f"ABI {self.landlock_abi}" if self.landlock_abi else "no"
        lines = [
            f"System:              {self.platform} {self.kernel} ({self.machine})",
            f"Landlock:            {landlock}",
            f"System call filter:  {yes[self.seccomp]}",
            f"Monitor of tasks:    {yes[self.listener]}",
            f"Namespaces:          {yes[self.namespaces]} (not needed)",
            f"Runs are confined by {self.describe()}"
            if not self.refusal
            else f"Runs are refused: {self.refusal}",
        ]
        return "\n".join(lines)


@functools.lru_cache(maxsize=1)
def probe() -> Capabilities:
    """Find out, once a process, what this machine can enforce.

    Returns
    -------
    Capabilities
        Never raises: what cannot be found out is not there.
    """
    system = Capabilities(platform.system(), platform.release(), platform.machine())
    if system.platform != "Linux":
        return system
    command = [sys.executable, "-I", "-S", "-c", _TRIAL, str(Path(__file__).parents[1])]
    try:
        done = subprocess.run(
            command,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=_SECONDS,
            cwd="/",
            env={name: os.environ[name] for name in _PASSED_ON if name in os.environ},
        )
        return replace(system, **json.loads(done.stdout))
    except (OSError, ValueError, TypeError, subprocess.SubprocessError) as error:
        return replace(system, failure=f"the trial of it did not end well: {error}")
