"""A module that is called many times."""

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
    """A module, loaded once and called with one set of datasets after the other.

    Parameters
    ----------
    module : Module
        What to call.
    bundle : Bundle or None
        Its script bundle.
    profile : Profile
        The rules.
    options : Options
        Its ``timeout`` is the limit of one call; the other limits are of one worker.
    calls : int
        How many calls one worker answers before it is replaced.
    text : str
        ``"str"``: text comes back in pandas' own type, as from a run; ``"object"``: as
        Python strings, which is quicker to read one by one.
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
        """How the worker is confined; empty before the first one."""
        return self._resident.confinement

    @property
    def worker_ready(self) -> bool:
        """Whether a worker with the loaded module waits for a call."""
        return self._resident.ready

    def prepare(self) -> None:
        """Have a worker ready, replacing one that is used up or has ended.

        Raises
        ------
        RunError
            When the module cannot be loaded.
        SandboxError
            When there can be no worker.
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
        """Call the module and wait for its answer.

        Parameters
        ----------
        datasets : mapping of str to pandas.DataFrame
            The connected ports; the frames stay unchanged.
        most : int, optional
            How large one frame of the answer may be, in bytes; by default as large as of a run.
        timeout : float, optional
            Time limit of this call in seconds, where it is less than that of the session.
        on_begin : callable, optional
            Called once, before a line of the module may run for this call.

        Raises
        ------
        InputError
            When a frame cannot be delivered under the profile.
        SandboxError
            When the call could not be confined.
        RunError
            When it did not succeed. The session stays usable.
        """
        job = self._job
        inputs = prepare_inputs(datasets, job.profile)
        limit = job.options.frame_bytes if most is None else most
        question = Question(inputs.frames, limit, self._text, timeout, on_begin)
        account = replace(self._resident.call(question), findings=inputs.findings)
        try:
            return result_of(account, job.module, job.profile)
        except LimitError:
            # What filled the memory may still be there, and would end the next call.
            self._resident.use_up()
            raise
        except SandboxBroken:
            self._resident.close()
            raise

    def close(self) -> None:
        """End the worker and all that was started for it."""
        self._resident.close()
