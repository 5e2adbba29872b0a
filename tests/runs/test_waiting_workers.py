"""Workers wait ahead of their run, monitors between runs: no run may see it."""

import contextlib
import os
import select
import signal
import socket
from pathlib import Path

import pandas as pd
import pytest
from support.waiting import until

import azml_magic
from azml_magic import api
from azml_magic.monitor import shared_monitors
from azml_magic.protocol.limits import Limits
from azml_magic.protocol.messages import Fork
from azml_magic.protocol.policy import Policy
from runs.process_tree import below

VALUE = """
import os, random, resource, sys
import pandas as pd
{setup}
def azureml_main():
    return pd.DataFrame({{"value": [str({expression})]}}),
"""


def value_of(expression, setup="", **options):
    source = VALUE.format(expression=expression, setup=setup)
    output = azml_magic.run(source, **options).output1
    assert output is not None
    return output["value"][0]


@pytest.fixture(scope="module")
def shared_pool():
    made = shared_monitors._Pool()
    yield made
    made.close()


@pytest.fixture
def pool(shared_pool, monkeypatch):
    """A pool of monitors of these tests' own."""
    monkeypatch.setattr(shared_monitors, "_pool", shared_pool)
    return shared_pool


def waiting_worker(pool):
    """Return the process that waits for a run below the only monitor, in a run folder."""
    (monitor,) = pool._kept.values()

    def find():
        for pid in below(monitor.process.pid):
            with contextlib.suppress(OSError):
                # In mounts of its own, a run folder covers the folder in which it lies.
                if "/azml_magic-runs-" in os.readlink(f"/proc/{pid}/cwd"):
                    return pid
        return None

    return until(find)


def assert_ends(worker):
    """Assert that a worker waits no more: it has served the run."""
    until(lambda: not Path(f"/proc/{worker}").exists())


def test_each_run_has_a_process_of_its_own(pool):
    seen = set()
    for _ in range(4):
        value_of("1")
        worker = waiting_worker(pool)
        seen.add((worker, value_of("random.random()")))
        assert_ends(worker)
    assert len(seen) == len({number for _, number in seen}) == 4


def test_nothing_of_a_run_is_there_in_the_next(pool):
    setup = "sys.modules['left'] = sys\nos.environ['LEFT'] = '1'\nopen('left.txt', 'w').close()"
    assert value_of("'left' in sys.modules", setup) == "True"
    assert value_of("'left' in sys.modules or 'LEFT' in os.environ") == "False"
    assert value_of("os.listdir('.')") == "[]"


def test_a_waiting_worker_shows_no_trace_of_its_rehearsal(pool):
    value_of("1")
    assert value_of("'rehearsal' in str(sys.modules) or 'rehearsal' in os.getcwd()") == "False"
    assert value_of("[name for name in sys.modules if name.startswith('azml_magic.')]") == "[]"
    assert value_of("sys.argv") == "['']"


def test_limits_are_those_of_the_run_and_not_of_the_one_before(pool):
    limit = "resource.getrlimit(resource.RLIMIT_DATA)[0] // 2**20"
    small, large = (int(value_of(limit, memory=size)) for size in ("256MB", "1GB"))
    again = int(value_of(limit, memory="256MB"))
    assert 700 < large - small < 850
    assert abs(small - again) < 64


def test_a_time_limit_needs_no_other_worker(pool):
    value_of("1")
    worker = waiting_worker(pool)
    assert value_of("1", timeout=50) == "1"
    assert_ends(worker)


def test_the_waiting_worker_was_killed(pool):
    for _ in range(3):
        assert value_of("1") == "1"
        worker = os.pidfd_open(waiting_worker(pool))
        signal.pidfd_send_signal(worker, signal.SIGKILL)
        assert select.select([worker], [], [], 120)[0]
        os.close(worker)
    assert value_of("2") == "2"


def test_processes_that_a_run_leaves_are_killed_and_the_waiting_worker_is_not(pool):
    value_of("1")
    setup = (
        "import subprocess, time\n"
        "program = 'import os, time; os.fork(); os.setsid(); time.sleep(600)'\n"
        "child = subprocess.Popen([sys.executable, '-c', program])\ntime.sleep(0.3)"
    )
    for _ in range(2):
        value_of("child.pid", setup)
        worker = waiting_worker(pool)
        (monitor,) = pool._kept.values()
        names = [Path(f"/proc/{pid}/cmdline").read_bytes() for pid in below(monitor.process.pid)]
        assert not any(b"sleep(600)" in name for name in names)
    assert value_of("1") == "1"
    assert_ends(worker)


def test_one_run_folder_waits_at_most(pool):
    for _ in range(4):
        assert value_of("os.listdir('.')") == "[]"
    place = Path(os.readlink(f"/proc/{waiting_worker(pool)}/cwd"))
    parent = next(path for path in place.parents if path.name.startswith("azml_magic-runs-"))
    # A run's own folder goes after its result has come.
    until(lambda: len(list(parent.iterdir())) == 1)


def test_monitors_that_have_waited_long_are_given_back_and_come_back(new_pool, monkeypatch):
    monitor = shared_monitors.acquire()
    monkeypatch.setattr(shared_monitors, "IDLE_SECONDS", 0.5)
    shared_monitors.release(monitor)
    monitor.process.wait(120)
    until(shared_monitors.is_asleep)
    assert not new_pool._kept
    monkeypatch.setattr(shared_monitors, "IDLE_SECONDS", 900.0)
    api.wake()
    assert len(new_pool._kept) == 1
    (woken,) = new_pool._kept.values()
    api.wake()
    assert list(new_pool._kept.values()) == [woken]
    assert value_of("2") == "2"
    assert not shared_monitors.is_asleep()


def test_another_environment_has_a_monitor_of_its_own_and_the_old_one_stays(new_pool, monkeypatch):
    zone = "os.environ.get('TZ')"
    before = value_of(zone)
    (old,) = new_pool._kept.values()
    monkeypatch.setenv("TZ", "Asia/Tokyo")
    assert value_of(zone) == "Asia/Tokyo"
    assert old.alive
    assert len(new_pool._kept) == 2
    monkeypatch.undo()
    monkeypatch.setattr(shared_monitors, "_pool", new_pool)
    assert value_of(zone) == before
    assert old in new_pool._kept.values()


def test_loading_gets_a_worker_ready(new_pool):
    api.warm_up()
    worker = waiting_worker(new_pool)
    assert value_of("1") == "1"
    assert_ends(worker)


def test_a_worker_that_cannot_confine_itself_says_so_and_ends(tmp_path):
    from azml_magic.worker import run

    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    other, listener = socket.socketpair()
    for name in ("work", "start"):
        (tmp_path / name).mkdir()
    policy = Policy((), (str(tmp_path / "missing"),), network=False, limits=Limits(1 << 30, None))
    child = os.fork()
    if child == 0:
        run.work(
            Fork(1, str(tmp_path), str(tmp_path), policy), [theirs.fileno(), listener.detach()]
        )
        os._exit(9)
    for end in (theirs, listener, other):
        end.close()
    assert b"could not confine itself" in ours.recv(4096)
    assert os.waitpid(child, 0)[1] == 1 << 8
    ours.close()


def test_a_frame_of_another_run_is_never_what_arrives(pool):
    source = "def azureml_main(frame):\n    return frame,\n"
    frame = pd.DataFrame({"a": [0]})
    for number in range(5):
        frame.loc[0, "a"] = number
        output = azml_magic.run(source, frame).output1
        assert output is not None
        assert output["a"][0] == number
