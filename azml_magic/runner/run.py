"""One run: a module, frames on its ports, limits; a Result or an exception that keeps one."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

import pandas as pd

from azml_magic.contract.frames import prepare_input
from azml_magic.contract.profile import Profile
from azml_magic.errors import InputError, SandboxBroken
from azml_magic.module.bundle import Bundle
from azml_magic.module.module import Module
from azml_magic.monitor import client
from azml_magic.protocol.job import JobHeader
from azml_magic.protocol.messages import ReleaseRun
from azml_magic.protocol.options import Options
from azml_magic.result import Finding, Result
from azml_magic.runner import images, verdict
from azml_magic.runner.exchange import Exchange
from azml_magic.runner.job import Job, Received
from azml_magic.runner.outcome import SuccessReport
from azml_magic.wire import ColumnRefused, EncodedFrame, encode_frame

MODULE_FILE = "azureml_module.py"


@dataclass(frozen=True)
class Callbacks:
    """What a caller wants to hear while a run goes on."""

    on_output: Callable[[str, str], None] | None = None
    on_tick: Callable[[float], None] | None = None


@dataclass
class Run:
    """A run that is being put together."""

    module: Module
    profile: Profile
    options: Options
    datasets: dict[str, EncodedFrame] = field(default_factory=dict)
    findings: list[Finding] = field(default_factory=list)
    bundle: Bundle | None = None


def run_module(
    module: Module,
    datasets: Mapping[str, pd.DataFrame],
    bundle: Bundle | None,
    profile: Profile,
    options: Options,
    findings: list[Finding],
    callbacks: Callbacks = Callbacks(),
) -> Result:
    """Run a module in a confined worker and wait for its end.

    Parameters
    ----------
    module : Module
        What to run.
    datasets : mapping of str to pandas.DataFrame
        The connected ports (``"dataset1"``, ``"dataset2"``); the frames stay unchanged.
    bundle : Bundle or None
        The third port.
    profile : Profile
        The rules.
    options : Options
        Limits and switches.
    findings : list of Finding
        What was found before the run; they open the result's findings.
    callbacks : Callbacks
        Called in this thread while the run goes on.

    Returns
    -------
    Result
        What the run gave back.

    Raises
    ------
    InputError
        When a frame cannot be delivered under the profile.
    SandboxError
        When the run could not be confined.
    RunError
        When the run did not succeed; its ``result`` keeps log, figures and findings.
    """
    run = Run(module, profile, options, findings=list(findings), bundle=bundle)
    for port, frame in datasets.items():
        prepared, changes = prepare_input(frame, port, profile, options)
        run.datasets[port] = encode_input(prepared, port, profile)
        run.findings += changes
    started = time.perf_counter()
    carried = _carry(run, callbacks, last=False) or _carry(run, callbacks, last=True)
    assert carried is not None
    account = verdict.Account(
        received=carried.received,
        stdout=carried.stdout,
        stderr=carried.stderr,
        images=carried.images,
        findings=tuple(run.findings),
        seconds=time.perf_counter() - started,
        confinement=carried.confinement,
        limits=options.limits(),
    )
    return verdict.judge(account, run.module, profile)


@dataclass(frozen=True)
class _Carried:
    """What came of one attempt to run a module."""

    received: Received
    stdout: str
    stderr: str
    images: images.Images
    confinement: str


def _carry(run: Run, callbacks: Callbacks, *, last: bool) -> _Carried | None:
    """Have a worker run the module; None when none could, and it is worth another attempt.

    Another attempt is made once, with a monitor of its own, when nothing of the module has run:
    a process was killed, or the machine had no room for one just then.
    """
    monitor = client.acquire(run.options.access())
    exchange = None
    try:
        monitor.wait_until_ready()
        exchange = Exchange(monitor, callbacks.on_output, callbacks.on_tick)
        received = exchange.carry(_job(run))
        if not last and received.is_worth_another_attempt:
            monitor.close()
            return None
        collected = _collect(run, exchange, received)
        monitor.send(ReleaseRun())
    except BaseException as error:
        # A monitor that was left in the middle of a run may still hold its processes.
        monitor.close()
        begun = exchange is not None and exchange.received.begun
        if isinstance(error, SandboxBroken) and not begun and not last:
            return None
        raise
    finally:
        if exchange is not None:
            exchange.close()
    client.release(monitor)
    return _Carried(
        received=received,
        stdout=exchange.streams["stdout"].text(),
        stderr=exchange.streams["stderr"].text(),
        images=collected,
        confinement=monitor.confinement,
    )


def _job(run: Run) -> Job:
    header = job_header(run.module, run.bundle, run.profile, run.options)
    return make_job(replace(header, datasets=tuple(run.datasets)), run.bundle, run.datasets)


def job_header(
    module: Module, bundle: Bundle | None, profile: Profile, options: Options
) -> JobHeader:
    """Return what a worker is told of a module, apart from its datasets."""
    return JobHeader(
        source=module.source,
        filename=MODULE_FILE,
        options=replace(options, profile=profile.name),
        bundle=None if bundle is None else tuple(name for name, _ in bundle.files),
    )


def make_job(header: JobHeader, bundle: Bundle | None, datasets: Mapping[str, EncodedFrame]) -> Job:
    """Return all that a worker needs."""
    return Job(header, dict(datasets), bundle.files if bundle is not None else ())


def encode_input(frame: pd.DataFrame, port: str, profile: Profile) -> EncodedFrame:
    """Return a prepared frame ready to travel.

    Raises
    ------
    InputError
        When a column holds what cannot travel.
    """
    try:
        return encode_frame(frame, keep_index=profile.keeps_index)
    except ColumnRefused as error:
        raise InputError(
            f"{port}: {error}", f"convert {error.column!r} to numbers or text first"
        ) from None


def _collect(run: Run, exchange: Exchange, received: Received) -> images.Images:
    if not exchange.folder:
        return images.Images()
    report = received.report if isinstance(received.report, SuccessReport) else None
    return images.collect(Path(exchange.folder), run.profile, report)
