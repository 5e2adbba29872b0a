"""Waiting for what comes in its own time: as long as a busy machine needs, and no longer.

A test waits for what it needs to have happened and never for a number of seconds: those that are
enough on one machine are too few on another, or lost.
"""

import os
import time
import uuid
from pathlib import Path

WITHIN_SECONDS = 120.0
"""Long, as nobody waits for the end of it but a test that fails."""


def until(condition, within=WITHIN_SECONDS, pause=0.02, told=str):
    """Wait until a condition holds; return what it gave.

    Parameters
    ----------
    condition : callable
        Asked again and again.
    within : float
        Seconds until it is given up by an AssertionError.
    pause : float
        Seconds between two questions.
    told : callable
        Returns what the error tells of how it stands.
    """
    deadline = time.monotonic() + within
    while not (found := condition()):
        assert time.monotonic() < deadline, f"not within {within:g} s: {told()}"
        time.sleep(pause)
    return found


class Held:
    """A run that goes on until it is let go: no moment of it has to be guessed.

    Its module makes a file of this name in its working directory, and goes on when that has gone:
    ``HOLD`` is a function that does so.
    """

    HOLD = (
        "def hold(name):\n"
        "    import os, time\n"
        "    open(name, 'w').close()\n"
        "    while os.path.exists(name):\n"
        "        time.sleep(0.01)\n"
    )

    def __init__(self):
        self.name = f"held-{uuid.uuid4().hex}"
        self._file = None

    def wait_for(self):
        """Wait until its module holds."""
        self._file = until(self._find)

    def let_go(self):
        """Have it go on."""
        if self._file is None:
            self.wait_for()
        self._file.unlink()

    def _find(self):
        above = Path(os.environ["TMPDIR"])
        return next(above.glob(f"azml_magic-runs-*/run-*/work/{self.name}"), None)
