"""The trial that :mod:`probe` runs in a separate process: confine a child, and report."""

from __future__ import annotations

import json
import os
import select
import socket
import sys
import threading
from collections.abc import Callable

from azml_magic.protocol import descriptors
from azml_magic.protocol.limits import Limits
from azml_magic.protocol.policy import Level, Policy
from azml_magic.sandbox import confine, kernel, landlock, namespaces, seccomp, supervise
from azml_magic.sandbox.python_paths import readable_paths
from azml_magic.sandbox.run_namespaces import RunNamespaces

_MEMORY = 256 << 20
_SECONDS = 10.0
_THREADS = 16


def main() -> None:
    """Print the outcome as JSON.

    ``argv[1]`` is the folder of the trial; with ``"namespaces"`` as ``argv[2]`` this process is in
    separate namespaces, and the last argument is its socket to the first process.
    """
    folder, alone = sys.argv[1], sys.argv[2] == "namespaces"
    version = landlock.abi()
    made = RunNamespaces(int(sys.argv.pop())) if alone else None
    if alone:
        namespaces.seal(())
        level = Level.BOTH if version else Level.NAMESPACES
    else:
        level = Level.LANDLOCK if version else Level.FILES_OPEN
    found: dict[str, object] = {
        "landlock_abi": version,
        "seccomp": seccomp.supported(),
        "listener": _in_child(_install_filter) == 0,
    }
    if found["seccomp"] and found["listener"]:
        failure, number = _confine_a_child(os.path.join(folder, "run"), level, made)
        found.update(failure=failure, errno=number)
    json.dump(found, sys.stdout)


def _confine_a_child(folder: str, level: Level, made: RunNamespaces | None) -> tuple[str, int]:
    """Return why the confinement of a child failed, and the error number.

    The reason is empty if it succeeded; the number is 0 if there is none.
    """
    ours, theirs = socket.socketpair()
    reading, writing = os.pipe()
    os.makedirs(folder, exist_ok=True)
    try:
        child = os.fork() if made is None else made.fork(folder).pid
    except OSError as error:
        return str(error), error.errno or 0
    if child == 0:
        seen = folder if made is None else os.path.dirname(folder)
        _live_confined(seen, level, theirs.fileno(), writing)
    theirs.close()
    os.close(writing)
    _serve(ours, child)
    with open(reading, encoding="utf-8", errors="replace") as report:
        number, _, failure = report.read().partition(" ")
    _, status = os.waitpid(child, 0)
    if status and not failure:
        failure = f"it ended with status {status}"
    return failure, int(number or 0)


def _live_confined(folder: str, level: Level, listener_socket: int, report: int) -> None:
    """Confine this process, start a thread, write a file; never return."""
    try:
        os.chdir(folder)
        limits = Limits(memory=_MEMORY, timeout=None, tasks=_THREADS)
        policy = Policy(readable_paths(), (folder,), network=False, limits=limits, level=level)
        confine.confine(policy, listener_socket, [report])
        thread = threading.Thread(target=lambda: None)
        thread.start()
        thread.join()
        with open("file", "w") as file:
            file.write("written")
        os._exit(0)
    except BaseException as error:
        number = getattr(error, "errno", None) or 0
        os.write(report, f"{number} {type(error).__name__}: {error}".encode())
        os._exit(1)


def _serve(endpoint: socket.socket, child: int) -> None:
    """Receive the listener and answer its requests until the child has ended."""
    endpoint.settimeout(_SECONDS)
    _, received = descriptors.receive(endpoint, 16, 1)
    if not received:
        return
    gate = supervise.TaskGate(received[0], _THREADS, lambda: [child])
    waiting = select.poll()
    waiting.register(gate, select.POLLIN)
    while waiting.poll(_SECONDS * 1000) and gate.answer():
        pass
    gate.close()


def _install_filter() -> None:
    kernel.prctl(kernel.PR_SET_NO_NEW_PRIVS, 1)
    os.close(seccomp.install(landlock.abi(), network=False))


def _in_child(action: Callable[[], None]) -> int:
    """Run a function in a child process; return its exit status."""
    child = os.fork()
    if child == 0:
        try:
            action()
            os._exit(0)
        except BaseException:
            os._exit(1)
    return os.waitpid(child, 0)[1]
