"""A view of the machine that holds only what was granted: namespaces and a root of their own.

Made once for a fork server and inherited by its workers, so that it costs a run nothing. Run
as a program: a plan as JSON, then the command to start in the new view, as its first process.
"""

from __future__ import annotations

import contextlib
import ctypes
import json
import os
import signal
import stat
import sys
from collections.abc import Collection, Iterable
from dataclasses import asdict, dataclass

from azml_magic.sandbox import kernel

_NEW_MOUNTS, _NEW_IPC, _NEW_USER = 0x00020000, 0x08000000, 0x10000000
_NEW_PROCESSES, _NEW_NETWORK = 0x20000000, 0x40000000
_READ_ONLY, _NO_SUID, _NO_DEVICES, _NO_EXECUTION = 1, 2, 4, 8
_REMOUNT, _BIND, _RECURSIVE, _PRIVATE = 1 << 5, 1 << 12, 1 << 14, 1 << 18
_DETACH = 2
_AMBIENT_RAISE = 2
_MORE_THAN_ALL = 64
# What a mount has of these when it comes from outside cannot be taken off inside.
_KEPT_FLAGS = {
    "nosuid": _NO_SUID, "nodev": _NO_DEVICES, "noexec": _NO_EXECUTION, "noatime": 1 << 10,
    "nodiratime": 1 << 11, "relatime": 1 << 21,
}  # fmt: skip
_STAGE = "/tmp"
FAILED = 125


@dataclass(frozen=True)
class Plan:
    """What there is in the new view.

    Attributes
    ----------
    readable : tuple of str
        Files and folders, with all below them; one that is not there is left out.
    writable : tuple of str
        Folders that can be written to.
    links : dict of str to str
        Symbolic links, by which names lead to what was granted.
    network : bool
        Whether the machine's network stays in reach.
    """

    readable: tuple[str, ...]
    writable: tuple[str, ...]
    links: dict[str, str]
    network: bool = False

    def to_json(self) -> str:
        """Return the plan as text, the first argument of :func:`main`."""
        return json.dumps(asdict(self))


def main() -> None:
    """Start ``argv[2:]`` in the view that ``argv[1]`` plans, and end as it ends."""
    plan, command = Plan(**json.loads(sys.argv[1])), sys.argv[2:]
    kernel.prctl(kernel.PR_SET_PDEATHSIG, signal.SIGKILL)
    try:
        _enter(plan.network)
        child = os.fork()
        if child == 0:
            kernel.prctl(kernel.PR_SET_PDEATHSIG, signal.SIGKILL)
            _furnish(plan)
            _keep_capabilities()
            os.execv(command[0], command)
    except BaseException as error:
        os.write(2, f"{error}\n".encode())
        os._exit(FAILED)
    # Its sockets are the child's: whoever waits for their end must see it.
    os.closerange(0, os.sysconf("SC_OPEN_MAX"))
    _, status = os.waitpid(child, 0)
    os._exit(status >> 8 or status)


def seal(folders: Collection[str]) -> None:
    """Make folders read-only that were writable until now, and give up all capabilities.

    Called by the first process in the view, when it has nothing more to prepare.
    """
    from azml_magic.sandbox import capabilities

    for folder in folders:
        _remount_read_only(os.path.realpath(folder), [])
    capabilities.drop_all()


def _enter(network: bool) -> None:
    """Leave the machine's namespaces; the user stays the same number in the new one."""
    user, group = os.geteuid(), os.getegid()
    flags = _NEW_USER | _NEW_MOUNTS | _NEW_PROCESSES | _NEW_IPC
    kernel.syscall("unshare", flags if network else flags | _NEW_NETWORK)
    for name, text in (
        ("setgroups", "deny"),
        ("uid_map", f"{user} {user} 1"),
        ("gid_map", f"{group} {group} 1"),
    ):
        with open(f"/proc/self/{name}", "w") as file:
            file.write(text)


def _furnish(plan: Plan) -> None:
    """Build the new root from what is granted, and leave the old one for good."""
    _mount(None, "/", None, _RECURSIVE | _PRIVATE)
    _mount("tmpfs", _STAGE, "tmpfs", _NO_SUID | _NO_DEVICES, "mode=755,size=1m")
    for name in ("old", "new"):
        os.mkdir(f"{_STAGE}/{name}", 0o755)
    kernel.syscall("pivot_root", _STAGE.encode(), f"{_STAGE}/old".encode())
    os.chdir("/")
    # A mount of its own, as the next root must be.
    _mount("tmpfs", "/new", "tmpfs", _NO_SUID | _NO_DEVICES, "mode=755,size=4m")
    granted = [path for path in (*plan.readable, *plan.writable) if not path.startswith("/proc/")]
    for path in sorted(granted):
        _bind(path)
    os.makedirs("/new/proc", exist_ok=True)
    _mount("proc", "/new/proc", "proc", _NO_SUID | _NO_DEVICES | _NO_EXECUTION)
    for name, target in plan.links.items():
        _link(f"/new{name}", target)
    os.chdir("/new")
    kernel.syscall("pivot_root", b".", b".")
    kernel.syscall("umount2", b".", _DETACH)
    os.chdir("/")
    _remount_read_only("/", plan.writable)


def _bind(path: str) -> None:
    source, place = f"/old{path}", f"/new{path}"
    try:
        is_folder = stat.S_ISDIR(os.stat(source).st_mode)
    except OSError:
        return
    if os.path.lexists(place):  # below a folder that is bound already
        return
    os.makedirs(place if is_folder else os.path.dirname(place), mode=0o755, exist_ok=True)
    if not is_folder:
        os.close(os.open(place, os.O_CREAT | os.O_WRONLY | os.O_CLOEXEC, 0o444))
    _mount(source, place, None, _BIND | _RECURSIVE)


def _link(place: str, target: str) -> None:
    # One that lies below a folder that is bound is there already.
    with contextlib.suppress(OSError):
        os.makedirs(os.path.dirname(place), mode=0o755, exist_ok=True)
        os.symlink(target, place)


def _remount_read_only(top: str, writable: Iterable[str]) -> None:
    """Make every mount at or below a folder read-only, but for those that stay writable."""
    spared = tuple(f"{path.rstrip('/')}/" for path in writable)
    with open("/proc/self/mountinfo", "rb") as file:
        lines = file.read().splitlines()
    for line in lines:
        fields = line.split(b" ")
        place = os.fsdecode(fields[4].decode("unicode_escape").encode("latin-1"))
        inside = f"{place.rstrip('/')}/".startswith(f"{top.rstrip('/')}/")
        if not inside or f"{place}/".startswith(spared):
            continue
        flags = _READ_ONLY | _REMOUNT | _BIND
        for option in fields[5].decode().split(","):
            flags |= _KEPT_FLAGS.get(option, 0)
        _mount(None, place, None, flags)


def _keep_capabilities() -> None:
    """Let the command keep what this process may do in its own namespaces, to :func:`seal`."""
    from azml_magic.sandbox import capabilities

    capabilities.make_inheritable()
    for capability in range(_MORE_THAN_ALL):
        with contextlib.suppress(OSError):
            kernel.prctl(kernel.PR_CAP_AMBIENT, _AMBIENT_RAISE, capability)


def _mount(
    source: str | None, place: str, kind: str | None, flags: int, options: str | None = None
) -> None:
    arguments = [
        ctypes.c_char_p(None if text is None else os.fsencode(text))
        for text in (source, place, kind, options)
    ]
    kernel.syscall("mount", arguments[0], arguments[1], arguments[2], flags, arguments[3])
