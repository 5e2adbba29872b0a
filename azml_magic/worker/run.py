"""One run in its worker: confine, receive, execute under the contract, report.

The order matters: the process is confined before it reads the first byte of a user's code, and
it reports only after the module has finished.
"""

from __future__ import annotations

import io
import os
import random
import select
import socket
import sys
from typing import List, Optional, Tuple

from azml_magic.contract.profile import rules_of
from azml_magic.languages.call import Progress
from azml_magic.languages.language import LANGUAGES
from azml_magic.languages.python import layout, observe, outputs, pyplot, report
from azml_magic.protocol import descriptors
from azml_magic.protocol.codec import from_plain
from azml_magic.protocol.job_header import BEGUN, JobHeader
from azml_magic.protocol.messages import Fork
from azml_magic.sandbox.confine import confine
from azml_magic.wire import Channel, receive_frame
from azml_magic.wire.pipe import PipeReader
from azml_magic.worker import rehearse, serve

STREAM_LIMIT = 1 << 34


def work(request: Fork, passed_on: List[int]) -> None:
    """Carry out one run and end the process; called in a freshly forked worker.

    Everything that is the same for all runs is done in advance: the worker then waits, confined,
    for the descriptors of its run.

    Parameters
    ----------
    request : Fork
        From the monitor.
    passed_on : list of int
        The socket through which the run's descriptors arrive, and the one through which the
        monitor receives the listener of the system call filter.
    """
    orders, listener = passed_on
    folder = request.folder
    try:
        _arrange_streams([os.open(os.devnull, os.O_RDWR)] * 3)
        _arrange_environment(folder)
        confine(request.policy, listener, [orders])
    except BaseException as error:
        os.write(orders, f"the worker could not confine itself: {error}".encode())
        os._exit(1)
    _renew_state()
    # If a run is already waiting, a rehearsal would only delay it.
    if not select.select([orders], [], [], 0)[0]:
        rehearse.rehearse()
    data, pipe = _receive_orders(orders)
    try:
        execute(Channel(data), pipe, folder)
    finally:
        _flush()
        os._exit(0)


def execute(channel: Channel, pipe: Optional[PipeReader], folder: str) -> None:
    """Receive the job, run the module, and send the outcome."""
    try:
        job = from_plain(JobHeader, channel.receive_event(STREAM_LIMIT))
        profile, text = rules_of(job.options), job.options.text
        datasets = {
            port: receive_frame(channel, text=text, max_bytes=STREAM_LIMIT, trusted=True, pipe=pipe)
            for port in job.datasets
        }
        if pipe is not None:
            pipe.close()
        files = [(name, channel.receive_bytes(STREAM_LIMIT)) for name in job.bundle or ()]
        uploads = layout.lay_out(folder, None if job.bundle is None else files, profile)
    except Exception as error:
        channel.send_event(report.not_begun(error))
        return
    channel.send_event(BEGUN)
    if job.calls:
        serve.serve(channel, job, profile, folder, STREAM_LIMIT, _flush)
        return
    language, progress = LANGUAGES[job.language], Progress()
    observer = observe.Observer(job.filename, os.path.join(folder, "work"))
    observer.listen()
    try:
        returned, findings = language.run(job, profile, datasets, folder, progress)
        encoded = outputs.encode(returned, profile)
    except BaseException as error:
        _flush()
        channel.send_event(language.describe(error, progress, job, folder))
        return
    _flush()
    unsaved = pyplot.unsaved(os.path.join(folder, "previews"))
    channel.send_event(report.success(returned, findings + observer.findings, unsaved, uploads))
    outputs.send(channel, encoded)


def _arrange_streams(chosen: List[int]) -> None:
    """Put descriptors where Python expects input, output and errors."""
    for number, descriptor in enumerate(chosen):
        os.dup2(descriptor, number, inheritable=True)
    for descriptor in set(chosen):
        os.close(descriptor)


def _receive_orders(orders: int) -> Tuple[socket.socket, Optional[PipeReader]]:
    """Wait for the run's data socket, output and pipes, and close the socket to the monitor."""
    with socket.socket(fileno=orders) as endpoint:
        message, received = descriptors.receive(endpoint, 16, 8)
    if not message:
        os._exit(0)
    data, stdout, stderr, *pipes = received
    _arrange_streams([os.dup(0), stdout, stderr])
    return socket.socket(fileno=data), PipeReader(pipes) if pipes else None


def _arrange_environment(folder: str) -> None:
    home = os.path.join(folder, "work")
    kept = ("LANG", "LC_ALL", "LC_CTYPE", "TZ", "LD_LIBRARY_PATH", "PATH")
    scrubbed = {name: os.environ[name] for name in kept if name in os.environ}
    os.environ.clear()
    os.environ.update(scrubbed)
    os.environ.update(
        HOME=home,
        TMPDIR=home,
        USER="azureml",
        LOGNAME="azureml",
        MPLBACKEND="Agg",
        MPLCONFIGDIR=home,
        JOBLIB_TEMP_FOLDER=home,
        # Its process pool would start new interpreters, which a run cannot do.
        JOBLIB_MULTIPROCESSING="0",
    )
    os.chdir(home)


def _renew_state() -> None:
    """Give this run its own streams and random numbers."""
    import tempfile

    tempfile.tempdir = None
    for number, name in ((1, "stdout"), (2, "stderr")):
        raw = io.FileIO(number, "w", closefd=False)
        stream = io.TextIOWrapper(
            io.BufferedWriter(raw), "utf-8", errors="backslashreplace", line_buffering=True
        )
        setattr(sys, name, stream)
        setattr(sys, f"__{name}__", stream)
    sys.stdin = sys.__stdin__ = open(os.devnull)  # type: ignore[misc] # noqa: SIM115 -- stays open
    random.seed()
    numpy_random = sys.modules.get("numpy.random")
    if numpy_random is not None:
        numpy_random.seed()


def hide_package() -> None:
    """Make the package as absent as it is in the cloud: None makes importing it fail.

    Done once in the fork server, which has imported everything that its workers need from it.
    """
    for name in [name for name in sys.modules if name.split(".")[0] == "azml_magic"]:
        del sys.modules[name]
    sys.modules["azml_magic"] = None  # type: ignore[assignment]


def _flush() -> None:
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except Exception:  # a module may have closed or replaced its streams
            continue
