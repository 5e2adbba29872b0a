"""The files that Python needs to read: libraries, fonts, time zones, certificates.

Never the home folder or anything above it, a list of users, or another process.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from azml_magic.sandbox import standalone

_SECONDS = 60.0
_PROCESS_FILES = (
    "cmdline comm io limits maps numa_maps schedstat smaps smaps_rollup stat statm status"
)

# Distribution data and libraries, but no programs of system prefixes.
SYSTEM = (
    "/lib", "/lib64", "/lib32", "/usr/lib", "/usr/lib64", "/usr/local/lib",
    "/usr/local/lib64", "/usr/share", "/usr/local/share", "/nix/store", "/gnu/store",
    # joblib counts the cores in /proc/cpuinfo with it.
    "/usr/bin/cat",
    "/etc/ld.so.cache", "/etc/fonts", "/var/cache/fontconfig",
    "/etc/localtime", "/etc/timezone", "/etc/locale.alias", "/etc/locale.conf", "/etc/mime.types",
    "/etc/ssl/certs", "/etc/ssl/cert.pem", "/etc/ssl/openssl.cnf", "/etc/ca-certificates",
    "/etc/pki/tls/certs", "/etc/pki/tls/cert.pem", "/etc/pki/tls/openssl.cnf",
    "/etc/pki/ca-trust/extracted", "/etc/crypto-policies/back-ends",
    "/dev/null", "/dev/full", "/dev/random", "/dev/urandom",
    "/sys/devices/system/cpu", "/sys/devices/system/node", "/sys/kernel/mm/transparent_hugepage",
    "/sys/fs/cgroup/cpu.max", "/sys/fs/cgroup/cpu/cpu.cfs_quota_us",
    "/sys/fs/cgroup/cpu/cpu.cfs_period_us", "/sys/fs/cgroup/cpuset.cpus.effective",
    "/proc/cpuinfo", "/proc/meminfo", "/proc/stat", "/proc/uptime", "/proc/loadavg",
    "/proc/version", "/proc/vmstat", "/proc/filesystems", "/proc/sys/kernel/osrelease",
    "/proc/sys/kernel/ostype", "/proc/sys/kernel/version", "/proc/sys/kernel/pid_max",
    "/proc/sys/kernel/threads-max", "/proc/sys/kernel/cap_last_cap",
    "/proc/sys/kernel/ngroups_max", "/proc/sys/kernel/random/uuid",
    "/proc/sys/net/core/somaxconn", "/proc/sys/vm/overcommit_memory",
    "/proc/sys/vm/max_map_count",
)  # fmt: skip

# Names, services and certificates, if the network is allowed.
NETWORK = (
    "/etc/resolv.conf", "/etc/hosts", "/etc/host.conf", "/etc/nsswitch.conf", "/etc/services",
    "/etc/protocols", "/etc/gai.conf",
)  # fmt: skip

# Relative to the folder of an interpreter or a virtual environment.
_PARTS = ("lib", "lib64", "share", "ssl", "etc/fonts", "include", "pyvenv.cfg", "DLLs")
_SYSTEM_PREFIXES = {"/", "/usr", "/usr/local"}
_MOST_STEPS = 400


class Paths(NamedTuple):
    """The files of the machine that an interpreter needs.

    Attributes
    ----------
    readable : tuple of str
        Absolute paths that are there.
    names : tuple of str
        Paths through which it finds them, including symbolic links.
    """

    readable: tuple[str, ...]
    names: tuple[str, ...]


def of(python: str, extra: Sequence[str] = ()) -> Paths:
    """Return the files that an interpreter needs.

    Parameters
    ----------
    python : str
        Path of the interpreter; empty for this one.
    extra : sequence of str
        Additional folders of packages.

    Raises
    ------
    OSError
        When the interpreter cannot be run.
    """
    if not python:
        return Paths(readable_paths(extra), names())
    asked = standalone.command(
        "sandbox.python_paths", json.dumps(list(extra)), site_packages=True, python=python
    )
    try:
        done = subprocess.run(
            asked, stdin=subprocess.DEVNULL, capture_output=True, timeout=_SECONDS, check=True
        )
    except subprocess.SubprocessError as error:
        said = (getattr(error, "stderr", None) or b"").decode("utf-8", "replace").strip()
        reason = said.splitlines()[-1] if said else str(error)
        raise OSError(f"{python} cannot be run as a Python interpreter: {reason}") from error
    readable, found = json.loads(done.stdout)
    return Paths(tuple(readable), tuple(found))


def main() -> None:
    """Print what this interpreter needs, for :func:`of`; ``argv[1]`` lists additional folders."""
    print(json.dumps([readable_paths(json.loads(sys.argv[1])), names()]))


def readable_paths(extra: Iterable[str] = (), private: Iterable[str] = ()) -> tuple[str, ...]:
    """Return the paths that this interpreter, its packages and its libraries need to read.

    Parameters
    ----------
    extra : iterable of str
        Additional folders of packages.
    private : iterable of str
        Folders that, like the home folder, are never granted, nor anything above them.

    Returns
    -------
    tuple of str
        Existing absolute paths.
    """
    guarded = {os.path.realpath(path) for path in (*private, *_homes()) if path}
    found: list[str] = []
    for path in (*SYSTEM, *_interpreter_paths(), *_library_paths(), *extra):
        for granted in _without(os.path.realpath(path), guarded - {"/"}):
            if not any(f"{granted}/".startswith(f"{above}/") for above in found):
                found.append(granted)
    return tuple(found)


def symbolic_links(names: Iterable[str]) -> dict[str, str]:
    """Return the symbolic links on the way from names to their files, each with its target.

    Parameters
    ----------
    names : iterable of str
        Absolute paths.
    """
    links: dict[str, str] = {}
    for name in names:
        waiting = [part for part in name.split("/") if part][::-1]
        here = "/"
        for _ in range(_MOST_STEPS):
            if not waiting or here == "/proc":
                break
            here = os.path.normpath(os.path.join(here, waiting.pop()))
            if os.path.islink(here):
                links[here] = target = os.readlink(here)
                waiting += [part for part in target.split("/") if part][::-1]
                here = "/" if target.startswith("/") else os.path.dirname(here)
    return links


def names() -> tuple[str, ...]:
    """Return the paths through which this interpreter and the system's programs find files."""
    programs = [sys.executable, getattr(sys, "_base_executable", "")]
    streams = ("/dev/fd", "/dev/stdin", "/dev/stdout", "/dev/stderr")
    found = (*SYSTEM, *NETWORK, *streams, *programs, *sys.path, sys.prefix, sys.base_prefix)
    return tuple(filter(os.path.isabs, found))


