"""The fork server: libraries imported once, then one worker forked for each run.

It runs no user code. It takes requests from the monitor only, over the socket that it was
started with, and reports each worker's process descriptor and exit status.
"""

from __future__ import annotations

import gc
import os
import select
import signal
import socket
import sys
import warnings
from typing import Dict, List, NamedTuple, Optional

from azml_magic.languages.language import LANGUAGES
from azml_magic.protocol import packets
from azml_magic.protocol.codec import from_json
from azml_magic.protocol.messages import (
    TO_FORK_SERVER,
    ExpectFork,
    Fork,
    Forked,
    ForkServerOrder,
    ForkServerReady,
    NotForked,
    WorkerExited,
)
from azml_magic.sandbox import confine, kernel, locks, namespaces, resources
from azml_magic.sandbox.run_namespaces import NewWorker, RunNamespaces
from azml_magic.worker import blas, rehearse, run

PR_SET_PDEATHSIG = 1
PR_SET_DUMPABLE = 4


class Child(NamedTuple):
    """A worker that has been forked, and the number that the monitor gave it."""

    pid: int
    number: int


def main() -> None:
    """Serve runs until the monitor closes the socket; ``argv[1]`` is a :class:`ForkServerOrder`.

    If runs have their own namespaces, ``argv[2]`` is the descriptor of the socket to the process
    that creates them.
    """
    order = from_json(ForkServerOrder, sys.argv[1])
    monitor, level = socket.socket(fileno=order.descriptor), order.level
    made = RunNamespaces(int(sys.argv[2])) if level.namespaces else None
    sys.path.extend(order.package_folders)
    _die_with_parent()
    resources.raise_open_files()
    _preload()
    if level.namespaces:
        namespaces.seal([os.environ["MPLCONFIGDIR"]])
    confine.prepare(level, network=order.network)
    _hide()
    itself = kernel.open_process(os.getpid())
    packets.send(monitor, ForkServerReady(_thread_count()), [itself])
    os.close(itself)
    serve(monitor, made)


def serve(monitor: socket.socket, made: Optional[RunNamespaces]) -> None:
    """Fork a worker for each request, and report the workers that ended.

    Parameters
    ----------
    monitor : socket
        Carries requests and reports.
    made : RunNamespaces, optional
        Creates the namespaces of each worker; without it, workers run in the server's.
    """
    children: Dict[int, Child] = {}
    poller = select.poll()
    poller.register(monitor, select.POLLIN)
    while True:
        for descriptor, _ in poller.poll():
            if descriptor != monitor.fileno():
                _reap(monitor, poller, children, descriptor)
                continue
            request, descriptors = packets.receive(monitor, TO_FORK_SERVER)
            if request is None:
                return
            if isinstance(request, ExpectFork):
                if made is not None:
                    made.expect()
                continue
            try:
                forked = _fork_worker(monitor, made, request, descriptors)
            except OSError as error:
                packets.send(monitor, NotForked(request.number, str(error)))
                continue
            finally:
                for passed_on in descriptors:
                    os.close(passed_on)
            pidfd = kernel.open_process(forked.pid)
            children[pidfd] = Child(forked.pid, request.number)
            poller.register(pidfd, select.POLLIN)
            ends = [pidfd] if made is None else [pidfd, forked.first]
            packets.send(monitor, Forked(request.number), ends)
            if made is not None:
                os.close(forked.first)


def _fork_worker(
    monitor: socket.socket,
    made: Optional[RunNamespaces],
    request: Fork,
    descriptors: List[int],
) -> NewWorker:
    with warnings.catch_warnings():
        # Python 3.12 warns about threads at a fork; here they are idle helpers of libraries.
        warnings.simplefilter("ignore", DeprecationWarning)
        forked = NewWorker(os.fork(), -1) if made is None else made.fork(request.run)
    if forked.pid == 0:
        try:
            monitor.close()
            run.work(request, descriptors)
        finally:
            os._exit(70)
    return forked


def _reap(
    monitor: socket.socket, poller: select.poll, children: Dict[int, Child], pidfd: int
) -> None:
    poller.unregister(pidfd)
    child = children.pop(pidfd)
    _, status = os.waitpid(child.pid, 0)
    os.close(pidfd)
    packets.send(monitor, WorkerExited(child.number, status))


def _preload() -> None:
    """Import libraries, and have them build what they need at first use, once for all runs."""
    import pandas as pd
    import pyarrow as pa

    pa.set_cpu_count(1)
    pa.array(["a", None], pa.large_string()).to_numpy(zero_copy_only=False)
    pd.DataFrame({"a": [1.0], "b": ["x"]}).describe(include="all").to_string()
    for language in LANGUAGES.values():
        language.preload()
    locks.install()
    rehearse.rehearse()
    blas.find_libraries()
    blas.use_all_cores()
    _end_library_threads()


def _end_library_threads() -> None:
    """Fork once: linear algebra libraries end their threads first, and restart them if needed."""
    child = os.fork()
    if child == 0:
        os._exit(0)
    os.waitpid(child, 0)


def _hide() -> None:
    """Make the state that every worker inherits cheap to fork and inaccessible to others."""
    import ctypes

    ctypes.CDLL(None).prctl(PR_SET_DUMPABLE, 0, 0, 0, 0)
    run.hide_package()
    gc.collect()
    gc.freeze()


def _die_with_parent() -> None:
    import ctypes

    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    signal.signal(signal.SIGINT, signal.SIG_IGN)


def _thread_count() -> int:
    return len(os.listdir("/proc/self/task"))
