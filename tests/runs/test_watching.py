"""Who changes this package can watch what the fork server and its workers say."""

import os
import shutil
import sys
from pathlib import Path

import pytest
from support import programs

import azml_magic

RUN = "import azml_magic; print(azml_magic.run('def azureml_main(): print(1)').stdout, end='')"


@pytest.mark.parametrize(("value", "errors"), [("1", "said at the start"), ("", "")])
def test_a_variable_shows_what_the_fork_server_says(tmp_path, value, errors):
    shutil.copytree(Path(azml_magic.__file__).parent, tmp_path / "azml_magic")
    with (tmp_path / "azml_magic" / "worker" / "blas.py").open("a") as file:
        file.write("\nimport sys\n\nprint('said at the start', file=sys.stderr)\n")
    environment = {**os.environ, "PYTHONPATH": str(tmp_path), "AZML_MAGIC_DEBUG": value}
    done = programs.run([sys.executable, "-c", RUN], env=environment, cwd=tmp_path, errors=errors)
    assert done.stdout == "1\n"
