"""A module run in this process, for a debugger: the same contract, but no sandbox.

Breakpoints stop in the user's own lines, and the traceback of a failed run's exception ends in
the frame that failed, so that a debugger opens there.
"""

from __future__ import annotations

import bdb
import ctypes
import socket
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from types import TracebackType

import pandas as pd

from azml_magic.executors import images
from azml_magic.executors.account import Account, Received
from azml_magic.executors.debug_world import World, module_world
from azml_magic.executors.execution import Callbacks
from azml_magic.executors.job import Job
from azml_magic.executors.worker_report import FailureReport, SuccessReport, read_report
from azml_magic.languages.call import Progress
from azml_magic.languages.language import LANGUAGES
from azml_magic.languages.python import outputs, report
from azml_magic.protocol.job_header import MODULE_FILE, JobHeader
from azml_magic.temporary import OwnFolder
from azml_magic.wire import Channel, ChannelClosed, EncodedFrame, receive_frame, send_frame

CONFINEMENT = "NONE, a debug run in this process"


class InlineExecutor:
    """Runs jobs in this process, with the parameters, result and errors of a confined run.

    Limits do not apply, and what the module prints goes directly to this process's streams.
    """

    def start(self, job: Job, callbacks: Callbacks = Callbacks()) -> InlineExecution:
        """Return the execution of a job; it begins when it is waited for."""
        return InlineExecution(job, callbacks)


class InlineExecution:
    """One job in this process.

    Parameters
    ----------
    job : Job
        What to run.
    callbacks : Callbacks
        Only ``on_start`` is called: output appears as it is printed.
    """

    def __init__(self, job: Job, callbacks: Callbacks) -> None:
        self._job = job
        self._callbacks = callbacks
        self._lock = threading.Lock()
        self._cancelled = False
        self._thread: int | None = None

    def wait(self) -> Account:
        """Run the job in the calling thread."""
        started = time.perf_counter()
        if self._callbacks.on_start is not None:
            self._callbacks.on_start(self)
        job, options = self._job, self._job.options
        frames = {
            port: travel(frame, options.text, options.frame_bytes)
            for port, frame in job.inputs.frames.items()
        }
        header = _header(job)
        with OwnFolder("azml_magic-debug") as own:
            folder = str(own.path)
            with module_world(header.filename, job.bundle, job.profile, folder) as world:
                try:
                    received, trace = self._execute(header, frames, folder, world)
                except KeyboardInterrupt:
                    self._leave()
                    received, trace = Received(begun=True, interrupted=True), None
            _unpad(received, job.module.first_line - 1)
            whole = received.report if isinstance(received.report, SuccessReport) else None
            collected = images.collect(own.path, job.profile, whole)
        return Account(
            received=received,
            stdout=world.stdout.getvalue(),
            stderr=world.stderr.getvalue(),
            images=collected,
            findings=job.inputs.findings,
            seconds=time.perf_counter() - started,
            confinement=CONFINEMENT,
            trace=trace,
        )

    def cancel(self) -> None:
        """Interrupt the thread that runs it, at its next line of Python."""
        with self._lock:
            if not self._cancelled and self._thread is not None:
                _interrupt(self._thread, ctypes.py_object(KeyboardInterrupt))
            self._cancelled = True

    def _execute(
        self, header: JobHeader, frames: dict[str, pd.DataFrame], folder: str, world: World
    ) -> tuple[Received, TracebackType | None]:
        received, progress = Received(begun=True), Progress()
        language, profile = LANGUAGES[header.language], self._job.profile
        try:
            self._enter()
            returned, noted = language.run(header, profile, frames, folder, progress)
            encoded = outputs.encode(returned, profile)
            self._leave()
        except KeyboardInterrupt:
            raise
        except bdb.BdbQuit:
            raise KeyboardInterrupt from None
        except BaseException as error:
            self._leave()
            event = language.describe(error, progress, header, folder)
            received.report = read_report(event)
            return received, _own_frames(error.__traceback__, header.filename)
        arrived = iter([travel(frame, "str", sys.maxsize) for frame in encoded])
        received.frames = [None if frame is None else next(arrived) for frame in returned]
        received.report = read_report(report.success(returned, noted, [], world.uploads))
        return received, None

    def _enter(self) -> None:
        with self._lock:
            self._thread = threading.get_ident()
            cancelled = self._cancelled
        if cancelled:
            raise KeyboardInterrupt

    def _leave(self) -> None:
        """From here on, nothing is interrupted, not even by what was sent just before."""
        with self._lock:
            thread, self._thread = self._thread, None
            if thread is not None:
                _interrupt(thread, None)


def _interrupt(thread: int, error: object) -> None:
    """Raise an exception in a thread; None withdraws one that has not been raised yet."""
    ctypes.pythonapi.PyThreadState_SetAsyncExc(ctypes.c_ulong(thread), error)


def travel(frame: EncodedFrame, text: str, limit: int) -> pd.DataFrame:
    """Return a frame as it arrives at the other end of a data socket."""
    ours, theirs = socket.socketpair()

    def send() -> None:
        with ours:
            send_frame(Channel(ours), frame)

    with ThreadPoolExecutor(max_workers=1) as sender:
        sending = sender.submit(send)
        try:
            with theirs:
                return receive_frame(Channel(theirs), text=text, max_bytes=limit, trusted=True)
        except ChannelClosed:
            sending.result()  # its error is the cause
            raise


def _header(job: Job) -> JobHeader:
    # With the file name and the line numbers that a debugger knows, its breakpoints are hit.
    return replace(
        job.header(),
        filename=job.module.file or MODULE_FILE,
        source="\n" * (job.module.first_line - 1) + job.module.source,
    )


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
