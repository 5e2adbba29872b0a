"""Where caches go: a folder of this user's own, or none that lasts."""

import os
import sys

import pytest
from support import programs

import azml_magic
from azml_magic import api
from azml_magic.monitor import caches

NOBODY = 65534


@pytest.fixture
def home(tmp_path, monkeypatch):
    folder = tmp_path / "home"
    folder.mkdir()
    monkeypatch.setenv("HOME", str(folder))
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    return folder


def test_they_go_where_a_person_says(home, tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "named" / "deep"))
    assert caches.lasting() == tmp_path / "named" / "deep" / "azml_magic"
    assert list(home.iterdir()) == []


@pytest.mark.parametrize("named", ["", "relative"])
def test_they_go_home_otherwise(home, monkeypatch, named):
    monkeypatch.setenv("XDG_CACHE_HOME", named)
    assert caches.lasting() == home / ".cache" / "azml_magic"
    assert (home / ".cache" / "azml_magic" / "matplotlib").is_dir()


def test_a_home_that_is_not_there_is_not_made(home):
    home.rmdir()
    assert caches.lasting() is None
    assert not home.exists()


@pytest.mark.parametrize("name", [".cache", ".cache/azml_magic", ".cache/azml_magic/matplotlib"])
@pytest.mark.skipif(os.geteuid() != 0, reason="gives folders to other users")
def test_a_folder_of_somebody_else_is_not_taken(home, name):
    caches.lasting()
    os.chown(home / name, NOBODY, NOBODY)
    assert caches.lasting() is None


@pytest.mark.parametrize("name", [".cache/azml_magic", ".cache/azml_magic/matplotlib"])
def test_a_folder_that_anybody_can_write_to_is_not_taken(home, name):
    caches.lasting()
    (home / name).chmod(0o777)
    assert caches.lasting() is None


@pytest.mark.parametrize("name", [".cache", ".cache/azml_magic", ".cache/azml_magic/matplotlib"])
def test_a_file_in_their_place_is_no_error(home, name):
    (home / name).parent.mkdir(parents=True, exist_ok=True)
    (home / name).touch()
    assert caches.lasting() is None


def test_another_home_has_a_monitor_of_its_own(home, tmp_path, monkeypatch):
    azml_magic.run("def azureml_main(): pass")
    assert api.caches() == str(home / ".cache" / "azml_magic")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "named"))
    assert api.caches() == str(tmp_path / "named" / "azml_magic")
    api.shut_down()


SOURCE = """
import glob, os, stat
import azml_magic
from azml_magic import api

print(azml_magic.run("def azureml_main(): print('ran')").stdout, end="")
print(api.caches())
(folder,) = glob.glob(os.environ["TMPDIR"] + "/azml_magic-caches-*")
print(oct(os.stat(folder).st_mode), os.listdir(folder))
api.shut_down()
print(os.listdir(os.environ["TMPDIR"]))
"""


def test_a_temporary_folder_is_the_users_own_and_goes_with_the_monitor(tmp_path):
    environment = {**os.environ, "HOME": str(tmp_path / "none"), "TMPDIR": str(tmp_path)}
    environment.pop("XDG_CACHE_HOME", None)
    done = programs.run([sys.executable, "-c", SOURCE], env=environment)
    ran, said, folder, left = done.stdout.splitlines()
    assert ran == "ran"
    assert said.startswith("a temporary folder per session")
    assert folder == "0o40700 ['matplotlib']"
    assert left == "[]"


def test_one_that_a_killed_monitor_left_is_cleared_by_the_next(tmp_path):
    for kind in ("runs", "caches"):
        (tmp_path / f"azml_magic-{kind}-left").mkdir()
    environment = {**os.environ, "HOME": str(tmp_path / "none"), "TMPDIR": str(tmp_path)}
    environment.pop("XDG_CACHE_HOME", None)
    source = "import azml_magic; azml_magic.run('def azureml_main(): pass')"
    programs.run([sys.executable, "-c", source], env=environment)
    assert list(tmp_path.iterdir()) == []
