"""What a real run shows of this machine: a tiny module, run as any other, and what was seen.

What a machine can enforce is found by probes; whether runs work takes more: folders for runs and
caches, the imports of the fork server, room for processes.
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
    """What was seen of a run.

    Attributes
    ----------
    seconds : float
        How long it took, with the start of its processes where none waited.
    confinement : str
        How it was confined.
    caches : str
        Where caches go, in words.
    error : AzmlError or None
        Why it did not succeed; None when it did.
    """

    seconds: float
    confinement: str = ""
    caches: str = ""
    error: AzmlError | None = None

    def report(self) -> str:
        """Return what was seen, for a person."""
        if self.error is None:
            facts = [
                ("result", f"as it should be, after {self.seconds:.1f} s"),
                ("confined by", self.confinement),
                ("caches", self.caches),
            ]
        else:
            facts = [("failed", self.error.message), ("what to do", self.error.hint)]
        return "\n".join(["A real run", *(f"  {name:<17}{text}" for name, text in facts if text)])


def real_run() -> RealRun:
    """Run a tiny module in the ordinary way.

    Returns
    -------
    RealRun
        What was seen; a run that does not succeed is reported there and not raised.
    """
    import pandas as pd

    started = time.perf_counter()
    try:
        result = api.run(_SOURCE, pd.DataFrame({"a": [1.5, 2.0]}))
        seconds = time.perf_counter() - started
        output = result.output1
        right = output is not None and output.to_dict("list") == {"a": [1.5, 2.0], "b": [3.0, 4.0]}
        if not right or "printed" not in result.log:
            raise WorkerDied("a module of three lines gave back something else", "report this")
        return RealRun(seconds, result.confinement, api.caches())
    except Interrupted:
        raise
    except AzmlError as error:
        return RealRun(time.perf_counter() - started, error=error)
