"""A module run in this very process: the same contract, no sandbox, for a debugger.

Breakpoints stop in the person's own lines, and the exception that a failed run raises ends in
the frame that failed, so that a debugger opens there.
"""

from __future__ import annotations

import bdb
import socket
import sys
import time
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from types import TracebackType

import pandas as pd

from azml_magic.contract.frames import prepare_input
from azml_magic.contract.profile import Profile
from azml_magic.errors import RunError
from azml_magic.module.bundle import Bundle
from azml_magic.module.module import Module
from azml_magic.protocol.job import JobHeader
from azml_magic.protocol.options import Options
from azml_magic.result import Finding, Result
from azml_magic.runner import images, verdict
from azml_magic.runner.job import Received
from azml_magic.runner.outcome import FailureReport, SuccessReport, read_report
from azml_magic.runner.run import MODULE_FILE, Callbacks, encode_input, job_header
from azml_magic.runner.surroundings import World, module_world
from azml_magic.temporary import OwnFolder
from azml_magic.wire import (
    Channel,
    ChannelClosed,
    EncodedFrame,
    receive_frame,
    send_frame,
)
from azml_magic.worker import outputs, report, script

CONFINEMENT = "NONE, a debug run in this process"


def run_module(
    module: Module,
    datasets: Mapping[str, pd.DataFrame],
    bundle: Bundle | None,
    profile: Profile,
    options: Options,
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
        prepared, changes = prepare_input(frame, port, profile, options)
        encoded = encode_input(prepared, port, profile)
        frames[port] = travel(encoded, options.text, options.frame_bytes)
        noted += changes
    job = _job(module, bundle, profile, options)
    trace: TracebackType | None = None
    with OwnFolder("azml_magic-debug") as own:
        folder = str(own.path)
        with module_world(job.filename, bundle, profile, folder) as world:
            received, trace = _execute(job, profile, frames, folder, world)
        _unpad(received, module.first_line - 1)
        whole = received.report if isinstance(received.report, SuccessReport) else None
        collected = images.collect(own.path, profile, whole)
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
        return verdict.judge(account, module, profile)
    except RunError as error:
        raise error.with_traceback(trace) from None


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


def _job(module: Module, bundle: Bundle | None, profile: Profile, options: Options) -> JobHeader:
    # Under the file name and at the lines that a debugger knows, its breakpoints are met.
    return replace(
        job_header(module, bundle, profile, options),
        filename=module.file or MODULE_FILE,
        source="\n" * (module.first_line - 1) + module.source,
    )


def _execute(
    job: JobHeader,
    profile: Profile,
    frames: dict[str, pd.DataFrame],
    folder: str,
    world: World,
) -> tuple[Received, TracebackType | None]:
    received, progress = Received(begun=True), script.Progress()
    try:
        returned, noted = script.run(job, profile, frames, folder, progress)
        encoded = outputs.encode(returned, profile)
    except (KeyboardInterrupt, bdb.BdbQuit):
        received.interrupted = True
        return received, None
    except BaseException as error:
        event = report.failure(error, progress, job.filename, folder)
        received.report = read_report(event)
        return received, _own_frames(error.__traceback__, job.filename)
    arrived = iter([travel(frame, "str", sys.maxsize) for frame in encoded])
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
