"""The same modules in every place a notebook runs: nbclient, papermill, a terminal."""

import os
import pty
import re
import select
import signal
import subprocess
import sys
import time
import uuid
from pathlib import Path

import nbformat
import pytest
from nbclient.exceptions import CellExecutionError, CellTimeoutError
from support import programs
from support.waiting import until

ANSI = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]|\x1b[=>]|\r")
LOAD = "%load_ext azml_magic\nimport pandas as pd\nframe = pd.DataFrame({'a': [1.5, 2.0]})"
FAILING = (
    "%%azureml_module -i frame\ndef azureml_main(frame):\n    print('begun')\n    return nope,"
)
SLOW = "%%azureml_module\nimport time\ndef azureml_main():\n    print('begun')\n    time.sleep(600)"
# The first run of a kernel waits for its processes; those after it begin at once.
FIRST = "%%azureml_module -q\ndef azureml_main():\n    pass"
AFTER = "reached = True"


def notebook(*cells):
    metadata = {"kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"}}
    made = [nbformat.v4.new_code_cell(source) for source in cells]
    return nbformat.v4.new_notebook(cells=made, metadata=metadata)


def outputs(cell):
    """Return the outputs of a cell without the progress, which a run that takes long leaves."""
    return [output for output in cell.outputs if output.get("data", {}).get("text/html") != ""]


def brief_for_the_slow_one():
    """Return what gives each cell its time limit.

    That of the slow one goes by how long the first run took, which was the longer one to begin.
    """
    begun = []

    def limit(cell):
        begun.append(time.monotonic())
        return 2 + 2 * (begun[-1] - begun[-2]) if cell.source == SLOW else 120

    return limit


def run_with(book, **settings):
    """Execute a notebook; return the error that ended it."""
    with pytest.raises(CellExecutionError) as caught:
        programs.execute(book, **{"timeout": 120, **settings})
    return caught.value


def test_nbclient_stops_at_a_failing_module_and_saves_what_is_shown():
    book = notebook(LOAD, FAILING, AFTER)
    error = run_with(book)
    assert error.ename == "ModuleFailed"
    printed, displayed, raised = outputs(book.cells[1])
    assert printed["text"] == "begun\n"
    shown = ANSI.sub("", "\n".join(raised["traceback"]))
    assert "Cell In[2], line 4, in azureml_main" in shown
    assert "azml_magic/" not in shown
    assert "Error 0085" in displayed["data"]["text/html"]
    assert book.cells[2].execution_count is None


def test_a_failure_that_is_expected_lets_nbclient_go_on():
    book = notebook(LOAD, FAILING, AFTER)
    programs.execute(book, timeout=120, allow_errors=True)
    assert book.cells[2].execution_count == 3


def test_nbclients_timeout_interrupts_the_run_and_the_notebook_stops_there():
    book = notebook(LOAD, FIRST, SLOW, AFTER)
    error = run_with(book, interrupt_on_timeout=True, timeout_func=brief_for_the_slow_one())
    assert error.ename == "Interrupted"
    assert outputs(book.cells[2])[0]["text"] == "begun\n"
    assert book.cells[3].execution_count is None


def test_a_kernel_that_nbclient_kills_takes_its_processes_along(monkeypatch):
    # Every process inherits the mark from the kernel.
    mark = uuid.uuid4().hex
    monkeypatch.setenv("KILLED_KERNEL", mark)
    running = []
    book = notebook(LOAD, FIRST, SLOW)
    with pytest.raises(CellTimeoutError):
        programs.execute(
            book,
            timeout_func=brief_for_the_slow_one(),
            on_cell_execute=lambda **_: running.append(carrying(mark)),
        )
    assert len(running[-1]) > 1
    assert "begun\n" in [output.get("text") for output in book.cells[2].outputs]
    until(lambda: not carrying(mark), told=lambda: carrying(mark))


