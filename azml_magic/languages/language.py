"""The languages that modules can be written in."""

from __future__ import annotations

from typing import Any, Callable, Dict, Mapping

from azml_magic.contract.profile import Profile
from azml_magic.languages.call import Outputs, Progress, call
from azml_magic.languages.python import pyplot, report, script
from azml_magic.protocol.job_header import JobHeader


class Language:
    """How modules of a language are loaded, and how their failures are reported."""

    def preload(self) -> None:
        """Import what its modules need, once for all runs."""

    def load(
        self, job: JobHeader, profile: Profile, folder: str, progress: Progress
    ) -> Callable[..., Any]:
        """Return a module's entry point: a function of the frames of the connected ports.

        Raises
        ------
        BaseException
            Anything that the module raises; `progress` says at which stage.
        """
        raise NotImplementedError

    def describe(
        self, error: BaseException, progress: Progress, job: JobHeader, folder: str
    ) -> Dict[str, Any]:
        """Return the report of a failure, as plain values."""
        raise NotImplementedError

    def run(
        self,
        job: JobHeader,
        profile: Profile,
        datasets: Dict[str, Any],
        folder: str,
        progress: Progress,
    ) -> Outputs:
        """Load a module and call it; see :func:`azml_magic.languages.call.call`."""
        return call(self.load(job, profile, folder, progress), profile, datasets, progress)


class Python(Language):
    """Modules that define ``azureml_main``."""

    def preload(self) -> None:
        """Import matplotlib, without a window."""
        pyplot.preload()

    def load(
        self, job: JobHeader, profile: Profile, folder: str, progress: Progress
    ) -> Callable[..., Any]:
        """Compile the module, run its top level, and return its entry point."""
        entry_point: Callable[..., Any] = script.load(job, profile, folder, progress)
        return entry_point

    def describe(
        self, error: BaseException, progress: Progress, job: JobHeader, folder: str
    ) -> Dict[str, Any]:
        """Describe an exception, with the frames in the module's own code marked."""
        return report.failure(error, progress, job.filename, folder)


LANGUAGES: Mapping[str, Language] = {"python": Python()}
"""The languages by the name that a module and its job give."""
