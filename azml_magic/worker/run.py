"""One run in its worker: confine, receive, execute under the contract, report.

Order matters here: the process is confined before it reads one byte that a person
wrote, and it reports only after the module has come to its end.
"""

from __future__ import annotations

import io
import os
import random
import socket
import sys
from typing import Any, Dict, List

from azml_magic.contract.profile import Profile, get_profile
from azml_magic.sandbox.confine import confine
from azml_magic.sandbox.policy import Policy
from azml_magic.worker import (
    blas,
    bundle,
    figures,
    observe,
    outputs,
    report,
    run_object,
    script,
    serve,
)
from azml_magic.worker.wire import Channel, receive_frame

STREAM_LIMIT = 1 << 34
DATA, STDOUT, STDERR, LISTENER = range(4)


def work(request: Dict[str, Any], descriptors: List[int]) -> None:
    """Carry out one run and end the process; called in a freshly forked worker.

    Parameters
    ----------
    request : dict
        From the monitor: ``folder`` (the run folder) and ``policy``.
    descriptors : list of int
        Data socket, standard output, standard error, and the socket over which the
        monitor receives the listener of the system call filter.
    """
    folder = request["folder"]
    keep = _arrange_descriptors(descriptors)
    try:
        _arrange_environment(folder)
        confine(Policy.from_json(request["policy"]), keep[LISTENER], keep)
    except BaseException as error:
        os.write(STDERR, f"The worker could not confine itself: {error}\n".encode())
        os._exit(71)
    channel = Channel(socket.socket(fileno=keep[DATA]))
    _renew_state()
    try:
        execute(channel, folder)
    finally:
        _flush()
        os._exit(0)


def execute(channel: Channel, folder: str) -> None:
    """Receive the job, run the module, and send what came of it."""
    job = channel.receive_event(STREAM_LIMIT)
    profile = get_profile(job["profile"])
    datasets = {
        port: receive_frame(channel, text=job["text"], max_bytes=STREAM_LIMIT, trusted=True)
        for port in job["datasets"]
    }
    files = [(name, channel.receive_bytes(STREAM_LIMIT)) for name in job["bundle"]]
    uploads = _arrange_module_world(job, profile, folder, files)
    if "serves" in job:
        serve.serve(channel, job, profile, folder, STREAM_LIMIT, _flush)
        return
    progress = script.Progress()
    observer = observe.Observer(job["filename"], os.path.join(folder, "work"))
    observer.listen()
    try:
        returned, findings = script.run(job, profile, datasets, folder, progress)
        encoded = outputs.encode(returned, profile)
    except BaseException as error:
        _flush()
        channel.send_event(report.failure(error, progress, job["filename"], folder))
        return
    _flush()
    unsaved = figures.unsaved(os.path.join(folder, "previews"))
    channel.send_event(report.success(returned, findings + observer.findings, unsaved, uploads))
    outputs.send(channel, encoded)


def _arrange_descriptors(descriptors: List[int]) -> List[int]:
    """Put the streams where Python expects them; return those to keep, in their order."""
    null = os.open(os.devnull, os.O_RDWR)
    os.dup2(null, 0, inheritable=True)
    os.dup2(descriptors[STDOUT], 1, inheritable=True)
    os.dup2(descriptors[STDERR], 2, inheritable=True)
    for descriptor in (null, descriptors[STDOUT], descriptors[STDERR]):
        os.close(descriptor)
    return [descriptors[DATA], 1, 2, descriptors[LISTENER]]


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
        # Its process pool would start fresh interpreters, which a run cannot reach.
        JOBLIB_MULTIPROCESSING="0",
    )
    os.chdir(home)


def _renew_state() -> None:
    """Give this run streams, random numbers and library threads of its own."""
    import tempfile

    tempfile.tempdir = None
    for number, name in ((1, "stdout"), (2, "stderr")):
        raw = io.FileIO(number, "w", closefd=False)
        stream = io.TextIOWrapper(
            io.BufferedWriter(raw), "utf-8", errors="backslashreplace", line_buffering=True
        )
        setattr(sys, name, stream)
        setattr(sys, f"__{name}__", stream)
    for name in ("stdin", "__stdin__"):
        setattr(sys, name, open(os.devnull))  # noqa: SIM115 -- it stays open
    random.seed()
    numpy_random = sys.modules.get("numpy.random")
    if numpy_random is not None:
        numpy_random.seed()
    blas.use_all_cores()


def _arrange_module_world(
    job: Dict[str, Any], profile: Profile, folder: str, files: List[Any]
) -> List[Dict[str, str]]:
    """Lay out what a script finds around it; return the list that uploads go to."""
    home = os.path.join(folder, "work")
    if job["has_bundle"] or profile.bundle_folder_always:
        bundle.add_to_path(bundle.write(home, files))
    for name in [name for name in sys.modules if name.split(".")[0] == "azml_magic"]:
        del sys.modules[name]
    # The package is not there in the cloud; None makes an import fail as it would.
    sys.modules["azml_magic"] = None  # type: ignore[assignment]
    sys.argv = [""]
    if profile.run_object:
        return run_object.install(os.path.join(folder, "uploads"))
    sys.modules["azureml"] = None  # type: ignore[assignment]
    return []


def _flush() -> None:
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except Exception:  # a module may have closed or replaced its streams
            continue
