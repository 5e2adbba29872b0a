"""What a module must not reach, tried in real runs, as this user and as an ordinary one."""

import contextlib
import json
import os
import socket
from pathlib import Path

import pandas as pd
import pytest

import azml_magic
from azml_magic.errors import WorkerDied

ATTEMPTS = {
    "password file": "open('/etc/passwd').read()",
    "ssh keys": "os.listdir(os.path.expanduser({home!r} + '/.ssh'))",
    "home folder": "os.listdir({home!r})",
    "notebook's folder": "os.listdir({here!r})",
    "file in the notebook's folder": "open({here!r} + '/secret.txt').read()",
    "file written outside": "open({here!r} + '/written.txt', 'w')",
    "loopback port": "socket.create_connection(('127.0.0.1', {port}), timeout=2)",
    "kill of the notebook": "os.kill({pid}, 9)",
    "memory of the notebook": "open('/proc/{pid}/mem', 'rb')",
    "environment of the notebook": "open('/proc/{pid}/environ', 'rb').read()",
    "temporary folder": "open('/tmp/azml-escape', 'w')",
    "name of a domain": "socket.getaddrinfo('localhost', 80) and socket.socket()",
}

MODULE = """
import os, socket, sys
import pandas as pd

def azureml_main():
    seen = []
    for name, code in {attempts!r}:
        try:
            value = eval(code)
            seen.append((name, "reached", repr(value)[:80]))
        except BaseException as error:
            seen.append((name, "refused", type(error).__name__))
    return pd.DataFrame(seen, columns=["attempt", "outcome", "detail"]),
"""


def attempt_all(folder):
    """Run every attempt in one module; return its frame. Runs in whichever process calls it."""
    (folder / "secret.txt").write_text("secret")
    (folder / ".ssh").mkdir(exist_ok=True)
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(0)
        facts = {
            "home": str(folder),
            "here": str(folder),
            "port": server.getsockname()[1],
            "pid": os.getpid(),
        }
        attempts = [(name, code.format(**facts)) for name, code in ATTEMPTS.items()]
        result = azml_magic.run(MODULE.format(attempts=attempts))
        with pytest.raises(BlockingIOError):
            server.accept()
    assert not (folder / "written.txt").exists()
    assert not os.path.exists("/tmp/azml-escape")
    return result.output1


def test_nothing_outside_is_reached(tmp_path):
    reached = attempt_all(tmp_path).query("outcome != 'refused'")
    assert reached.empty, reached.to_string()


def test_nothing_outside_is_reached_by_an_ordinary_user(as_ordinary_user):
    # The test's own code is handed over as text: the checkout may be closed to that user.
    call = "print(attempt_all(Path.home()).to_json(orient='records'))"
    done = as_ordinary_user(f"{Path(__file__).read_text()}\n\n{call}\n")
    outcomes = pd.DataFrame(json.loads(done.stdout.splitlines()[-1]))
    assert len(outcomes) == len(ATTEMPTS)
    assert set(outcomes["outcome"]) == {"refused"}, outcomes.to_string()


def test_a_module_that_kills_its_parent_ends_itself_at_most():
    # In a process namespace of its own its parent is 0, which stands for its own group.
    with contextlib.suppress(WorkerDied):
        azml_magic.run("import os\ndef azureml_main(): os.kill(os.getppid(), 9)")
    assert azml_magic.run("def azureml_main(): print('next')").stdout == "next\n"


def test_environment_is_scrubbed(monkeypatch):
    monkeypatch.setenv("SECRET_TOKEN", "hunter2")
    result = azml_magic.run(
        "import os, pandas as pd\n"
        "def azureml_main():\n    return pd.DataFrame({'name': list(os.environ)}),\n"
    )
    assert result.output1 is not None
    names = set(result.output1["name"])
    assert "SECRET_TOKEN" not in names
    assert {"HOME", "TMPDIR", "MPLBACKEND"} <= names


def test_result_says_how_it_was_confined():
    result = azml_magic.run("def azureml_main(): pass")
    assert "seccomp" in result.confinement
