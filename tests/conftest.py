"""What all tests share."""

import subprocess
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from support import ordinary_user


@pytest.fixture(scope="session")
def as_ordinary_user():
    """Return a function that runs Python source as a user without any privilege."""
    with ordinary_user.prepared() as run:
        yield run


@pytest.fixture(scope="session", autouse=True)
def nothing_left_behind():
    """After all tests: no process of a run, and no run folder."""
    yield
    from azml_magic import api

    api.shut_down()
    left = subprocess.run(
        ["pgrep", "-af", "azml_magic.(runner|worker)"], capture_output=True, text=True
    ).stdout
    assert left == ""
