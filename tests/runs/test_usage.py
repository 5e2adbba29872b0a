"""When a run is looked at, and what is seen of it."""

import itertools
import time

import pytest

import azml_magic
from azml_magic.errors import DiskLimitError, LimitError, OptionError
from azml_magic.monitor import usage
from azml_magic.protocol.limits import Limits
from azml_magic.sandbox import folders, measure

FILES = "def azureml_main():\n    for n in range({}):\n        open(str(n), 'w').close()\n"


@pytest.fixture
def looks(tmp_path, monkeypatch):
    """Return a function that makes a Usage, and the clock that it lives by."""
    now = [1000.0]
    monkeypatch.setattr(time, "monotonic", lambda: now[0])

    def make(**limits):
        return usage.Usage(tmp_path, Limits(memory=1 << 30, timeout=None, **limits), 0, list)

    return make, now


def test_a_run_that_makes_many_files_is_ended():
    with pytest.raises(DiskLimitError, match="more than 500 files") as raised:
        azml_magic.run(FILES.format(20_000) + "    import time; time.sleep(600)\n", files=500)
    assert "files=200_000" in raised.value.hint
    assert azml_magic.run(FILES.format(100), files=500).output1 is None


def test_a_limit_of_files_is_at_least_one():
    with pytest.raises(OptionError, match="files is 0"):
        azml_magic.run("def azureml_main(): pass", files=0)


LOCKS = """
import fcntl, os, time
def azureml_main():
    for child in range(20):
        if os.fork() == 0:
            # Many short lists: a long one takes long to add to.
            files = [open(f"{child}-{n}", "w+b") for n in range(200)]
            for n in range(10):
                for file in files:
                    fcntl.lockf(file, fcntl.LOCK_EX, 1, (1 << 60) - 2 * n)
            time.sleep(600)
    time.sleep(600)
"""


def test_a_run_that_holds_many_locks_is_ended():
    with pytest.raises(LimitError, match="locks on ranges of files"):
        azml_magic.run(LOCKS, timeout=300)


def test_a_disk_that_fills_is_looked_at_in_time(looks, monkeypatch):
    make, now = looks
    sizes = iter([10, 60, 95, 110])
    seen = []

    def contents(path, stop_above, most_entries):
        seen.append(now[0])
        now[0] += 0.3  # it takes long
        return folders.Contents(next(sizes), 1)

    monkeypatch.setattr(folders, "contents", contents)
    used = make(disk=100)
    now[0] += 0.5
    found = None
    while found is None:
        found = used.passed([])
        now[0] += 0.01
    assert found == ("disk", 110)
    pauses = [later - earlier - 0.3 for earlier, later in itertools.pairwise(seen)]
    assert pauses[0] <= usage.LONGEST_PAUSE_SECONDS + 0.02
    assert pauses[2] < pauses[1] < pauses[0]


def test_a_look_that_takes_long_is_followed_by_a_pause_with_an_end(looks, monkeypatch):
    make, now = looks

    def memory(*arguments):
        seen.append(now[0])
        now[0] += 5
        return 0

    monkeypatch.setattr(measure, "tree_memory", memory)
    seen, used = [], make()
    for _ in range(1500):
        used.passed([])
        now[0] += 0.01
    assert len(seen) > 2
    assert max(b - a for a, b in itertools.pairwise(seen)) < 5.6


def test_processes_that_were_not_counted_are_taken_to_be_alike(looks, monkeypatch):
    make, now = looks
    counted = []

    def count(pid, most):
        counted.append(pid)
        now[0] += 0.02
        return usage.USUAL_MAPPINGS + 10_000

    monkeypatch.setattr(measure, "count_mappings", count)
    monkeypatch.setattr(measure, "tree_memory", lambda *arguments: 0)
    used = make()
    pids = list(range(1, 101))
    assert used.passed(pids) is None
    assert len(counted) == 1
    assert used.memory_peak == 100 * 10_000 * usage.MAPPING_BYTES
    # Counted in turns, and all of them once the sum matters.
    now[0] += 1
    used.passed(pids)
    assert counted[:2] == [1, 2]
    many = list(range(1, 451))
    now[0] += 1
    reason, _ = used.passed(many)
    assert reason == "memory"
    assert set(counted) == set(many)
