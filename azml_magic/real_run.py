"""A real run of a tiny module, to check that runs work on this machine.

Probes find out what a machine can enforce. A real run needs more: folders for runs and caches,
the imports of the fork server, room for processes.
"""

from __future__ import annotations

import time
from dataclasses import dataclass

from azml_magic import api
from azml_magic.errors import AzmlError, Interrupted, WorkerDied

_SOURCE = """\
def azureml_main(frame):
    print("printed")
    return frame.assign(b=frame["a"] * 2),
"""


@dataclass(frozen=True)
class RealRun:
    """The outcome of the run.

    Attributes
    ----------
    seconds : float
        Its duration, including the start of its processes if none were ready.
    confinement : str
        How the run was confined.
    caches : str
        Where caches are kept, in words.
    error : AzmlError or None
        Why it failed; ``None`` if it succeeded.
    """

    seconds: float
    confinement: str = ""
    caches: str = ""
    error: AzmlError | None = None

    def report(self) -> str:
        """Return the outcome as text."""
        if self.error is None:
            facts = [
                ("result", f"as expected, after {self.seconds:.1f} s"),
                ("confined by", self.confinement),
                ("caches", self.caches),
            ]
        else:
            facts = [("failed", self.error.message), ("what to do", self.error.hint)]
        return "\n".join(["A real run", *(f"  {name:<17}{text}" for name, text in facts if text)])


def real_run() -> RealRun:
    """Run a tiny module like any other.

    Returns
    -------
    RealRun
        The outcome; a failure is reported there and not raised.
    """
    import pandas as pd

    started = time.perf_counter()
    try:
        result = api.run(_SOURCE, pd.DataFrame({"a": [1.5, 2.0]}))
        seconds = time.perf_counter() - started
        output = result.output1
        right = output is not None and output.to_dict("list") == {"a": [1.5, 2.0], "b": [3.0, 4.0]}
        if not right or "printed" not in result.log:
            raise WorkerDied(
                "a module of three lines returned a wrong result", "please report this"
            )
        return RealRun(seconds, result.confinement, api.caches())
    except Interrupted:
        raise
    except AzmlError as error:
        return RealRun(time.perf_counter() - started, error=error)