def carrying(mark):
    """Return the other processes whose environment holds a mark."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            if (
                folder.name != str(os.getpid())
                and mark.encode() in (folder / "environ").read_bytes()
            ):
                found.append(int(folder.name))
        except OSError:
            continue
    return found


def papermill(book, folder):
    nbformat.write(book, folder / "in.ipynb")
    command = [sys.executable, "-m", "papermill", "in.ipynb", "out.ipynb", "--no-progress-bar"]
    command += ["--autosave-cell-every", "1"]
    # not ours: papermill, which says on standard error how far it is
    return subprocess.Popen(
        command, cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )


def test_papermill_ends_with_an_error_and_keeps_the_traceback(tmp_path):
    process = papermill(notebook(LOAD, FAILING, AFTER), tmp_path)
    output, _ = process.communicate(timeout=300)
    assert process.returncode == 1
    assert "PapermillExecutionError" in output
    assert "line 4, in azureml_main" in ANSI.sub("", output)
    book = nbformat.read(tmp_path / "out.ipynb", as_version=4)
    errors = [o for c in book.cells for o in c.get("outputs", []) if o["output_type"] == "error"]
    assert [error["ename"] for error in errors] == ["ModuleFailed"]
    last = [cell for cell in book.cells if cell.source == AFTER]
    assert last[0].execution_count is None


def test_papermill_is_interrupted_by_ctrl_c(tmp_path):
    process = papermill(notebook(LOAD, SLOW, AFTER), tmp_path)
    out = tmp_path / "out.ipynb"

    def begun():
        assert process.poll() is None
        return out.exists() and "begun\\n" in out.read_text()

    until(begun)
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=120)
    assert process.returncode != 0


class Terminal:
    """Plain IPython in a terminal of its own."""

    def __init__(self, folder, **environment):
        self._unread = ""
        # not ours: to look at apart, as a terminal shows both streams as one
        process, self.descriptor = pty.fork()
        if process == 0:
            os.environ.update(
                IPYTHONDIR=str(folder), TERM="xterm", COLUMNS="100", LINES="40", **environment
            )
            command = [sys.executable, "-m", "IPython", "--simple-prompt", "--no-banner"]
            # not ours: the same
            os.execv(sys.executable, command)
        self.process = process
        self.wait_for("In [1]")

    def type(self, text):
        os.write(self.descriptor, text.encode())

    def wait_for(self, text, seconds=120):
        """Read until a text comes up; return what came before it, and the text."""
        deadline = time.monotonic() + seconds
        while text not in self._unread:
            assert time.monotonic() < deadline, self._unread
            if select.select([self.descriptor], [], [], 0.5)[0]:
                self._unread += os.read(self.descriptor, 1 << 16).decode(errors="replace")
        before, _, self._unread = self._unread.partition(text)
        return before + text

    def run(self, cell, prompt):
        """Type a cell and the empty line that ends it; return what is shown."""
        self.type(cell.replace("\n", "\r") + ("\r\r\r" if "\n" in cell else "\r"))
        return self.wait_for(f"In [{prompt}]")

    def close(self):
        os.kill(self.process, signal.SIGKILL)
        os.waitpid(self.process, 0)
        os.close(self.descriptor)


@pytest.fixture
def terminal(tmp_path):
    started = []

    def start(**environment):
        started.append(Terminal(tmp_path, **environment))
        return started[-1]

    yield start
    for one in started:
        one.close()


def test_a_terminal_shows_text_in_the_terminals_colours(terminal):
    shell = terminal()
    shell.run("%load_ext azml_magic", 2)
    shell.run("import pandas as pd; frame = pd.DataFrame({'a': [1.5, 2.0]})", 3)
    shown = shell.run("%%azureml_module -i frame\ndef azureml_main(f):\n    return f,", 4)
    assert "\x1b[1;32mOK\x1b[0m  module ran in" in shown
    assert "2 rows x 1 column" in shown
    assert "<section" not in shown
    shown = shell.run(FAILING, 5)
    assert "begun" in shown
    assert "Cell In[4], line 4, in azureml_main" in ANSI.sub("", shown)
    assert "azml_magic/" not in shown


def test_a_terminal_without_colours_gets_none(terminal):
    shell = terminal(NO_COLOR="1")
    shell.run("%load_ext azml_magic", 2)
    shown = shell.run("%%azureml_module\ndef azureml_main():\n    return 1 / 0,", 3)
    assert "ZeroDivisionError" in shown
    assert "\x1b[1;31m" not in shown
    shown = shell.run("%azureml_ports", 4)
    assert "Type:    %azureml_module -f azureml_main" in shown


def test_ctrl_c_in_a_terminal_ends_the_run_and_not_the_shell(terminal):
    shell = terminal()
    shell.run("%load_ext azml_magic", 2)
    shell.type(SLOW.replace("\n", "\r") + "\r\r\r")
    shell.wait_for("begun\r\n")
    shell.wait_for("running for ")
    shell.type("\x03")
    assert "Interrupted" in shell.wait_for("In [3]")
    assert "42" in shell.run("6 * 7", 4)
