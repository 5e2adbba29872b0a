"""Run folders are deleted beside the work: what resists or takes long is nobody's problem."""

import threading
from pathlib import Path

from azml_magic.monitor import disposal
from azml_magic.sandbox import folders


def test_folders_are_deleted(tmp_path):
    made = [tmp_path / str(number) for number in range(5)]
    remover = disposal.Disposal()
    for folder in made:
        (folder / "below").mkdir(parents=True)
        remover.delete(folder)
    remover.close()
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_resists_is_tried_again_and_then_left(tmp_path, monkeypatch):
    full, fine = tmp_path / "full", tmp_path / "fine"
    tried = []

    def remove(path):
        tried.append(Path(path))
        if tried[-1] != fine:
            raise OSError(39, "Directory not empty")

    monkeypatch.setattr(folders, "remove_tree", remove)
    monkeypatch.setattr(disposal, "_PAUSE_SECONDS", 0.001)
    remover = disposal.Disposal()
    remover.delete(full)
    remover.delete(fine)
    remover.close()
    assert tried == [full] * 3 + [fine]


def test_nobody_waits_for_a_folder_that_takes_long(tmp_path, monkeypatch):
    release = threading.Event()
    monkeypatch.setattr(folders, "remove_tree", lambda path: release.wait(30))
    remover = disposal.Disposal()
    remover.delete(tmp_path)
    remover.delete(tmp_path)
    release.set()
    remover.close()