def process_paths() -> tuple[str, ...]:
    """Return individual files in /proc about this process; the folder would expose others."""
    folder = f"/proc/{os.getpid()}/"
    return tuple(folder + name for name in _PROCESS_FILES.split())


def _homes() -> list[str]:
    homes = [os.path.expanduser("~")]
    try:
        import pwd

        homes.append(pwd.getpwuid(os.getuid()).pw_dir)
    except (ImportError, KeyError):
        pass
    # Without HOME and an entry in the list of users, "~" is not expanded.
    return list(filter(os.path.isabs, homes))


def _interpreter_paths() -> list[str]:
    """Return the folders and the program of this interpreter, in a virtual environment or not.

    ``sys.prefix`` is not sufficient: without ``site`` it is that of the base interpreter.
    """
    program = sys.executable or os.path.realpath("/proc/self/exe")
    environment = os.path.dirname(os.path.dirname(program))
    prefixes = {sys.prefix, sys.exec_prefix, sys.base_prefix, sys.base_exec_prefix}
    if os.path.exists(os.path.join(environment, "pyvenv.cfg")):
        prefixes.add(environment)
    paths = [os.path.realpath(program)]
    base_program = getattr(sys, "_base_executable", "")
    if base_program:
        paths.append(os.path.realpath(base_program))
    for prefix in sorted(prefixes - _SYSTEM_PREFIXES):
        paths += [os.path.join(prefix, part) for part in _PARTS]
    names = ("site-packages", "dist-packages")
    return paths + [entry for entry in sys.path if os.path.basename(entry) in names]


def _library_paths() -> list[str]:
    """Return the folders of shared libraries in the environment, outside the home folder."""
    homes = [os.path.realpath(home) + "/" for home in _homes()]
    named = os.environ.get("LD_LIBRARY_PATH", "").split(":")
    return [
        path
        for path in map(os.path.realpath, filter(os.path.isabs, named))
        if not any(path.startswith(home) for home in homes) and path != "/"
    ]


def _without(path: str, guarded: set[str]) -> list[str]:
    """Return the path, or if it contains a guarded folder, everything in it around that folder."""
    if not os.path.exists(path):
        return []
    if path in guarded:
        return []
    if not any(folder.startswith(path.rstrip("/") + "/") for folder in guarded):
        return [path]
    children = [os.path.join(path, name) for name in sorted(os.listdir(path))]
    return [part for child in children for part in _without(child, guarded)]
