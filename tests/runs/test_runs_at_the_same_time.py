"""Many runs at a time: one monitor and one fork server, and no run costs another anything."""

import os
import signal
import threading

import pandas as pd
import pytest
from support.waiting import Held, until

import azml_magic
from azml_magic.errors import Interrupted, MemoryLimitError, SandboxBroken
from azml_magic.executors import link
from azml_magic.monitor import client, shared_monitors
from azml_magic.monitor.client import MonitorClient
from azml_magic.sandbox.probe import probe
from runs.process_tree import below, children

FRAME = pd.DataFrame({"a": [1.0, 2.0]})
SLOW = """
import time
def azureml_main(frame):
    print("begun", flush=True)
    time.sleep({seconds})
    return frame * {factor},
"""
HOLDS = f"{Held.HOLD}def azureml_main(frame):\n    hold({{name!r}})\n    return frame * 3,\n"
HUNGRY = "def azureml_main():\n    return len(b'x' * (1 << 30))\n"

pytestmark = pytest.mark.skipif(
    not probe().namespaces, reason="without namespaces, runs at the same time share nothing"
)


class Run(threading.Thread):
    """A run in a thread of its own; its result, or what it raised, is its ``outcome``."""

    def __init__(self, source, *inputs, **options):
        super().__init__()
        self.outcome = None
        self.execution = None
        self.begun = threading.Event()
        self._call = source, inputs, options
        self.start()

    def run(self):
        source, inputs, options = self._call
        try:
            self.outcome = azml_magic.run(
                source,
                *inputs,
                on_start=lambda execution: setattr(self, "execution", execution),
                on_output=lambda stream, text: self.begun.set(),
                **options,
            )
        except BaseException as error:
            self.outcome = error

    def result(self):
        self.join()
        if isinstance(self.outcome, BaseException):
            raise self.outcome
        return self.outcome


def _noting(kind, made):
    def make(*arguments):
        made.append(kind(*arguments))
        return made[-1]

    return make


def test_twenty_runs_have_one_monitor_and_one_fork_server(new_pool, monkeypatch):
    started = []
    monkeypatch.setattr(shared_monitors, "MonitorClient", _noting(MonitorClient, started))
    runs = [Run(SLOW.format(seconds=1, factor=factor), FRAME) for factor in range(20)]
    for run in runs:
        assert run.begun.wait(120)
    (monitor,) = new_pool._kept.values()
    assert started == [monitor]
    assert len(children(monitor.process.pid)) == 1  # the fork server's
    for factor, run in enumerate(runs):
        assert run.result().output1.equals(FRAME * factor)
    assert list(new_pool._kept.values()) == [monitor]
    assert monitor.users == 0
    assert azml_magic.run(SLOW.format(seconds=0, factor=1), FRAME).output1.equals(FRAME)
    assert list(new_pool._kept.values()) == [monitor]


def test_what_one_run_meets_is_no_matter_of_the_others(new_pool):
    runs = [Run(SLOW.format(seconds=3, factor=factor), FRAME) for factor in range(3)]
    late = Run(SLOW.format(seconds=600, factor=1), FRAME, timeout=1)
    cancelled = Run(SLOW.format(seconds=600, factor=1), FRAME)
    hungry = Run(HUNGRY, memory="300MB")
    dying = Run("import os, signal\ndef azureml_main():\n    os.kill(os.getpid(), signal.SIGKILL)")
    assert cancelled.begun.wait(120)
    cancelled.execution.cancel()
    for run, error in ((late, "TimeLimitError"), (dying, "WorkerDied")):
        run.join()
        assert type(run.outcome).__name__ == error
    with pytest.raises(Interrupted):
        cancelled.result()
    with pytest.raises(MemoryLimitError):
        hungry.result()
    for factor, run in enumerate(runs):
        assert run.result().output1.equals(FRAME * factor)
    assert len(new_pool._kept) == 1


