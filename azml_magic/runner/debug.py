"""A module run in this very process: the same contract, no sandbox, for a debugger.

Breakpoints stop in the person's own lines, and the exception that a failed run raises ends in
the frame that failed, so that a debugger opens there.
"""

from __future__ import annotations

import bdb
import contextlib
import io
import linecache
import os
import shutil
import socket
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from types import ModuleType, TracebackType
from typing import Any

import pandas as pd

from azml_magic.contract.frames import prepare_input
from azml_magic.contract.profile import Profile
from azml_magic.errors import RunError
from azml_magic.module.bundle import Bundle
from azml_magic.module.module import Module
from azml_magic.result import Finding, Result
from azml_magic.runner import images, verdict
from azml_magic.runner.exchange import Received
from azml_magic.runner.outcome import FailureReport, SuccessReport, read_report
from azml_magic.runner.run import (
    MODULE_FILE,
    Callbacks,
    RunOptions,
    encode_input,
    job_header,
    max_bytes,
)
from azml_magic.worker import bundle as bundle_folder
from azml_magic.worker import outputs, report, run_object, script
from azml_magic.worker.wire import Channel, EncodedFrame, receive_frame, send_frame

CONFINEMENT = "NONE, a debug run in this process"


def run_module(
    module: Module,
    datasets: Mapping[str, pd.DataFrame],
    bundle: Bundle | None,
    profile: Profile,
    options: RunOptions,
    findings: list[Finding],
    callbacks: Callbacks = Callbacks(),
) -> Result:
    """Run a module in this process; parameters, result and errors as of a confined run.

    Limits do not apply, and what the module prints goes straight to this process's streams.
    An exception of the module keeps its own frames at the end of the error's traceback.
    """
    started = time.perf_counter()
    frames, noted = {}, list(findings)
    for port, frame in datasets.items():
        prepared, changes = prepare_input(frame, port, profile, options.dates)
        encoded = encode_input(prepared, port, profile)
        frames[port] = travel(encoded, options.text, max_bytes(options))
        noted += changes
    job = _job(module, bundle, profile, options)
    folder = tempfile.mkdtemp(prefix="azml_magic-debug-")
    trace: TracebackType | None = None
    try:
        with _module_world(job, bundle, profile, folder) as world:
            received, trace = _execute(job, profile, frames, folder, world)
        _unpad(received, module.first_line - 1)
        whole = received.report if isinstance(received.report, SuccessReport) else None
        collected = images.collect(Path(folder), profile, whole)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    account = verdict.Account(
        received=received,
        stdout=world.stdout.getvalue(),
        stderr=world.stderr.getvalue(),
        images=collected,
        findings=tuple(noted),
        seconds=time.perf_counter() - started,
        confinement=CONFINEMENT,
    )
    try:
        return verdict.judge(account, module, profile, options.memory, options.seconds)
    except RunError as error:
        raise error.with_traceback(trace) from None


def travel(frame: EncodedFrame, text: str, limit: int) -> pd.DataFrame:
    """Return a frame as it arrives at the other end of a data socket."""
    ours, theirs = socket.socketpair()
    sender = threading.Thread(target=send_frame, args=(Channel(ours), frame))
    sender.start()
    try:
        return receive_frame(Channel(theirs), text=text, max_bytes=limit, trusted=True)
    finally:
        theirs.close()
        sender.join()
        ours.close()


class _World:
    """What a debug run leaves outside of its frames."""

    def __init__(self) -> None:
        self.stdout, self.stderr = io.StringIO(), io.StringIO()
        self.uploads: list[dict[str, str]] = []


class _Tee:
    """A stream that also keeps what is written to it."""

    def __init__(self, stream: Any, kept: io.StringIO) -> None:
        self._stream, self._kept = stream, kept

    def write(self, text: str) -> int:
        self._kept.write(text)
        self._stream.write(text)
        return len(text)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)


def _job(
    module: Module, bundle: Bundle | None, profile: Profile, options: RunOptions
) -> dict[str, Any]:
    job = job_header(module, bundle, profile, options)
    # Under the file name and at the lines that a debugger knows, its breakpoints are met.
    job["filename"] = module.file or MODULE_FILE
    job["source"] = "\n" * (module.first_line - 1) + module.source
    return job


