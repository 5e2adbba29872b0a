"""Importing and loading bring nothing heavy along, and the rest comes by itself."""

import json
import sys

import pytest
from support import programs

HEAVY = ("IPython", "matplotlib", "numpy", "pandas", "pyarrow", "starlette", "uvicorn")
LOAD = """
from IPython.core.interactiveshell import InteractiveShell
shell = InteractiveShell.instance()
"""
REPORT = """
import json, sys
print(json.dumps(sorted(sys.modules)))
"""


def modules_after(program):
    command = [sys.executable, "-c", program + REPORT]
    done = programs.run(command)
    return set(json.loads(done.stdout.splitlines()[-1]))


def test_a_session_that_ran_nothing_ends_in_silence():
    program = (
        "import time\nfrom azml_magic import api\nfrom azml_magic.monitor import shared_monitors\n"
        "api.warm_up()\n(monitor,) = shared_monitors._pool._kept.values()\n"
        # What the monitor has told by then is never read.
        "import select\nassert select.select([monitor.socket], [], [], 60)[0]\napi.shut_down()\n"
    )
    modules_after(program)


def test_importing_the_package_brings_nothing_heavy():
    assert not modules_after("import azml_magic").intersection(HEAVY)


def test_loading_the_extension_brings_nothing_heavy():
    program = (
        f"import azml_magic.runner.ahead as ahead\nahead.PAUSE_SECONDS = 3600\n{LOAD}"
        "shell.run_line_magic('load_ext', 'azml_magic')\n"
    )
    brought = modules_after(program) - modules_after(LOAD)
    assert "azml_magic.notebook.magics" in brought
    assert not brought.intersection(HEAVY)


def test_what_a_run_needs_comes_after_a_pause():
    program = (
        f"{LOAD}shell.run_line_magic('load_ext', 'azml_magic')\n"
        "from azml_magic.runner import ahead\nahead._timer.join(60)\n"
    )
    brought = modules_after(program)
    assert {"pandas", "azml_magic.runner.result_of_run", "azml_magic.checks"} <= brought
    assert "matplotlib" not in brought


@pytest.mark.parametrize("word", ["matplotlib", "starlette", "uvicorn"])
def test_a_run_brings_no_other_package(word):
    program = (
        "import azml_magic\n"
        "azml_magic.run('import pandas as pd\\ndef azureml_main():\\n"
        '    return pd.DataFrame({"a": ["x"]}),\')\n'
    )
    assert word not in modules_after(program)
