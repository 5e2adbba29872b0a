"""A restricted view of the machine: namespaces with a root that holds only what was granted.

Created once for a fork server and inherited by its workers, so that it costs a run nothing. Run as
a program with a plan as JSON and the command to start in the new view. The first process in there
is ours, and creates further namespaces when the command asks for them: see :mod:`run_namespaces`.
"""

from __future__ import annotations

import contextlib
import errno
import json
import os
import signal
import socket
import stat
import sys
from collections.abc import Collection
from dataclasses import asdict, dataclass
from typing import NoReturn

from azml_magic.sandbox import capabilities, kernel, mounts, run_namespaces
from azml_magic.sandbox.run_namespaces import NEW_MOUNTS, NEW_PROCESSES

_NEW_IPC, _NEW_USER, _NEW_NETWORK = 0x08000000, 0x10000000, 0x40000000
_DETACH = 2
_AMBIENT_RAISE = 2
_MORE_THAN_ALL = 64
# Any folder works as a temporary mount point; not every container has all of these.
_STAGES = ("/tmp", "/run", "/usr", "/proc")
# Not among these: ENOSPC for a limit of namespaces, which may be zero.
PASSING = {errno.EAGAIN, errno.EINTR, errno.EMFILE, errno.ENFILE, errno.ENOMEM}
BUSY, FAILED = 124, 125


@dataclass(frozen=True)
class Plan:
    """The contents of the new view.

    Attributes
    ----------
    readable : tuple of str
        Files and folders, with everything below them; missing ones are ignored.
    writable : tuple of str
        Writable folders.
    links : dict of str to str
        Symbolic links from names to what was granted.
    network : bool
        Whether the machine's network stays accessible.
    """

    readable: tuple[str, ...]
    writable: tuple[str, ...]
    links: dict[str, str]
    network: bool = False

    def to_json(self) -> str:
        """Serialize the plan for the first argument of :func:`main`."""
        return json.dumps(asdict(self))


def main() -> None:
    """Run ``argv[2:]`` in the view planned by ``argv[1]``, and end with the same status.

    The command gets one more argument: the descriptor of its socket to the first process.
    """
    plan, command = Plan(**json.loads(sys.argv[1])), sys.argv[2:]
    kernel.prctl(kernel.PR_SET_PDEATHSIG, signal.SIGKILL)
    try:
        _enter(plan.network)
        child = os.fork()
        if child == 0:
            kernel.prctl(kernel.PR_SET_PDEATHSIG, signal.SIGKILL)
            _furnish(plan)
            _be_first(command)
    except BaseException as error:
        os.write(2, f"{error}\n".encode())
        os._exit(BUSY if getattr(error, "errno", 0) in PASSING else FAILED)
    # Only the child may hold its sockets, so that its end is noticed.
    os.closerange(0, os.sysconf("SC_OPEN_MAX"))
    _, status = os.waitpid(child, 0)
    os._exit(status >> 8 or status)


def seal(folders: Collection[str]) -> None:
    """Make folders read-only that were writable until now, and drop privileges.

    Called by the command in the view, when it has finished its preparations. It keeps only the
    capabilities needed for forking into a run's namespaces.
    """
    for folder in folders:
        mounts.remount_read_only(os.path.realpath(folder), [])
    capabilities.drop_all_but(run_namespaces.NEEDED)


def _enter(network: bool) -> None:
    """Leave the machine's namespaces; the user id is the same in the new one."""
    user, group = os.geteuid(), os.getegid()
    flags = _NEW_USER | NEW_MOUNTS | NEW_PROCESSES | _NEW_IPC
    kernel.syscall("unshare", flags if network else flags | _NEW_NETWORK)
    for name, text in (
        ("setgroups", "deny"),
        ("uid_map", f"{user} {user} 1"),
        ("gid_map", f"{group} {group} 1"),
    ):
        with open(f"/proc/self/{name}", "w") as file:
            file.write(text)


def _be_first(command: list[str]) -> NoReturn:
    """Start the command, and serve it as the first process of these namespaces."""
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    child = os.fork()
    if child == 0:
        kernel.prctl(kernel.PR_SET_PDEATHSIG, signal.SIGKILL)
        ours.close()
        _keep_capabilities()
        theirs.set_inheritable(True)
        os.execv(command[0], [*command, str(theirs.fileno())])
    # Only the command may hold its sockets, so that its end is noticed.
    endpoint = os.dup2(ours.detach(), 3)
    os.closerange(endpoint + 1, os.sysconf("SC_OPEN_MAX"))
    run_namespaces.serve(socket.socket(fileno=endpoint), child)


def _furnish(plan: Plan) -> None:
    """Build the new root from what is granted, and leave the old root permanently."""
    plain = mounts.NO_SUID | mounts.NO_DEVICES
    mounts.mount(None, "/", None, mounts.RECURSIVE | mounts.PRIVATE)
    stage = next(filter(os.path.isdir, _STAGES))
    mounts.mount("tmpfs", stage, "tmpfs", plain, "mode=755,size=1m")
    for name in ("old", "new"):
        os.mkdir(f"{stage}/{name}", 0o755)
    kernel.syscall("pivot_root", stage.encode(), f"{stage}/old".encode())
    os.chdir("/")
    # A separate mount, as required for a new root.
    mounts.mount("tmpfs", "/new", "tmpfs", plain, "mode=755,size=4m")
    granted = [path for path in (*plan.readable, *plan.writable) if not path.startswith("/proc/")]
    for path in sorted(granted):
        _bind(path)
    os.makedirs("/new/proc", exist_ok=True)
    mounts.mount_processes("/new/proc")
    for name, target in plan.links.items():
        _link(f"/new{name}", target)
    os.chdir("/new")
    kernel.syscall("pivot_root", b".", b".")
    kernel.syscall("umount2", b".", _DETACH)
    os.chdir("/")
    mounts.remount_read_only("/", plan.writable)


def _bind(path: str) -> None:
    source, place = f"/old{path}", f"/new{path}"
    try:
        is_folder = stat.S_ISDIR(os.stat(source).st_mode)
    except OSError:
        return
    if os.path.lexists(place):  # below a folder that is already bound
        return
    os.makedirs(place if is_folder else os.path.dirname(place), mode=0o755, exist_ok=True)
    if not is_folder:
        os.close(os.open(place, os.O_CREAT | os.O_WRONLY | os.O_CLOEXEC, 0o444))
    mounts.mount(source, place, None, mounts.BIND | mounts.RECURSIVE)


def _link(place: str, target: str) -> None:
    # A link below a bound folder already exists.
    with contextlib.suppress(OSError):
        os.makedirs(os.path.dirname(place), mode=0o755, exist_ok=True)
        os.symlink(target, place)


def _keep_capabilities() -> None:
    """Let the command keep the capabilities in these namespaces until :func:`seal`."""
    capabilities.make_inheritable()
    for capability in range(_MORE_THAN_ALL):
        with contextlib.suppress(OSError):
            kernel.prctl(kernel.PR_CAP_AMBIENT, _AMBIENT_RAISE, capability)
