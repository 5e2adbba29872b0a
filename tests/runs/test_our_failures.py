"""What fails before a line of the module has run is not the module's: tried again, and named."""

import json

import numpy as np
import pandas as pd
import pytest
from support import ordinary_user, variants

import azml_magic
from azml_magic.errors import MemoryLimitError

SCRIPT = """
import json
import azml_magic
said = []
try:
    result = azml_magic.run(
        "def azureml_main(): print('ran')", on_output=lambda stream, text: said.append(text)
    )
    found = ["fine", result.stdout]
except azml_magic.AzmlError as error:
    found = [type(error).__name__, str(error)]
print(json.dumps([*found, said]))
"""
# Where there are no namespaces, the processes around a run see this folder.
EACH_TIME = """
_{name} = {name}


def {name}(*arguments):
    import os
    flag = os.path.join(os.path.dirname(__file__), "failed")
    if {always} or not os.path.exists(flag):
        {always} or open(flag, "w").close()
        {failure}
    return _{name}(*arguments)
"""
FAILURES = {
    "it ends": ("worker/run.py", "work", "os._exit(1)", "its process ended (exit status 1)"),
    "it is killed": (
        "worker/run.py",
        "work",
        "os.kill(os.getpid(), 9)",
        "its process was ended by SIGKILL",
    ),
    "it cannot confine itself": (
        "worker/run.py",
        "confine",
        "raise OSError(109, 'Too many references')",
        "could not confine itself: [Errno 109] Too many references",
    ),
    "it cannot be forked": (
        "worker/server.py",
        "_fork_worker",
        "raise BlockingIOError(11, 'no process')",
        "no process could be started for the run: [Errno 11] no process",
    ),
    "the fork server ends": ("worker/server.py", "_fork_worker", "os._exit(1)", ""),
    "the datasets do not arrive": (
        "languages/python/layout.py",
        "lay_out",
        "raise OSError(28, 'No space left')",
        "OSError: [Errno 28] No space left",
    ),
}


def attempt(name, always):
    file, function, failure, _ = FAILURES[name]
    edit = EACH_TIME.format(name=function, always=always, failure=failure)
    edits = (variants.NO_NAMESPACES, (file, edit))
    with ordinary_user.prepared(user=None, edits=edits) as run:
        done = run(SCRIPT)
    return json.loads(done.stdout)


# Once it is confined, a worker can leave no note that it has failed.
@pytest.mark.parametrize("name", [name for name in FAILURES if "arrive" not in name])
def test_what_fails_once_is_tried_again_in_silence(name):
    assert attempt(name, always=False) == ["fine", "ran\n", ["ran\n"]]


@pytest.mark.parametrize("name", FAILURES)
def test_what_fails_again_is_ours_and_has_its_cause(name):
    kind, text, said = attempt(name, always=True)
    assert kind == "SandboxBroken"
    assert FAILURES[name][3] in text
    assert "os._exit()" not in text
    assert said == []


def test_inputs_that_need_more_memory_than_there_is_are_named():
    frame = pd.DataFrame({"a": np.ones(30 << 20)})
    with pytest.raises(MemoryLimitError, match="the datasets and the script bundle need more"):
        azml_magic.run("def azureml_main(frame): return frame,", frame, memory="64MB")
