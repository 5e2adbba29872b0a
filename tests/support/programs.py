"""Starting programs from tests. What a program of ours says on standard error is the test's matter.

A traceback of a monitor, a warning at the end of an interpreter, a line of a library that misses
its home: nothing fails by it, and a person sees it. So every process of ours is started through
this module, which asserts that standard error is empty, or is what the test expects.
"""

import contextlib
import io
import json
import os
import re
import subprocess
import tempfile
import threading
import types
from typing import Any

END_SECONDS = 60
PIPE = subprocess.PIPE


def run(command, *, errors="", status=0, timeout=300, **options):
    """Run a program to its end; return its ``CompletedProcess``, with text.

    Parameters
    ----------
    command : list
        The program and its arguments.
    errors : str or callable
        What standard error is: empty, or text in which this stands, without a traceback that it
        does not name. A callable gets the text and asserts what it likes.
    status : int or None
        Its exit status; None for any but 0.
    timeout : float
        Seconds.
    **options
        For :class:`subprocess.Popen`.
    """
    options = {"encoding": "utf-8", "errors": "replace", **options}
    done = subprocess.run(
        command,
        capture_output=True,
        stdin=subprocess.DEVNULL,
        timeout=timeout,
        **options,
    )
    _assert_status(done.returncode, status, done.stderr, done.stdout)
    assert_errors(done.stderr, errors)
    return done


class Started(subprocess.Popen[Any]):
    """A program that runs beside the test; ``with`` ends it, and looks at what it said.

    Parameters
    ----------
    command, errors
        As for :func:`run`. What is expected has to have come when the program ends.
    **options
        For :class:`subprocess.Popen`; standard output goes to nowhere without another word.
    """

    def __init__(self, command, *, errors="", **options):
        self._expected = errors
        self._said = io.StringIO()
        options = {"stdout": subprocess.DEVNULL, "encoding": "utf-8", **options}
        super().__init__(command, stderr=subprocess.PIPE, errors="replace", **options)
        # Read at once, whatever the test does: a full pipe would stop the program.
        self._source, self.stderr = self.stderr, None
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self):
        for line in self._source:
            self._said.write(line)

    @property
    def said(self):
        """What came on standard error until now."""
        return self._said.getvalue()

    def all_said(self):
        """Return what came on standard error, when all that hold it have ended."""
        self._reader.join(END_SECONDS)
        assert not self._reader.is_alive(), f"its standard error is still open: {self.said}"
        return self.said

    def finish(self):
        """End it, if it has not ended, and look at what it said; once or more."""
        if self.poll() is None:
            self.kill()
        self.wait()
        if self.stdout is not None:
            self.stdout.close()
        assert_errors(self.all_said(), self._expected)
        self._source.close()

    def __exit__(self, kind, error, trace):
        # A test that failed already has more to tell.
        with contextlib.suppress(AssertionError) if kind else contextlib.nullcontext():
            self.finish()


def assert_errors(said, expected=""):
    """Assert that a standard error is as a test expects it; see :func:`run`."""
    if callable(expected):
        expected(said)
    elif not expected:
        assert said == ""
    else:
        assert expected in said
        assert "Traceback" in expected or "Traceback" not in said, said


def log_lines(said):
    """Assert that a standard error is the service's log; return its entries."""
    entries = [json.loads(line) for line in said.splitlines()]
    assert all("event" in entry for entry in entries), said
    return entries


def _assert_status(found, expected, *said):
    assert (found != 0) if expected is None else (found == expected), (found, *said)


# What ipykernel says of the way in which the tests' kernel managers speak to it.
_OF_KERNELS = re.compile(r"\[IPKernelApp\] WARNING \| Kernel is running over TCP without .*\n")


@contextlib.contextmanager
def silent_file():
    """Yield a file to be the standard error of kernels that others start; it must stay empty."""
    with tempfile.TemporaryFile("ab+") as file:
        yield file
        file.seek(0)
        assert_errors(_OF_KERNELS.sub("", file.read().decode("utf-8", "replace")))


def execute(notebook, **options):
    """Execute a notebook in a kernel of its own, whose standard error stays empty.

    Parameters
    ----------
    notebook : NotebookNode
        Its cells get their outputs.
    **options
        For ``nbclient.NotebookClient``.
    """
    from nbclient import NotebookClient

    with silent_file() as file:
        NotebookClient(notebook, **options).execute(stderr=file)


class Beneath:
    """The standard error of processes that the package starts from the tests' own process.

    Parameters
    ----------
    client : module
        The module of the package that starts them.
    silenced : bool
        Whether it sends their standard error to nowhere, which is not so while this looks.
    """

    def __init__(self, client, *, silenced=False):
        self._silenced = silenced
        self._file = tempfile.TemporaryFile("ab+")  # noqa: SIM115 -- until close
        self._seen = 0
        self._client = client
        self._original = client.subprocess
        names = {**vars(subprocess), "Popen": self._start}
        client.subprocess = types.SimpleNamespace(**names)

    def _start(self, command, **options):
        if self._silenced or "stderr" not in options:
            options["stderr"] = self._file
        return subprocess.Popen(command, **options)

    def take(self):
        """Return what came since the last look."""
        # Where it stands for reading is shared with those who write.
        came = b""
        while piece := os.pread(self._file.fileno(), 1 << 20, self._seen):
            came += piece
            self._seen += len(piece)
        return came.decode("utf-8", "replace")

    def close(self):
        """Let them have the standard error that they would have."""
        self._client.subprocess = self._original
        self._file.close()
