"""A process namespace and a view of the files for each run, created and ended from outside.

The first process of the fork server's namespaces creates them (:func:`serve`): it is small, and
forks in less than a millisecond. The fork server asks for them over a socket, in advance if
possible, and forks its worker into them (:class:`RunNamespaces`).

The first process of a run's namespaces is not the worker, as the kernel does not deliver signals
without a handler to a first process, and a module may rely on them. It is a process of ours that
only waits for orphans. When it is killed, the kernel kills every thread of every process in the
namespace, and its end means that all of them have ended.
"""

from __future__ import annotations

import contextlib
import os
import select
import signal
import socket
from typing import NamedTuple, NoReturn

from azml_magic.protocol import descriptors
from azml_magic.sandbox import capabilities, kernel, mounts

NEW_MOUNTS, NEW_PROCESSES = 0x00020000, 0x20000000
NEEDED = (capabilities.SYS_CHROOT, capabilities.SYS_ADMIN)
"""The capabilities in its user namespace that a process needs to fork into other namespaces."""
_TEXT_BYTES = 4096
_ASKED, _EXPECTED, _DONE = b"?", b"+", b"done"


class NewWorker(NamedTuple):
    """A process that was forked into new namespaces.

    Attributes
    ----------
    pid : int
        Its process id as seen by its parent; 0 in the process itself.
    first : int
        A pidfd of the first process of the namespace; -1 in the process itself.
    """

    pid: int
    first: int


class RunNamespaces:
    """Forks children into new namespaces.

    Parameters
    ----------
    descriptor : int
        The socket to the process that creates them; this object takes ownership.
    """

    def __init__(self, descriptor: int) -> None:
        self._maker = socket.socket(fileno=descriptor)
        self._maker.set_inheritable(False)
        self._own = os.open("/proc/self/ns/pid", os.O_RDONLY | os.O_CLOEXEC)

    def fork(self, folder: str) -> NewWorker:
        """Fork a child that sees only the processes and the folder of its own run.

        Parameters
        ----------
        folder : str
            The run folder. In the child it is mounted over its parent folder, so that nothing
            beside it is visible.

        Raises
        ------
        OSError
            When the namespaces or the child cannot be created.
        """
        first, processes, files = self._ask()
        try:
            kernel.syscall("setns", processes, NEW_PROCESSES)
            try:
                pid = os.fork()
            except OSError:
                self._come_back()
                raise
            if pid == 0:
                _enter(files, folder)
                return NewWorker(0, -1)
            self._come_back()
        except BaseException:
            os.close(first)
            raise
        finally:
            os.close(processes)
            os.close(files)
        return NewWorker(pid, first)

    def expect(self) -> None:
        """Request the namespaces for the next :meth:`fork` in advance, without waiting."""
        self._maker.send(_EXPECTED)

    def _come_back(self) -> None:
        """Make future children of this process join its own process namespace again."""
        kernel.syscall("setns", self._own, NEW_PROCESSES)

    def _ask(self) -> list[int]:
        self._maker.send(_ASKED)
        answer, received = descriptors.receive(self._maker, _TEXT_BYTES, 3)
        if len(received) != 3:
            reason = answer.decode("utf-8", "replace") or "the process that creates them has ended"
            raise OSError(f"no namespaces for a run: {reason}")
        return received


def _enter(files: int, folder: str) -> None:
    """Enter the view of the files; end a child that cannot, as it must not continue."""
    try:
        kernel.syscall("setns", files, NEW_MOUNTS)
        mounts.mount(folder, os.path.dirname(folder), None, mounts.BIND)
    except BaseException as error:
        os.write(2, f"a run's view of the files could not be entered: {error}\n".encode())
        os._exit(1)


class _Made(NamedTuple):
    """New namespaces, and their first process."""

    pid: int
    pidfd: int
    processes: int
    files: int


