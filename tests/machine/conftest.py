"""Environments from nothing, with interpreters that the tests do not run in."""

import shutil
from pathlib import Path

import pytest
from support import programs


def interpreter(version):
    """Return the program of a Python version: on the path, or among those of pyenv."""
    found = shutil.which(f"python{version}")
    managed = sorted(Path.home().glob(f".pyenv/versions/{version}.*/bin/python"))
    assert found or managed, f"Python {version} is not installed: put python{version} on the path"
    return str(managed[-1]) if managed else found


@pytest.fixture(scope="session")
def environment(tmp_path_factory):
    """Return a function that makes a virtual environment and returns its interpreter."""
    made = {}

    def make(version, *packages):
        if (version, packages) not in made:
            folder = tmp_path_factory.mktemp("environments") / version
            programs.run([interpreter(version), "-m", "venv", folder])
            program = folder / "bin" / "python"
            install = [program, "-m", "pip", "install", "-q", "--only-binary", ":all:", *packages]
            programs.run(install, timeout=1800, errors=lambda said: None)
            made[version, packages] = str(program)
        return made[version, packages]

    return make
