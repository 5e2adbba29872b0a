"""A run is cancelled by its execution, from any thread."""

import threading
import time

import pandas as pd
import pytest

import azml_magic
from azml_magic.errors import Interrupted

FRAME = pd.DataFrame({"a": [1.0]})
SLEEPS = """
import time
def azureml_main(frame):
    print("begun", flush=True)
    for _ in range(6000):
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
    assert time.monotonic() - begun < 20
    assert raised.value.result.stdout == "begun\n"
    assert len(started) == 1
    assert azml_magic.run(ECHO, FRAME).output1.equals(FRAME)


def test_a_debug_run_is_cancelled_from_another_thread():
    def cancel_soon(execution):
        threading.Timer(0.5, execution.cancel).start()

    with pytest.raises(Interrupted) as raised:
        azml_magic.run(SLEEPS, FRAME, on_start=cancel_soon, debug=True)
    assert raised.value.result.stdout == "begun\n"
    assert azml_magic.run(ECHO, FRAME, debug=True).output1.equals(FRAME)


def test_a_run_that_is_cancelled_before_it_began_runs_nothing():
    with pytest.raises(Interrupted) as raised:
        azml_magic.run(SLEEPS, FRAME, on_start=lambda execution: execution.cancel())
    assert raised.value.result.output1 is None
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
            "import time\ntime.sleep(60)\n" + ECHO,
            large,
            on_start=lambda execution: threading.Timer(0.05, execution.cancel).start(),
        )
    assert azml_magic.run(ECHO, FRAME).output1.equals(FRAME)
