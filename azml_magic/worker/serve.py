"""A worker that keeps its module: loaded once, then called for each request."""

from __future__ import annotations

import contextlib
import os
import shutil
import sys
from typing import Any, Callable, Dict, Set

from azml_magic.contract.profile import Profile
from azml_magic.languages.call import Progress, call
from azml_magic.languages.language import LANGUAGES
from azml_magic.languages.python import outputs, report
from azml_magic.protocol.codec import from_plain
from azml_magic.protocol.job_header import BEGUN, READY, Call, JobHeader
from azml_magic.wire import Channel, WireError, receive_frame


def serve(
    channel: Channel,
    job: JobHeader,
    profile: Profile,
    folder: str,
    limit: int,
    flush: Callable[[], None],
) -> None:
    """Load the module, report that it is ready, and answer until the other side closes.

    Parameters
    ----------
    channel : Channel
        Carries requests and answers.
    job : JobHeader
        As for a single run.
    profile : Profile
        The rules.
    folder : str
        The run folder.
    limit : int
        Maximum size of one message, in bytes.
    flush : callable
        Writes out what the module has printed, so that it is read before the answer.
    """
    language, progress = LANGUAGES[job.language], Progress()
    try:
        function = language.load(job, profile, folder, progress)
    except BaseException as error:
        flush()
        channel.send_event(LANGUAGES[job.language].describe(error, progress, job, folder))
        return
    flush()
    home = os.path.join(folder, "work")
    kept = set(os.listdir(home))
    channel.send_event(READY)
    with contextlib.suppress(WireError):  # the other side has closed
        for _ in range(job.calls):
            datasets = {
                port: receive_frame(channel, text=job.options.text, max_bytes=limit, trusted=True)
                for port in from_plain(Call, channel.receive_event(limit)).datasets
            }
            # Sent for each request: one that has not begun can be given to another worker.
            channel.send_event(BEGUN)
            _answer(channel, function, job, profile, datasets, folder, flush)
            _tidy(home, kept)


def _answer(
    channel: Channel,
    function: Any,
    job: JobHeader,
    profile: Profile,
    datasets: Dict[str, Any],
    folder: str,
    flush: Callable[[], None],
) -> None:
    progress = Progress()
    try:
        returned, findings = call(function, profile, datasets, progress)
        encoded = outputs.encode(returned, profile)
    except BaseException as error:
        flush()
        channel.send_event(LANGUAGES[job.language].describe(error, progress, job, folder))
        return
    flush()
    with channel.together():
        channel.send_event(report.success(returned, findings, [], []))
        outputs.send(channel, encoded)


def _tidy(home: str, kept: Set[str]) -> None:
    """Remove the files and figures of a request; what the top level created stays."""
    os.chdir(home)
    for name in os.listdir(home):
        if name not in kept:
            path = os.path.join(home, name)
            if os.path.isdir(path) and not os.path.islink(path):
                shutil.rmtree(path, ignore_errors=True)
            else:
                with contextlib.suppress(OSError):
                    os.unlink(path)
    pyplot = sys.modules.get("matplotlib.pyplot")
    if pyplot is not None:
        pyplot.close("all")