def test_a_run_that_is_given_up_ends_and_the_monitor_goes_on(new_pool, monkeypatch):
    beside = Run(SLOW.format(seconds=2, factor=3), FRAME)
    assert beside.begun.wait(120)
    (monitor,) = new_pool._kept.values()

    class GivenUp(BaseException):
        """Neither an interrupt nor a mistake of the run."""

    def give_up(stream, text):
        raise GivenUp

    with pytest.raises(GivenUp):
        azml_magic.run(SLOW.format(seconds=600, factor=1), FRAME, on_output=give_up)
    assert beside.result().output1.equals(FRAME * 3)
    until(lambda: _sleeping_workers(monitor) <= 1)  # the one that waits for a run
    assert list(new_pool._kept.values()) == [monitor]


def _sleeping_workers(monitor):
    """Return how many processes of runs there are below a monitor."""
    count = 0
    for pid in below(monitor.process.pid):
        try:
            count += "/azml_magic-runs-" in os.readlink(f"/proc/{pid}/cwd")
        except OSError:
            continue
    return count


def test_a_monitor_that_ends_is_named_by_every_run_that_had_begun(new_pool):
    runs = [Run(SLOW.format(seconds=600, factor=1), FRAME) for _ in range(4)]
    for run in runs:
        assert run.begun.wait(120)
    (monitor,) = new_pool._kept.values()
    monitor.process.send_signal(signal.SIGKILL)
    for run in runs:
        with pytest.raises(SandboxBroken):
            run.result()
    assert azml_magic.run(SLOW.format(seconds=0, factor=1), FRAME).output1.equals(FRAME)
    assert monitor not in new_pool._kept.values()


def test_a_monitor_that_stands_still_costs_no_run_that_comes_later(new_pool, monkeypatch):
    monkeypatch.setattr(link, "END_SECONDS", 2.0)
    held = Held()
    run = Run(HOLDS.format(name=held.name), FRAME)
    held.wait_for()
    (monitor,) = new_pool._kept.values()
    monitor.process.send_signal(signal.SIGSTOP)
    held.let_go()
    with pytest.raises(SandboxBroken):
        run.result()
    assert azml_magic.run(SLOW.format(seconds=0, factor=1), FRAME).output1.equals(FRAME)


def test_a_process_forked_from_the_notebook_has_a_monitor_of_its_own(new_pool):
    held = Held()
    beside = Run(HOLDS.format(name=held.name), FRAME)
    held.wait_for()
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            result = azml_magic.run(SLOW.format(seconds=0, factor=2), FRAME)
            assert result.output1 is not None
            os.write(writing, str(result.output1["a"].tolist()).encode())
            shared_monitors.shut_down()
        finally:
            os._exit(0)
    os.close(writing)
    with os.fdopen(reading) as answer:
        assert answer.read() == "[2.0, 4.0]"
    os.waitpid(child, 0)
    held.let_go()
    assert beside.result().output1.equals(FRAME * 3)


def test_runs_of_other_threads_go_on_when_monitors_are_given_back(new_pool):
    held = Held()
    beside = Run(HOLDS.format(name=held.name), FRAME)
    held.wait_for()
    shared_monitors.shut_down()
    held.let_go()
    assert beside.result().output1.equals(FRAME * 3)


def test_a_start_that_takes_too_long_is_named_to_all_who_wait(new_pool, monkeypatch):
    monkeypatch.setattr(client, "READY_SECONDS", 0.5)
    monkeypatch.setattr(shared_monitors, "MonitorClient", _standing_still(MonitorClient))
    runs = [Run(SLOW.format(seconds=0, factor=1), FRAME) for _ in range(4)]
    for run in runs:
        run.join()
        assert type(run.outcome) is SandboxBroken
        assert "not ready" in str(run.outcome)


def _standing_still(kind):
    def make(*arguments):
        made = kind(*arguments)
        made.process.send_signal(signal.SIGSTOP)
        return made

    return make
