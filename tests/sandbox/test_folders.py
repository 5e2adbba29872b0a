"""Folders that hostile code has filled are measured and deleted all the same."""

import os
import threading

import pytest

from azml_magic.sandbox import folders
from azml_magic.sandbox.folders import ENTRY_BYTES, contents, remove_tree


@pytest.fixture
def folder(tmp_path):
    made = tmp_path / "run"
    made.mkdir()
    yield str(made)
    remove_tree(str(made))


def deepen(folder, depth):
    """Nest folders deeper than a path can be long."""
    here = os.open(folder, os.O_RDONLY)
    for _ in range(depth):
        os.mkdir("d" * 50, dir_fd=here)
        below = os.open("d" * 50, os.O_RDONLY, dir_fd=here)
        os.close(here)
        here = below
    os.close(os.open("file", os.O_WRONLY | os.O_CREAT, dir_fd=here))
    os.close(here)


def test_files_are_measured_by_what_they_take(folder):
    with open(f"{folder}/big", "wb") as file:
        file.write(bytes(1 << 20))
    with open(f"{folder}/sparse", "wb") as file:
        file.truncate(1 << 40)
    os.link(f"{folder}/big", f"{folder}/again")
    os.symlink("/", f"{folder}/link")
    os.mkfifo(f"{folder}/fifo")
    assert 1 << 20 <= contents(folder).size < 2 << 20


def test_empty_files_have_a_size(folder):
    for number in range(100):
        open(f"{folder}/{number}", "w").close()
    assert contents(folder).size == 100 * ENTRY_BYTES
    assert contents(folder, stop_above=10 * ENTRY_BYTES).size == 11 * ENTRY_BYTES


def test_a_missing_folder_is_an_error(tmp_path):
    with pytest.raises(FileNotFoundError):
        contents(str(tmp_path / "none"))


def test_a_folder_too_deep_to_measure_is_beyond_measure(folder):
    deepen(folder, 1000)
    assert contents(folder).size == folders.BEYOND_MEASURE
    before = len(os.listdir("/proc/self/fd"))
    contents(folder)
    assert len(os.listdir("/proc/self/fd")) == before


def test_a_deep_folder_is_deleted(folder):
    deepen(folder, 3000)
    remove_tree(folder)
    assert not os.path.exists(folder)


def test_a_closed_folder_is_deleted(folder):
    os.makedirs(f"{folder}/a/b")
    open(f"{folder}/a/b/file", "w").close()
    os.chmod(f"{folder}/a/b", 0)
    os.chmod(f"{folder}/a", 0)
    os.chmod(folder, 0)
    remove_tree(folder)
    assert not os.path.exists(folder)


def test_odd_names_are_deleted(folder):
    for name in (b"\xff\xfe", b"new\nline", b"-rf", b"moved-0", "é".encode(), b"x" * 255):
        os.mkdir(os.path.join(os.fsencode(folder), name))
        open(os.path.join(os.fsencode(folder), name, name), "w").close()
        os.mkdir(os.path.join(os.fsencode(folder), name, b"moved-1"))
    remove_tree(folder)
    assert not os.path.exists(folder)


def test_links_are_not_followed(folder, tmp_path):
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "file").write_text("kept")
    os.symlink(outside, f"{folder}/link")
    assert contents(folder).size == ENTRY_BYTES
    remove_tree(folder)
    assert (outside / "file").read_text() == "kept"


def test_a_link_in_place_of_the_folder_is_not_followed(tmp_path):
    outside = tmp_path / "outside"
    outside.mkdir(mode=0o700)
    os.symlink(outside, tmp_path / "link")
    remove_tree(str(tmp_path / "link"))
    assert outside.exists()


def test_a_missing_folder_need_not_be_deleted(tmp_path):
    remove_tree(str(tmp_path / "none"))


def test_a_folder_that_changes_is_measured(folder):
    done = threading.Event()

    def change():
        while not done.is_set():
            os.makedirs(f"{folder}/a/b", exist_ok=True)
            open(f"{folder}/a/b/c", "w").close()
            os.remove(f"{folder}/a/b/c")
            os.rmdir(f"{folder}/a/b")
            os.rmdir(f"{folder}/a")

    thread = threading.Thread(target=change)
    thread.start()
    try:
        for _ in range(500):
            assert contents(folder).size <= 3 * ENTRY_BYTES
    finally:
        done.set()
        thread.join()
