"""What a run may read: enough for Python, nothing of the person's."""

import os
import sys
from pathlib import Path

import pytest
from support import programs

from azml_magic.sandbox import python_paths
from azml_magic.sandbox.python_paths import readable_paths


def covers(granted, path):
    path = os.path.realpath(path)
    return any(f"{path}/".startswith(f"{folder}/") for folder in granted)


@pytest.mark.parametrize("path", [os.__file__, pytest.__file__, sys.executable])
def test_what_python_needs_is_granted(path):
    assert covers(readable_paths(), path)


@pytest.mark.parametrize(
    "path", ["/", "/etc", "/etc/passwd", "/home", "/proc", "/proc/self", "/tmp", "/var", "/root"]
)
def test_what_is_nobodys_business_is_not_granted(path):
    assert not covers(readable_paths(), path) or os.path.realpath(path) == os.getcwd()


def test_home_and_all_above_it_are_not_granted():
    granted = readable_paths(extra=[str(Path.home()), str(Path.home().parent)])
    home = os.path.realpath(Path.home())
    assert not covers(granted, home)
    assert not covers(granted, os.path.join(home, ".ssh"))


def test_a_home_among_the_libraries_is_left_out(tmp_path, monkeypatch):
    home = tmp_path / "lib" / "home"
    home.mkdir(parents=True)
    (tmp_path / "lib" / "python").mkdir()
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.setattr(python_paths, "SYSTEM", (str(tmp_path / "lib"),))
    granted = readable_paths()
    assert covers(granted, tmp_path / "lib" / "python")
    assert not covers(granted, home)
    assert not covers(granted, tmp_path / "lib")


def test_private_folders_are_not_granted(tmp_path):
    packages = tmp_path / "packages"
    notebooks = packages / "notebooks"
    notebooks.mkdir(parents=True)
    (packages / "a").mkdir()
    granted = readable_paths(extra=[str(packages)], private=[str(notebooks)])
    assert covers(granted, packages / "a")
    assert not covers(granted, notebooks)


def test_packages_below_home_are_granted_alone(tmp_path, monkeypatch):
    packages = tmp_path / ".local" / "lib" / "site-packages"
    packages.mkdir(parents=True)
    monkeypatch.setenv("HOME", str(tmp_path))
    granted = readable_paths(extra=[str(packages)])
    assert covers(granted, packages)
    assert not covers(granted, tmp_path / ".local")


def test_libraries_of_the_environment_are_granted_unless_in_home(tmp_path, monkeypatch):
    for name in ("home/lib", "lib"):
        (tmp_path / name).mkdir(parents=True)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.setenv("LD_LIBRARY_PATH", f"{tmp_path}/home/lib:{tmp_path}/lib::relative:/")
    granted = readable_paths()
    assert covers(granted, tmp_path / "lib")
    assert not covers(granted, tmp_path / "home" / "lib")
    assert not covers(granted, tmp_path)


def test_without_site_the_packages_are_found_too():
    # The monitor runs without `site`, which is what knows of virtual environments.
    source = (
        "import sys, types; package = types.ModuleType('azml_magic'); "
        "package.__path__ = [sys.argv[1]]; sys.modules['azml_magic'] = package; "
        "from azml_magic.sandbox.python_paths import readable_paths; "
        "print(*readable_paths(), sep='\\n')"
    )
    command = [
        sys.executable,
        "-I",
        "-S",
        "-c",
        source,
        str(Path(python_paths.__file__).parents[1]),
    ]
    done = programs.run(command)
    assert covers(done.stdout.splitlines(), pytest.__file__)


def test_no_path_is_granted_twice():
    granted = readable_paths()
    assert len(granted) == len(set(granted))
    for path in granted:
        assert os.path.isabs(path)


def test_the_room_is_light():
    source = "import sys, azml_magic.sandbox; print([n for n in sys.modules if 'azml_magic' in n])"
    done = programs.run([sys.executable, "-c", source])
    assert done.stdout.strip() == "['azml_magic', 'azml_magic.sandbox']"


def test_an_interpreter_is_asked_what_it_needs():
    found = python_paths.of(sys.executable)
    for path in (os.path.dirname(os.__file__), pytest.__file__):
        assert covers(found.readable, path)
    assert not covers(found.readable, Path.home())
    assert sys.executable in found.names


@pytest.mark.parametrize("program", ["/bin/false", "/nowhere/python", "/bin/ls"])
def test_what_is_not_a_python_is_named(program):
    with pytest.raises(OSError, match=program):
        python_paths.of(program)