class _Maker:
    """The first process around all runs, which creates namespaces on request, and one set ahead.

    Parameters
    ----------
    server : socket
        The socket for requests. The answer has a pidfd of the first process and descriptors of its
        process and mount namespaces, or a reason.
    child : int
        The process that sends requests; everything ends with it.
    """

    def __init__(self, server: socket.socket, child: int) -> None:
        self._server = server
        self._child = child
        self._own = os.open("/proc/self/ns/pid", os.O_RDONLY | os.O_CLOEXEC)
        self._ready: _Made | None = None
        self._children: dict[int, int] = {}
        self._poller = select.poll()
        self._poller.register(server, select.POLLIN)
        self._look_after(child, os.pidfd_open(child))

    def serve(self) -> NoReturn:
        """Answer requests until the child has ended; end with the same status."""
        while True:
            for ready, _ in self._poller.poll():
                if ready in self._children:
                    self._wait_for(ready)
                    continue
                request = self._server.recv(1)
                if request == _ASKED:
                    self._answer()
                elif request == _EXPECTED:
                    self._make_ahead()
                else:
                    self._poller.unregister(self._server)

    def _answer(self) -> None:
        try:
            made = self._ready or self._make()
        except OSError as error:
            self._server.send(str(error).encode()[:_TEXT_BYTES])
            return
        self._ready = None
        descriptors.send(self._server, _DONE, [made.pidfd, made.processes, made.files])
        os.close(made.processes)
        os.close(made.files)

    def _make_ahead(self) -> None:
        # If it fails now, it is tried again when needed, and the reason is reported then.
        with contextlib.suppress(OSError):
            self._ready = self._ready or self._make()

    def _look_after(self, pid: int, pidfd: int) -> None:
        self._children[pidfd] = pid
        self._poller.register(pidfd, select.POLLIN)

    def _wait_for(self, pidfd: int) -> None:
        ended = self._children.pop(pidfd)
        self._poller.unregister(pidfd)
        os.close(pidfd)
        _, status = os.waitpid(ended, 0)
        if ended == self._child:
            os._exit(status >> 8 or status)
        if self._ready is not None and self._ready.pid == ended:
            self._ready = None

    def _make(self) -> _Made:
        """Create namespaces by starting their first process."""
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with ours:
            with theirs:
                kernel.syscall("unshare", NEW_PROCESSES)
                try:
                    first = os.fork()
                    if first == 0:
                        _be_first(theirs)
                finally:
                    kernel.syscall("setns", self._own, NEW_PROCESSES)
            said, received = descriptors.receive(ours, _TEXT_BYTES, 2)
        if len(received) != 2:
            os.waitpid(first, 0)
            raise OSError(said.decode("utf-8", "replace") or "their first process ended")
        made = _Made(first, os.pidfd_open(first), *received)
        self._look_after(first, made.pidfd)
        return made


def serve(server: socket.socket, child: int) -> NoReturn:
    """Create namespaces for runs, as the first process around them; end with the child's status.

    Parameters
    ----------
    server : socket
        The other end of the socket of :class:`RunNamespaces`.
    child : int
        The process that uses :class:`RunNamespaces`.
    """
    # A first process only gets signals from its namespace that it handles.
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    _Maker(server, child).serve()


def _be_first(maker: socket.socket) -> NoReturn:
    """Prepare the view of a run, then reap orphans until the kernel ends the namespace."""
    try:
        kernel.prctl(kernel.PR_SET_PDEATHSIG, signal.SIGKILL)
        kernel.syscall("unshare", NEW_MOUNTS)
        mounts.mount_processes("/proc")
        described = [os.open(f"/proc/self/ns/{kind}", os.O_RDONLY) for kind in ("pid", "mnt")]
        capabilities.give_up()
        # The run, which has the same user id, must not inspect this process.
        kernel.prctl(kernel.PR_SET_DUMPABLE, 0)
        signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGCHLD})
        descriptors.send(maker, _DONE, described)
        os.closerange(0, os.sysconf("SC_OPEN_MAX"))
    except BaseException as error:
        maker.send(str(error).encode()[:_TEXT_BYTES])
        os._exit(1)
    while True:
        signal.sigwait({signal.SIGCHLD})
        with contextlib.suppress(ChildProcessError):
            while os.waitpid(-1, os.WNOHANG)[0]:
                pass