def _execute(
    job: dict[str, Any],
    profile: Profile,
    frames: dict[str, pd.DataFrame],
    folder: str,
    world: _World,
) -> tuple[Received, TracebackType | None]:
    received, progress = Received(), script.Progress()
    try:
        returned, noted = script.run(job, profile, frames, folder, progress)
        encoded = outputs.encode(returned, profile)
    except (KeyboardInterrupt, bdb.BdbQuit):
        received.interrupted = True
        return received, None
    except BaseException as error:
        event = report.failure(error, progress, job["filename"], folder)
        received.report = read_report(event)
        return received, _own_frames(error.__traceback__, job["filename"])
    arrived = iter([travel(frame, "native", sys.maxsize) for frame in encoded])
    received.frames = [None if frame is None else next(arrived) for frame in returned]
    received.report = read_report(report.success(returned, noted, [], world.uploads))
    return received, None


def _own_frames(trace: TracebackType | None, file: str) -> TracebackType | None:
    """Leave out the frames before the module's first one."""
    first = trace
    while first is not None and first.tb_frame.f_code.co_filename != file:
        first = first.tb_next
    return first or trace


def _unpad(received: Received, lines: int) -> None:
    """Count the module's lines from its own first one, as the report of a worker does."""
    if isinstance(received.report, FailureReport):
        entries = tuple(
            replace(entry, line=entry.line - lines) if entry.file == "module" else entry
            for entry in received.report.entries
        )
        received.report = replace(received.report, entries=entries)


@contextlib.contextmanager
def _module_world(
    job: dict[str, Any], bundle: Bundle | None, profile: Profile, folder: str
) -> Iterator[_World]:
    """Lay out what a script finds around it, and put everything back afterwards."""
    home = os.path.join(folder, "work")
    for name in ("work", "start", "uploads", "previews"):
        os.makedirs(os.path.join(folder, name))
    world = _World()
    kept_lines = linecache.cache.get(job["filename"])
    before = (os.getcwd(), sys.path[:], sys.argv[:], dict(sys.modules), _backend())
    streams = (sys.stdout, sys.stderr)
    _hide_namesakes(bundle, before[0])
    try:
        sys.stdout, sys.stderr = _Tee(sys.stdout, world.stdout), _Tee(sys.stderr, world.stderr)
        sys.argv = [""]
        if job["has_bundle"] or profile.bundle_folder_always:
            files = bundle.files if bundle is not None else ()
            bundle_folder.add_to_path(bundle_folder.write(home, files))
        if profile.run_object:
            run_object.Run._uploads.clear()
            world.uploads = run_object.install(os.path.join(folder, "uploads"))
        yield world
    finally:
        sys.stdout, sys.stderr = streams
        os.chdir(before[0])
        sys.path[:], sys.argv = before[1], before[2]
        _restore_modules(before[3], folder)
        _restore_backend(before[4])
        _keep_lines(job["filename"], kept_lines, folder, home)


def _hide_namesakes(bundle: Bundle | None, notebook_folder: str) -> None:
    """Make modules of the notebook's folder give way to those of the bundle."""
    for name in bundle.modules if bundle is not None else ():
        file = getattr(sys.modules.get(name), "__file__", None) or ""
        if file.startswith(notebook_folder + os.sep) and "site-packages" not in file:
            del sys.modules[name]


def _restore_modules(before: dict[str, ModuleType], folder: str) -> None:
    for name, module in list(sys.modules.items()):
        file = getattr(module, "__file__", None) or ""
        if name not in before and (file.startswith(folder + os.sep) or "azureml" in name):
            del sys.modules[name]
    for name, module in before.items():
        sys.modules.setdefault(name, module)


def _backend() -> str | None:
    plt = sys.modules.get("matplotlib.pyplot")
    return None if plt is None else str(plt.get_backend())


def _restore_backend(before: str | None) -> None:
    """Give pyplot the notebook's backend back, which scripts change by habit."""
    plt = sys.modules.get("matplotlib.pyplot")
    wanted = before or os.environ.get("MPLBACKEND")
    if plt is not None and wanted and plt.get_backend() != wanted:
        plt.switch_backend(wanted)


def _keep_lines(file: str, before: Any, folder: str, home: str) -> None:
    """Leave to a debugger the lines of files that are gone, and to a cell its own lines."""
    ours = linecache.cache.get(file)
    if before is not None and ours is not None and len(before[2]) >= len(ours[2]):
        linecache.cache[file] = before
    for name in list(linecache.cache):
        if name.startswith(folder + os.sep):
            lines: list[str] = linecache.getlines(name)
            linecache.cache[name] = (len(lines), None, lines, name)
