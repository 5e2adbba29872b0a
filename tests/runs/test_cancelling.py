"""A run is cancelled by its execution, from any thread."""

import threading
import time

import pandas as pd
import pytest
from support.waiting import until

import azml_magic
from azml_magic.errors import Interrupted
from azml_magic.executors import link

FRAME = pd.DataFrame({"a": [1.0]})
SLEEPS = """
import time
def azureml_main(frame):
    print("begun", flush=True)
    for _ in range(60_000):
        time.sleep(0.01)
"""
ECHO = "def azureml_main(frame):\n    return frame,\n"


def test_a_run_is_cancelled_from_another_thread():
    started = []

    def cancel(stream, text):
        threading.Thread(target=started[0].cancel).start()

    begun = time.monotonic()
    with pytest.raises(Interrupted) as raised:
        azml_magic.run(SLEEPS, FRAME, on_start=started.append, on_output=cancel)
    # It would go on for ten times as long.
    assert time.monotonic() - begun < 60
    assert raised.value.result.stdout == "begun\n"
    assert len(started) == 1
    assert azml_magic.run(ECHO, FRAME).output1.equals(FRAME)


def test_a_debug_run_is_cancelled_from_another_thread(tmp_path):
    begun = tmp_path / "begun"
    source = SLEEPS.replace("    for", f"    open({str(begun)!r}, 'w').close()\n    for")

    def cancel(execution):
        until(begun.exists)
        execution.cancel()

    with pytest.raises(Interrupted) as raised:
        azml_magic.run(
            source,
            FRAME,
            on_start=lambda execution: threading.Thread(target=cancel, args=[execution]).start(),
            debug=True,
        )
    assert raised.value.result.stdout == "begun\n"
    assert azml_magic.run(ECHO, FRAME, debug=True).output1.equals(FRAME)


def test_a_run_that_is_cancelled_before_it_began_runs_nothing(monkeypatch):
    # A worker that is sent the run may begin before it is killed.
    started = []
    start = link.Link.start
    monkeypatch.setattr(link.Link, "start", lambda *of: (started.append(of), start(*of)))
    with pytest.raises(Interrupted) as raised:
        azml_magic.run(SLEEPS, FRAME, on_start=lambda execution: execution.cancel())
    assert raised.value.result.output1 is None
    assert started == []
    assert azml_magic.run(ECHO, FRAME).output1.equals(FRAME)


def test_cancelling_what_is_over_does_nothing():
    started = []
    azml_magic.run(ECHO, FRAME, on_start=started.append)
    started[0].cancel()
    assert azml_magic.run(ECHO, FRAME).output1.equals(FRAME)


def test_a_run_is_cancelled_while_a_large_frame_travels():
    large = pd.DataFrame({"a": range(5_000_000)})
    with pytest.raises(Interrupted):
        azml_magic.run(
            "import time\ntime.sleep(600)\n" + ECHO,
            large,
            on_start=lambda execution: threading.Timer(0.05, execution.cancel).start(),
        )
    assert azml_magic.run(ECHO, FRAME).output1.equals(FRAME)


@pytest.mark.parametrize("debug", [False, True], ids=["confined", "debug"])
def test_a_run_can_be_cancelled_twice_and_before_it_began(debug):
    def cancel_twice(execution):
        execution.cancel()
        execution.cancel()

    with pytest.raises(Interrupted) as raised:
        azml_magic.run(SLEEPS, FRAME, on_start=cancel_twice, debug=debug)
    assert raised.value.result.stdout == ""
    assert azml_magic.run(ECHO, FRAME, debug=debug).output1.equals(FRAME)


@pytest.mark.parametrize("debug", [False, True], ids=["confined", "debug"])
def test_at_whatever_moment_a_run_is_cancelled_it_has_a_result_or_was_interrupted(debug):
    """Also twice, and from two threads: nothing of ours escapes, here or in what follows."""
    frame = pd.DataFrame({"a": range(20_000)})
    ends = set()
    for step in range(25):

        def cancel_from_two(execution, pause=step * 0.001):
            for _ in range(2):
                threading.Timer(pause, execution.cancel).start()

        try:
            result = azml_magic.run(ECHO, frame, on_start=cancel_from_two, debug=debug)
            assert result.output1.equals(frame)
            ends.add("result")
        except Interrupted:
            ends.add("interrupted")
        time.sleep(0.01)
    assert ends <= {"result", "interrupted"}
    assert azml_magic.run(ECHO, FRAME, debug=debug).output1.equals(FRAME)
