"""A module that is loaded once and called many times."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace

import pandas as pd

from azml_magic.contract.profile import Profile
from azml_magic.errors import LimitError, SandboxBroken
from azml_magic.executors.job import Job, prepare_inputs
from azml_magic.executors.kept_worker import Question
from azml_magic.executors.resident import CALLS, Resident
from azml_magic.module.bundle import Bundle
from azml_magic.module.module import Module
from azml_magic.protocol.options import Options
from azml_magic.result import Result
from azml_magic.runner.result_of_run import result_of


class Session:
    """A loaded module that is called with one set of datasets after another.

    Parameters
    ----------
    module : Module
        The module to call.
    bundle : Bundle or None
        Its script bundle.
    profile : Profile
        The rules.
    options : Options
        Its ``timeout`` applies to each call, the other limits to each worker.
    calls : int
        The number of calls after which a worker is replaced.
    text : str
        ``"str"``: text is returned in pandas' own type, as from a run; ``"object"``: as Python
        strings, which are faster to read one by one.
    """

    def __init__(
        self,
        module: Module,
        bundle: Bundle | None,
        profile: Profile,
        options: Options,
        *,
        calls: int = CALLS,
        text: str = "str",
    ) -> None:
        self._job = Job(module, profile, options, bundle)
        self._resident = Resident(self._job, calls)
        self._text = text

    @property
    def confinement(self) -> str:
        """How the worker is confined; empty before the first worker."""
        return self._resident.confinement

    @property
    def worker_ready(self) -> bool:
        """Whether a worker that has loaded the module waits for a call."""
        return self._resident.ready

    def prepare(self) -> None:
        """Make a worker ready, replacing one that is used up or has ended.

        Raises
        ------
        RunError
            When the module cannot be loaded.
        SandboxError
            When no worker can be started.
        """
        account = self._resident.prepare()
        if account is not None:
            try:
                result_of(account, self._job.module, self._job.profile)
            except SandboxBroken:
                self._resident.close()
                raise

    def call(
        self,
        datasets: Mapping[str, pd.DataFrame],
        *,
        most: int | None = None,
        timeout: float | None = None,
        on_begin: Callable[[], None] | None = None,
    ) -> Result:
        """Call the module and wait for its result.

        Parameters
        ----------
        datasets : mapping of str to pandas.DataFrame
            The frames of the connected ports; not modified.
        most : int, optional
            Limit of the size of each returned frame, in bytes; by default that of a run.
        timeout : float, optional
            Time limit of this call in seconds, if lower than that of the session.
        on_begin : callable, optional
            Called once, before any line of the module may run for this call.

        Raises
        ------
        InputError
            When a frame cannot be delivered under the profile.
        SandboxError
            When the call could not be confined.
        RunError
            When it failed. The session can still be used.
        """
        job = self._job
        inputs = prepare_inputs(datasets, job.profile)
        limit = job.options.frame_bytes if most is None else most
        question = Question(inputs.frames, limit, self._text, timeout, on_begin)
        account = replace(self._resident.call(question), findings=inputs.findings)
        try:
            return result_of(account, job.module, job.profile)
        except LimitError:
            # The memory may still be full, which would end the next call.
            self._resident.use_up()
            raise
        except SandboxBroken:
            self._resident.close()
            raise

    def close(self) -> None:
        """End the worker and everything that was started for it."""
        self._resident.close()
